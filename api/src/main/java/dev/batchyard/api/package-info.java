/** What an author of handlers and a caller of Batchyard see. */
@NullMarked
package dev.batchyard.api;

import org.jspecify.annotations.NullMarked;
