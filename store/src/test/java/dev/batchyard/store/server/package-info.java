@NullMarked
package dev.batchyard.store.server;

import org.jspecify.annotations.NullMarked;
