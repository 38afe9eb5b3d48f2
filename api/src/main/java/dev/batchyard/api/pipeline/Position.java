package dev.batchyard.api.pipeline;

/**
 * Where a source goes on, as the source's own JSON object. Others read one meaning into it: if it
 * has the numbers {@code offset} and {@code size}, the share of the work before it is the one over
 * the other, and people are shown that also when no attempt runs.
 *
 * @param json a JSON object
 */
public record Position(String json) {}
