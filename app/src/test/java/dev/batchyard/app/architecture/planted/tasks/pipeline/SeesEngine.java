package dev.batchyard.app.architecture.planted.tasks.pipeline;

import dev.batchyard.app.architecture.planted.engine.run.Loop;

final class SeesEngine {
  private SeesEngine() {}

  static Class<Loop> sees_the_engine() {
    return Loop.class;
  }
}
