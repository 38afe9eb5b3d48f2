package dev.batchyard.app.architecture.planted.engine.task;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.function.LongSupplier;

final class ReadsClock {
  private ReadsClock() {}

  static Instant asks_now() {
    return Instant.now();
  }

  static LocalTime asks_now_in_a_zone(ZoneId zone) {
    return LocalTime.now(zone);
  }

  static long asks_nanoseconds() {
    return System.nanoTime();
  }

  static LongSupplier asks_by_reference() {
    return System::currentTimeMillis;
  }
}
