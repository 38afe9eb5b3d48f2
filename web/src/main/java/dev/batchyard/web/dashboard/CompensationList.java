package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.Compensations;

/**
 * What the list of compensations shows: those that are not done.
 *
 * @param before of tasks below this id; from the newest when 0
 */
public record CompensationList(long before, Compensations.Page page) {}
