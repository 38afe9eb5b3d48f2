package dev.batchyard.app.architecture.planted.web;

import dev.batchyard.app.architecture.planted.store.Rows;

public final class Pages {
  private Pages() {}

  static Class<Rows> sees_the_store() {
    return Rows.class;
  }
}
