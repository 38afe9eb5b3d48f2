package dev.batchyard.web.dashboard;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.web.page.Page;
import java.time.Duration;

/**
 * A task as the pages write it. Texts are empty where there is nothing to say.
 *
 * @param name its label, or its type when it has none
 * @param state the word of its state
 * @param bar whether a bar is worth showing
 * @param permille how far it is, 0 to 1000; −1 if that is unknown
 */
public record TaskLine(
    long id,
    String name,
    String type,
    String state,
    boolean bar,
    int permille,
    String percent,
    String items,
    String rate,
    String eta,
    String node,
    String problem) {

  private static final int PROBLEM_MAX = 200;

  /** {@return a task for a page} */
  public static TaskLine of(Page page, TaskRow row) {
    boolean running = row.state() == TaskState.RUNNING;
    boolean known = row.fraction() >= 0;
    return new TaskLine(
        row.id(),
        row.label().isBlank() ? row.type() : row.label(),
        row.type(),
        row.state().word(),
        running || known,
        // a bar that is full means that the task is done
        known ? (int) Math.clamp(row.fraction() * 1000, 0, row.fraction() >= 1 ? 1000 : 999) : -1,
        known ? page.formats().percent(row.fraction()) : "",
        row.items() > 0 ? page.w("task.items", page.formats().number(row.items())) : "",
        running && row.rate() > 0 ? page.formats().rate(row.rate()) : "",
        running && row.remainingMs().isPresent()
            ? page.formats().duration(Duration.ofMillis(row.remainingMs().getAsLong()))
            : "",
        row.node().orElse(""),
        cut(page.reason(row.problem())));
  }

  private static String cut(String text) {
    return text.codePointCount(0, text.length()) <= PROBLEM_MAX
        ? text
        : text.substring(0, text.offsetByCodePoints(0, PROBLEM_MAX)) + "…";
  }
}
