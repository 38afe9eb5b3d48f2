package dev.batchyard.app.architecture.planted.api;

import dev.batchyard.app.architecture.planted.store.Rows;
import java.util.Optional;

final class SeesStore {
  private SeesStore() {}

  static Optional<Rows> sees_the_store() {
    return Optional.empty();
  }
}
