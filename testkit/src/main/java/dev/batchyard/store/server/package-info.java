/** What tests need of the embedded server's inside. */
@NullMarked
package dev.batchyard.store.server;

import org.jspecify.annotations.NullMarked;
