/** The PostgreSQL server, the data folder it lives in, and the connections to it. */
@NullMarked
package dev.batchyard.store.server;

import org.jspecify.annotations.NullMarked;
