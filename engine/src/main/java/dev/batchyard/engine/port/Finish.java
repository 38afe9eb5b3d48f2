package dev.batchyard.engine.port;

import dev.batchyard.engine.task.Verdict;
import java.time.Duration;

/**
 * An attempt's end on its way into the store.
 *
 * @param node the name of the node that ran it
 * @param ran how long the handler ran, by the node's own ticker
 */
public record Finish(Claim claim, Verdict verdict, String node, Duration ran) {}
