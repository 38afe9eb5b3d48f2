package dev.batchyard.engine.port;

/**
 * The answer to one submit.
 *
 * @param task its id
 * @param fresh false when an earlier task holds the same idempotency key: {@code task} is that one
 */
public record Submitted(long task, boolean fresh) {}
