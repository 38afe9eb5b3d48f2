package dev.batchyard.app.architecture.planted.ops;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Date;
import java.util.Random;
import java.util.TimeZone;
import java.util.function.Supplier;

// what Error Prone refuses here is what the rule is proved to refuse
@SuppressWarnings({"JavaTimeDefaultTimeZone", "JavaUtilDate", "SystemOut"})
final class Asks {
  private Asks() {}

  static Instant for_an_instant() {
    return Instant.now();
  }

  static Supplier<Instant> for_an_instant_by_reference() {
    return Instant::now;
  }

  static LocalDate for_the_date() {
    return LocalDate.now();
  }

  static LocalDateTime for_the_date_and_time() {
    return LocalDateTime.now(ZoneOffset.UTC);
  }

  static ZonedDateTime for_the_time_in_its_zone() {
    return ZonedDateTime.now();
  }

  static long for_milliseconds() {
    return System.currentTimeMillis();
  }

  static Date for_a_date_of_old() {
    return new Date();
  }

  static Random for_chance() {
    return new Random();
  }

  static double for_a_draw() {
    return Math.random();
  }

  static ZoneId for_the_zone() {
    return ZoneId.systemDefault();
  }

  static TimeZone for_the_zone_of_old() {
    return TimeZone.getDefault();
  }

  static void to_print() {
    System.out.println("planted");
  }

  static void to_print_errors() {
    System.err.println("planted");
  }

  static void to_print_a_trace(Exception e) {
    e.printStackTrace();
  }
}
