package dev.batchyard.app.architecture.planted.ops;

import java.time.Clock;
import java.time.InstantSource;
import java.time.ZoneId;

final class Clocks {
  private Clocks() {}

  static InstantSource takes_the_source_of_instants() {
    return InstantSource.system();
  }

  static Clock takes_the_clock_of_utc() {
    return Clock.systemUTC();
  }

  static Clock takes_a_ticking_clock(ZoneId zone) {
    return Clock.tickSeconds(zone);
  }
}
