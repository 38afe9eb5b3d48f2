package dev.batchyard.api.pipeline;

/**
 * Where a source goes on, as the source's own JSON object. Nobody else reads meaning into it.
 *
 * @param json a JSON object
 */
public record Position(String json) {}
