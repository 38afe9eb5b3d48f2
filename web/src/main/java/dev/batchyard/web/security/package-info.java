/** Who may see the pages and submit, until people can log in. */
@NullMarked
package dev.batchyard.web.security;

import org.jspecify.annotations.NullMarked;
