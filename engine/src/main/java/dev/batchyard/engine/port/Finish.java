package dev.batchyard.engine.port;

import dev.batchyard.engine.task.Verdict;
import java.time.Duration;

/**
 * An attempt's end on its way into the store.
 *
 * @param node the name of the node that ran it
 * @param ran how long the handler ran, by the node's own ticker
 * @param called whether the handler was called; a task that is released without has waited on all
 *     the time, so that its queue timeout goes on
 */
public record Finish(Claim claim, Verdict verdict, String node, Duration ran, boolean called) {

  /** The end of an attempt whose handler was called. */
  public Finish(Claim claim, Verdict verdict, String node, Duration ran) {
    this(claim, verdict, node, ran, true);
  }
}
