package dev.batchyard.api.pipeline;

/**
 * The last committed position of a task and what had been counted by then.
 *
 * @param position where the source goes on
 * @param ledger the counts up to there
 */
public record Checkpoint(Position position, Ledger ledger) {}
