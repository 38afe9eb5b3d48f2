/** Proofs on real node processes: killed, frozen, stopped, with PostgreSQL killed under them. */
@NullMarked
package dev.batchyard.app.process;

import org.jspecify.annotations.NullMarked;
