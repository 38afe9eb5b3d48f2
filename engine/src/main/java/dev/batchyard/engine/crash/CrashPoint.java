package dev.batchyard.engine.crash;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The instants at which a process can be made to die, each between two steps that are not one
 * transaction, or in the middle of one. For tests: {@code -Dbatchyard.crash=name@nth} ends the
 * process at once, without hooks, when it comes by there for the nth time. Unset, passing one costs
 * a comparison with a constant.
 */
public enum CrashPoint {
  /** The session is open and its boot registered; no beat was sent. */
  SESSION_OPENED,
  /** A beat was answered; nobody here knows of it. */
  BEAT_ANSWERED,
  /** A beat has fenced a boot, or seen that it is; nothing of it is rescued. */
  FENCED_SEEN,
  /** The database sessions of fenced boots are ended; their leases stand. */
  SESSIONS_ENDED,
  /** In the transaction of a page of a rescue: the attempts are logged, the leases stand. */
  ATTEMPTS_LOGGED,
  /** One page of a rescue is committed. */
  PAGE_RESCUED,
  /** A claim is committed; the node does not know what it got. */
  CLAIMED,
  /** A claimed task is held, and its handler not called. */
  CLAIM_HELD,
  /** What was owned without being held has gone back. */
  RECONCILED,
  /** An effect was let through the gate; it is not committed. */
  EFFECT_ALLOWED,
  /** The items of a chunk are sent, in a transaction; its position and the commit are not. */
  CHUNK_SENT,
  /** What an attempt has committed is about to be told as its progress. */
  PROGRESS_MADE,
  /** A durable step is recorded as begun; its action has not run. */
  STEP_BEGUN,
  /** The action of a durable step has happened; that is not recorded. */
  STEP_HAPPENED,
  /** A durable step is recorded as done; its handler does not know. */
  STEP_RECORDED,
  /** The handler has returned, or thrown; its end waits nowhere yet. */
  HANDLER_ENDED,
  /** Ends are about to be sent. */
  ENDS_GATHERED,
  /** In the transaction of a batch of ends: they are stored, and their keys and batches wait. */
  ENDS_UNSETTLED,
  /** In the transaction of ends that no attempt tells: they are settled, their undo tasks made. */
  UNDOS_MADE,
  /** Ends are committed; the attempts are held still. */
  ENDS_STORED,
  /** New tasks are committed; their submitter is not told. */
  SUBMITTED,
  /** A page of tasks that passed a limit is committed. */
  LIMITS_PASSED,
  /** In the transaction that makes a span of ids: its partitions are attached. */
  SPAN_MADE,
  /** In the transaction that moves the ids on: the sequence stands at the next span. */
  IDS_MOVED,
  /** In the transaction that makes a day's partition of the log: it is attached. */
  LOG_DAY_MADE,
  /** A span is taken up by the retention. */
  SPAN_TAKEN,
  /** The partitions of a span are out of their tables. */
  SPAN_DETACHED,
  /** In the transaction that drops a span: the tally has forgotten it. */
  SPAN_FORGOTTEN,
  /** In the transaction of a roll-up of the tally. */
  TALLY_ROLLED,
  /** A graceful stop has begun: attempts are asked to stop, no claim begins. */
  STOP_ASKED,
  /** Every end of a graceful stop is stored; the node has not taken leave. */
  LEAVING;

  /** The system property that chooses one. */
  public static final String PROPERTY = "batchyard.crash";

  /** What a shell says of a process that SIGKILL has ended. */
  public static final int EXIT_CODE = 137;

  private static final Logger LOG = LoggerFactory.getLogger(CrashPoint.class);
  private static final Optional<Plan> PLAN = plan(System.getProperty(PROPERTY, ""));
  private static final @Nullable CrashPoint CHOSEN = PLAN.map(Plan::point).orElse(null);
  private static final AtomicInteger LEFT = new AtomicInteger(PLAN.map(Plan::nth).orElse(0));

  /**
   * Where a process is to die.
   *
   * @param nth the how manieth time it comes by there; 1 is the first
   */
  record Plan(CrashPoint point, int nth) {}

  /** The process comes by here. */
  public void pass() {
    if (this == CHOSEN) {
      count();
    }
  }

  /** {@return whether the process is to die here} Who asks need not come by at all if not. */
  public boolean isChosen() {
    return this == CHOSEN;
  }

  private void count() {
    if (LEFT.decrementAndGet() == 0) {
      LOG.error("{}: dies here, as it was told", told());
      Runtime.getRuntime().halt(EXIT_CODE);
    }
  }

  /** {@return its name as the property takes it} */
  public String told() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * {@return what is wrong with the property as it is set; empty if nothing is} A wrong one counts
   * as not set.
   */
  public static Optional<String> problem() {
    String text = System.getProperty(PROPERTY, "");
    return text.isEmpty() || PLAN.isPresent() ? Optional.empty() : Optional.of(problem(text));
  }

  static String problem(String text) {
    return "-D%s: '%s' must be one of %s, then @ and how manieth time; it is for tests, leave it out"
        .formatted(
            PROPERTY,
            text,
            Arrays.stream(values()).map(CrashPoint::told).collect(Collectors.joining(", ")));
  }

  /** {@return what a text says; empty if it says nothing} */
  static Optional<Plan> plan(String text) {
    int at = text.indexOf('@');
    if (at < 0 || !text.substring(at + 1).matches("[1-9][0-9]{0,6}")) {
      return Optional.empty();
    }
    int nth = Integer.parseInt(text.substring(at + 1));
    return Arrays.stream(values())
        .filter(point -> point.told().equals(text.substring(0, at)))
        .findFirst()
        .map(point -> new Plan(point, nth));
  }
}
