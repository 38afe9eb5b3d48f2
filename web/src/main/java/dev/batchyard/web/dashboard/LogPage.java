package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.LogLines.Line;
import java.util.List;

/**
 * A page of a task's log from its beginning on.
 *
 * @param after its lines have ids above this
 * @param lines one more than the page shows, if there are more
 */
public record LogPage(long task, long after, List<Line> lines) {

  /** The most lines of a page. */
  static final int LINES_MAX = 500;

  public LogPage {
    lines = List.copyOf(lines);
  }

  /** {@return the lines of this page} */
  public List<Line> shown() {
    return lines.stream().limit(LINES_MAX).toList();
  }

  /** {@return after which id the next page begins; 0 if this is the last} */
  public long next() {
    return lines.size() > LINES_MAX ? lines.get(LINES_MAX - 1).id() : 0;
  }
}
