package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.Batches;

/**
 * What the list of batches shows.
 *
 * @param before ids below this; from the newest when 0
 */
public record BatchList(long before, Batches.Page page) {}
