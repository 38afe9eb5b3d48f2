/** What all pages share: words in two languages, formats, templates. */
@NullMarked
package dev.batchyard.web.page;

import org.jspecify.annotations.NullMarked;
