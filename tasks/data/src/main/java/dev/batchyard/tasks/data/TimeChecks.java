package dev.batchyard.tasks.data;

import java.time.Year;

/**
 * Dates and times in ISO 8601's order, as PostgreSQL reads them whatever its DateStyle: {@code
 * 2024-02-29}, {@code 2024/2/29}, {@code 20240229}, {@code 2024-02-29T23:59:59.5+08}. Other orders
 * mean one thing here and another there, so they are refused.
 */
final class TimeChecks {
  private static final String NOT_A_DATE = "is not a date such as 2024-02-29";
  private static final String NOT_A_TIME = "is not a time such as 23:59:59";
  private static final String NOT_A_TIMESTAMP = "is not a timestamp such as 2024-02-29 23:59:59";

  private static final int NO = -1;

  private TimeChecks() {}

  static ColumnCheck date() {
    return (text, start, end) -> {
      int from = NumberChecks.skipSpace(text, start, end);
      int to = NumberChecks.dropSpace(text, from, end);
      return skipDate(text, from, to) == to || isInfinity(text, from, to)
          ? ColumnCheck.FINE
          : NOT_A_DATE;
    };
  }

  static ColumnCheck time() {
    return (text, start, end) -> {
      int from = NumberChecks.skipSpace(text, start, end);
      int to = NumberChecks.dropSpace(text, from, end);
      return skipTime(text, from, to) == to ? ColumnCheck.FINE : NOT_A_TIME;
    };
  }

  /** With or without a zone; a column without one ignores it, as PostgreSQL does. */
  static ColumnCheck timestamp() {
    return (text, start, end) -> {
      int from = NumberChecks.skipSpace(text, start, end);
      int to = NumberChecks.dropSpace(text, from, end);
      return isTimestamp(text, from, to) || isInfinity(text, from, to)
          ? ColumnCheck.FINE
          : NOT_A_TIMESTAMP;
    };
  }

  /** Whether a good timestamp names its zone. */
  static boolean hasZone(char[] text, int start, int end) {
    int from = NumberChecks.skipSpace(text, start, end);
    int to = NumberChecks.dropSpace(text, from, end);
    int at = skipDate(text, from, to);
    return at != NO && at < to && skipTime(text, at + 1, to) < to;
  }

  private static boolean isTimestamp(char[] text, int from, int to) {
    int at = skipDate(text, from, to);
    if (at == NO || at == to) {
      return at == to;
    }
    if (text[at] != ' ' && text[at] != 'T' && text[at] != 't') {
      return false;
    }
    int timeEnd = skipTime(text, at + 1, to);
    if (timeEnd == NO || timeEnd == to) {
      return timeEnd == to;
    }
    int zone = text[timeEnd] == ' ' ? timeEnd + 1 : timeEnd;
    return isZone(text, zone, to);
  }

  private static boolean isZone(char[] text, int from, int to) {
    if (to - from == 1) {
      return text[from] == 'Z' || text[from] == 'z';
    }
    if (to - from == 3 && new String(text, from, 3).equalsIgnoreCase("UTC")) {
      return true;
    }
    if (from >= to || (text[from] != '+' && text[from] != '-')) {
      return false;
    }
    int hours = number(text, from + 1, Math.min(from + 3, to));
    if (hours == NO || hours > 15 || to - from < 3) {
      return false;
    }
    int at = from + 3;
    while (at < to) {
      int minuteAt = text[at] == ':' ? at + 1 : at;
      int minutes = minuteAt + 2 <= to ? number(text, minuteAt, minuteAt + 2) : NO;
      if (minutes == NO || minutes > 59) {
        return false;
      }
      at = minuteAt + 2;
    }
    return to - from <= 9;
  }

  /** Where the date ends that begins here, or NO. */
  private static int skipDate(char[] text, int from, int to) {
    int yearEnd = skipDigits(text, from, to);
    if (yearEnd - from == 8) {
      return isDay(
              number(text, from, from + 4),
              number(text, from + 4, from + 6),
              number(text, from + 6, from + 8))
          ? yearEnd
          : NO;
    }
    if (yearEnd - from != 4 || yearEnd == to || (text[yearEnd] != '-' && text[yearEnd] != '/')) {
      return NO;
    }
    char separator = text[yearEnd];
    int monthEnd = skipDigits(text, yearEnd + 1, to);
    if (monthEnd - yearEnd - 1 > 2 || monthEnd == to || text[monthEnd] != separator) {
      return NO;
    }
    int dayEnd = skipDigits(text, monthEnd + 1, to);
    if (dayEnd - monthEnd - 1 > 2) {
      return NO;
    }
    return isDay(
            number(text, from, yearEnd),
            number(text, yearEnd + 1, monthEnd),
            number(text, monthEnd + 1, dayEnd))
        ? dayEnd
        : NO;
  }

  private static boolean isDay(int year, int month, int day) {
    if (year < 1 || month < 1 || month > 12 || day < 1) {
      return false;
    }
    return switch (month) {
      case 2 -> day <= (Year.isLeap(year) ? 29 : 28);
      case 4, 6, 9, 11 -> day <= 30;
      default -> day <= 31;
    };
  }

  /** Where the time of day ends that begins here, or NO. */
  private static int skipTime(char[] text, int from, int to) {
    int hourEnd = skipDigits(text, from, to);
    int hour = hourEnd - from > 2 ? NO : number(text, from, hourEnd);
    if (hour == NO || hour > 24 || hourEnd == to || text[hourEnd] != ':') {
      return NO;
    }
    int minute = twoDigits(text, hourEnd + 1, to);
    if (minute == NO || minute > 59) {
      return NO;
    }
    int at = hourEnd + 3;
    int second = 0;
    if (at < to && text[at] == ':') {
      second = twoDigits(text, at + 1, to);
      if (second == NO || second > 60) {
        return NO;
      }
      at += 3;
      if (at < to && text[at] == '.') {
        int fractionEnd = skipDigits(text, at + 1, to);
        if (fractionEnd == at + 1 || (hour == 24 && !allZero(text, at + 1, fractionEnd))) {
          return NO;
        }
        at = fractionEnd;
      }
    }
    return hour == 24 && (minute > 0 || second > 0) ? NO : at;
  }

  private static boolean allZero(char[] text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (text[i] != '0') {
        return false;
      }
    }
    return true;
  }

  private static int twoDigits(char[] text, int from, int to) {
    return from + 2 <= to && skipDigits(text, from, to) == from + 2
        ? number(text, from, from + 2)
        : NO;
  }

  private static int skipDigits(char[] text, int from, int to) {
    int at = from;
    while (at < to && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    return at;
  }

  private static int number(char[] text, int from, int to) {
    if (from >= to) {
      return NO;
    }
    int value = 0;
    for (int i = from; i < to; i++) {
      int digit = text[i] - '0';
      if (digit < 0 || digit > 9) {
        return NO;
      }
      value = value * 10 + digit;
    }
    return value;
  }

  private static boolean isInfinity(char[] text, int from, int to) {
    if (from == to) {
      return false;
    }
    int at = text[from] == '-' || text[from] == '+' ? from + 1 : from;
    return to - at == 8 && new String(text, at, 8).equalsIgnoreCase("infinity");
  }
}
