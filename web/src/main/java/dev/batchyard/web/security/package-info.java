/** Who may see the pages, until people can log in. */
@NullMarked
package dev.batchyard.web.security;

import org.jspecify.annotations.NullMarked;
