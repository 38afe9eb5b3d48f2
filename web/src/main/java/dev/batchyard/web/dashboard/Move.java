package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.web.page.Page;
import java.time.Instant;

/** A move of a task's history as the pages write it. */
public record Move(Instant at, String from, String to, String by, String why) {

  static Move of(Page page, Event event) {
    return new Move(
        event.at(), event.from(), event.to(), page.maybe("by", event.by()), why(page, event.why()));
  }

  /** The reasons that the store itself gives are translated; those of people and handlers stay. */
  private static String why(Page page, String why) {
    int colon = why.indexOf(": ");
    if (colon > 0 && page.words().maybe("state." + why.substring(0, colon)).isPresent()) {
      return page.reason(why.substring(colon + 2)); // the state stands in its own column
    }
    return page.words().maybe("ended." + why).orElseGet(() -> page.reason(why));
  }
}
