package dev.batchyard.api.pipeline;

/**
 * One row, document or record.
 *
 * @param number its place in the source, from 1; for a file with a header, the first row after it
 * @param value what it holds
 * @param raw its text as read, for the rejects
 * @param <T> what it holds
 */
public record Item<T>(long number, T value, String raw) {}
