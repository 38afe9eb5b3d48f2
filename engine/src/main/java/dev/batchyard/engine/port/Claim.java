package dev.batchyard.engine.port;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.engine.task.TimeLimits;
import java.util.UUID;

/**
 * A task that this node may run now.
 *
 * @param lease the row that says so
 * @param token presented by every write of the attempt
 * @param counters with this attempt already counted
 * @param retry the policy as it was at the claim, without its rules for kinds of failures: they are
 *     looked up when an attempt has failed
 * @param alone whether its node died again and again while it ran: nothing else runs beside it
 * @param begun items and fraction that earlier attempts had committed; zero at first, the fraction
 *     negative if their checkpoint does not say
 * @param flags what its end has to settle beside its outcome, a sum of the constants below; 0 for
 *     most tasks, whose ends pay for nothing but their outcome
 * @param limits what is left of its time limits
 */
public record Claim(
    long task,
    String type,
    String paramsJson,
    Counters counters,
    RetryPolicy retry,
    long lease,
    UUID token,
    boolean alone,
    Progress begun,
    int flags,
    TimeLimits limits) {

  /** It holds a key among live tasks, to be freed. */
  public static final int LIVE_KEY = 1;

  /** It is a member of a batch, to be counted. */
  public static final int MEMBER = 2;

  /** It has time limits, to be forgotten. */
  public static final int LIMITS = 4;

  /** It was submitted as blocked, behind a batch or another undo; nothing to settle. */
  public static final int THEN = 8;

  /** It undoes a step of another task, to be told of its end. */
  public static final int UNDO = 16;

  /** It uses pools; nothing to settle, but others may start when it has ended. Not stored. */
  public static final int POOLED = 32;

  /** {@return whether others may wait for what it uses} */
  public boolean pooled() {
    return (flags & POOLED) != 0;
  }

  /** {@return whether its end has something to settle} */
  public boolean settles() {
    return (flags & (LIVE_KEY | MEMBER | LIMITS | UNDO)) != 0;
  }
}
