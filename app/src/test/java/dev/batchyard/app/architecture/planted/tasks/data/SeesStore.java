package dev.batchyard.app.architecture.planted.tasks.data;

import dev.batchyard.app.architecture.planted.store.Rows;

final class SeesStore {
  private SeesStore() {}

  static Class<Rows> sees_the_store() {
    return Rows.class;
  }
}
