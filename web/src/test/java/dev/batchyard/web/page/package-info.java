@NullMarked
package dev.batchyard.web.page;

import org.jspecify.annotations.NullMarked;
