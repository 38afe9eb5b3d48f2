/**
 * A deterministic simulation of nodes, clients and operators over the real store: one thread, a
 * time of its own, faults drawn from a seed.
 */
@NullMarked
package dev.batchyard.app.sim;

import org.jspecify.annotations.NullMarked;
