/** What programs ask for over HTTP: submits, and refusals that programs can read. */
@NullMarked
package dev.batchyard.web.api;

import org.jspecify.annotations.NullMarked;
