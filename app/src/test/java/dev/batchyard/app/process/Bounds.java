package dev.batchyard.app.process;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What limits a proof's task has, and whether it must pass one of them. */
enum Bounds {
  /** None. */
  NONE(Optional.empty()),
  /** All of them, and none that a proof could reach. */
  GENEROUS(Optional.empty()),
  /** It waits in a queue that is shut. */
  SHUT_OUT(Optional.of("QueueTimeout")),
  /** It is due long after its total timeout. */
  TOO_LATE(Optional.of("TotalTimeout")),
  /** It is due long after its deadline. */
  OVERDUE(Optional.of("DeadlinePassed"));

  private static final Duration FAR = Duration.ofHours(1);
  private static final Duration NEAR = Duration.ofMillis(200);

  private final Optional<String> error;

  Bounds(Optional<String> error) {
    this.error = error;
  }

  /** {@return the kind of the error with which it must fail; empty if no limit may end it} */
  Optional<String> error() {
    return error;
  }

  /** {@return the task with these limits} */
  NewTask of(NewTask task) {
    Instant now = Instant.now();
    return switch (this) {
      case NONE -> task;
      case GENEROUS ->
          task.withLimits(
              Limits.NONE
                  .withQueueTimeout(FAR)
                  .withAttemptTimeout(FAR)
                  .withTotalTimeout(FAR)
                  .withDeadline(now.plus(FAR)));
      case SHUT_OUT -> task.withQueue(Deeds.SHUT).withLimits(Limits.NONE.withQueueTimeout(NEAR));
      case TOO_LATE -> task.withDue(now.plus(FAR)).withLimits(Limits.NONE.withTotalTimeout(NEAR));
      case OVERDUE ->
          task.withDue(now.plus(FAR)).withLimits(Limits.NONE.withDeadline(now.plus(NEAR)));
    };
  }
}
