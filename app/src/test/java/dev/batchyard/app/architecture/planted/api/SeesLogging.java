package dev.batchyard.app.architecture.planted.api;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

final class SeesLogging {
  private SeesLogging() {}

  static Logger sees_a_library() {
    return LoggerFactory.getLogger(SeesLogging.class);
  }
}
