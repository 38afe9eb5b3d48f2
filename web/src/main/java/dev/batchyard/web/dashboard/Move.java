package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.TaskViews.Event;
import dev.batchyard.web.page.Page;
import java.time.Instant;

/** A move of a task's history as the pages write it. */
public record Move(Instant at, String from, String to, String by, String why) {

  private static final String ATTEMPT = "attempt ";

  static Move of(Page page, Event event) {
    return new Move(event.at(), event.from(), event.to(), event.by(), why(page, event.why()));
  }

  /** The reasons that the store itself gives are translated; those of people and handlers stay. */
  private static String why(Page page, String why) {
    if (why.startsWith(ATTEMPT)) {
      return page.w("why.attempt", why.substring(ATTEMPT.length()));
    }
    int colon = why.indexOf(": ");
    if (colon > 0 && page.words().maybe("state." + why.substring(0, colon)).isPresent()) {
      return why.substring(colon + 2); // the state stands in its own column
    }
    return page.words()
        .maybe("why." + why)
        .or(() -> page.words().maybe("ended." + why))
        .orElse(why);
  }
}
