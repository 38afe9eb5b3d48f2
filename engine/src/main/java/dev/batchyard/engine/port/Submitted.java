package dev.batchyard.engine.port;

/**
 * The answer to one submit.
 *
 * @param task its id
 * @param fresh false when an earlier task holds one of its keys: {@code task} is that one
 */
public record Submitted(long task, boolean fresh) {}
