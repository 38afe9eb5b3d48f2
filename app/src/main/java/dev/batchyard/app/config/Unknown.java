package dev.batchyard.app.config;

import dev.batchyard.engine.port.Nearest;
import dev.batchyard.store.server.CannotStart;
import java.util.List;

/** Refuses a name that nobody knows, with the one that was probably meant. */
final class Unknown {

  private Unknown() {}

  static CannotStart name(String where, String name, List<String> known) {
    return new CannotStart(
        "%s '%s' is unknown; %s"
            .formatted(
                where,
                OneLine.of(name),
                Nearest.to(OneLine.of(name), known)
                    .map(near -> "did you mean " + near + "?")
                    .orElse("known: " + String.join(", ", known))));
  }
}
