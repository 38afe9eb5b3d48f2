package dev.batchyard.web.dashboard;

import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.port.Checkpoints.Passed;
import dev.batchyard.engine.port.Compensations.TaskSteps;
import dev.batchyard.engine.port.LogLines.Line;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.web.page.Page;
import dev.batchyard.web.page.WaitText;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What the page of one task shows.
 *
 * @param waits why it does not run; also that it does
 * @param steps its durable steps, and what it undoes
 * @param after the rejects begin above this number
 * @param rejects one more than the page shows, if there are more
 * @param tail the newest lines of the log, in order
 * @param passed its checkpoints before the last one, the newest first
 */
public record TaskSheet(
    TaskDetail detail,
    List<Wait> waits,
    TaskSteps steps,
    long after,
    List<Reject> rejects,
    List<Line> tail,
    List<Passed> passed) {

  /** The most rejects of a page. */
  static final int REJECTS_MAX = 50;

  /** The most lines of the log's tail. */
  static final int TAIL_MAX = 200;

  private static final int EVENTS_MAX = 200;
  private static final int PASSED_MAX = 20;

  public TaskSheet {
    waits = List.copyOf(waits);
    rejects = List.copyOf(rejects);
    tail = List.copyOf(tail);
    passed = List.copyOf(passed);
  }

  /**
   * Which page of which task.
   *
   * @param after the rejects begin above this number
   */
  record Key(long task, long after) {}

  /** {@return the task in a line} */
  public TaskLine line(Page page) {
    return TaskLine.of(page, detail.row());
  }

  /** {@return how long its last attempt took, once it has ended} */
  public Optional<Duration> duration() {
    return detail.took();
  }

  /** {@return why it does not run, with links to what holds it; nothing of one that does} */
  public List<Waiting> waiting(Page page) {
    WaitText text = new WaitText(page.words(), page.formats());
    return waits.stream()
        .filter(wait -> !(wait instanceof Wait.Running || wait instanceof Wait.Ended))
        .map(wait ->
            new Waiting(
                wait instanceof Wait.Unserved || wait instanceof Wait.QueuePaused,
                text.parts(wait)))
        .toList();
  }

  /**
   * A reason.
   *
   * @param warning whether nothing will run it until a person does something
   */
  public record Waiting(boolean warning, List<WaitText.Part> parts) {
    public Waiting {
      parts = List.copyOf(parts);
    }
  }

  /** {@return the parameters over several lines} */
  public String params() {
    return JsonIndent.indent(detail.paramsJson());
  }

  /** {@return the result over several lines} */
  public Optional<String> result() {
    return detail.resultJson().map(JsonIndent::indent);
  }

  /** {@return why it failed} */
  public Optional<Problem> error() {
    return detail.errorJson().map(Problem::of);
  }

  /** {@return what went wrong in an attempt; empty if nothing did} */
  public static String problem(Attempt attempt) {
    return attempt.errorJson().map(Problem::of).map(Problem::message).orElse("");
  }

  /** {@return the position over several lines} */
  public Optional<String> position() {
    return detail.positionJson().map(JsonIndent::indent);
  }

  /** {@return the newest of the checkpoints that it has passed} */
  public List<Passed> shownPassed() {
    return passed.stream().limit(PASSED_MAX).toList();
  }

  /** {@return the newest attempts, newest first} */
  public List<Attempt> attempts() {
    return detail.attempts().reversed().stream().limit(EVENTS_MAX).toList();
  }

  /** {@return the newest moves, newest first} */
  public List<Move> moves(Page page) {
    return detail.events().reversed().stream()
        .limit(EVENTS_MAX)
        .map(event -> Move.of(page, event))
        .toList();
  }

  /** {@return the rejects of this page} */
  public List<Reject> shownRejects() {
    return rejects.stream().limit(REJECTS_MAX).toList();
  }

  /** {@return after which number the next page begins; 0 if this is the last} */
  public long nextRejects() {
    return rejects.size() > REJECTS_MAX ? rejects.get(REJECTS_MAX - 1).number() : 0;
  }
}
