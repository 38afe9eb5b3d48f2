package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.store.Store;
import dev.batchyard.web.page.Language;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Follows a task until it ends. A terminal gets one line that is drawn again; anything else a line
 * when the state changes, and every few seconds while it moves.
 */
final class Watcher {

  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration LINE_EVERY = Duration.ofSeconds(5);

  /** A store that is away for longer ends the watch; the task goes on without us. */
  private static final Duration OUTAGE_MAX = Duration.ofMinutes(2);

  private final Console console;
  private final Context context;
  private final TaskViews views;
  private final WaitReasons waits;
  private final Show show;
  private Optional<TaskRow> told = Optional.empty();
  private long toldAt;
  private boolean unservedTold;
  private boolean unservedAsked;
  private long unservedAskedAt;

  Watcher(Cli cli, Store store) {
    this.console = cli.console();
    this.context = cli.context();
    this.views = store.taskViews();
    this.waits = store.waitReasons();
    this.show = new Show(context.zone());
  }

  /**
   * {@return whether it completed}
   *
   * @throws CliFailure if there is no such task
   */
  Exit follow(long task) throws InterruptedException {
    return end(untilEnded(task, () -> false).orElseThrow());
  }

  /** {@return the task when it has ended; empty if the watch was to stop before} */
  Optional<TaskDetail> untilEnded(long task, BooleanSupplier stop) throws InterruptedException {
    while (!stop.getAsBoolean()) {
      TaskDetail detail = find(task);
      TaskRow row = detail.row();
      if (row.state().ended()) {
        return Optional.of(detail);
      }
      tell(detail);
      Thread.sleep(POLL);
    }
    return Optional.empty();
  }

  private TaskDetail find(long task) throws InterruptedException {
    long since = context.nanos().getAsLong();
    boolean noted = false;
    while (true) {
      try {
        return views.find(task).orElseThrow(() -> CliFailure.noSuchTask(task));
      } catch (StoreUnavailable e) {
        if (context.nanos().getAsLong() - since > OUTAGE_MAX.toNanos()) {
          throw e;
        }
        if (!noted) {
          console.note("the database is away; waiting for it");
          noted = true;
        }
        Thread.sleep(POLL);
      }
    }
  }

  private void tell(TaskDetail detail) {
    TaskRow row = detail.row();
    boolean moved = told.isEmpty() || !told.get().equals(row);
    boolean turned =
        told.isEmpty()
            || told.get().state() != row.state()
            || told.get().counters().attempt() != row.counters().attempt();
    boolean due = context.nanos().getAsLong() - toldAt >= LINE_EVERY.toNanos();
    if (moved && (turned || due || console.terminal())) {
      console.tell(TaskJson.of(row));
      console.draw(show.progress(row));
      told = Optional.of(row);
      toldAt = context.nanos().getAsLong();
    }
    if (row.state() == TaskState.READY && !unservedTold) {
      tellUnserved(row.id());
    }
  }

  private void tellUnserved(long task) {
    long now = context.nanos().getAsLong();
    if (unservedAsked && now - unservedAskedAt < LINE_EVERY.toNanos()) {
      return;
    }
    unservedAsked = true;
    unservedAskedAt = now;
    waits
        .of(task)
        .flatMap(Why::unserved)
        .ifPresent(why -> {
          console.note(WhyCommand.words(context, Language.EN).text(why));
          unservedTold = true;
        });
  }

  private Exit end(TaskDetail detail) {
    console.tell(TaskJson.of(detail));
    console.draw(show.progress(detail.row()));
    console.say(show.end(detail));
    return switch (detail.row().state()) {
      case COMPLETED, SKIPPED -> Exit.OK;
      default -> Exit.FAILED;
    };
  }
}
