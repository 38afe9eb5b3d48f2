package dev.batchyard.tasks.data;

import dev.batchyard.tasks.pipeline.JsonReader;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The check of each PostgreSQL type, by the name that format_type gives, or a common short one. */
final class ColumnChecks {
  private static final Pattern TYPE =
      Pattern.compile(
          "([a-z][a-z0-9 ]*?)\\s*(?:\\((-?\\d+)(?:,\\s*(-?\\d+))?\\))?( with(?:out)? time zone)?");
  private static final int UUID_DIGITS = 32;
  private static final List<String> WORDS_OF_TRUTH = List.of("true", "false", "yes", "no");

  private ColumnChecks() {}

  /** {@return the check for a type such as {@code numeric(12,2)}} */
  static ColumnCheck of(String type) {
    Matcher parts = TYPE.matcher(type);
    if (!parts.matches()) {
      return ColumnCheck.ANYTHING;
    }
    String first = parts.group(2);
    String second = parts.group(3);
    return switch (parts.group(1)) {
      case "smallint", "int2" -> NumberChecks.whole(type, Short.MIN_VALUE, Short.MAX_VALUE);
      case "integer", "int", "int4" ->
          NumberChecks.whole(type, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case "bigint", "int8" -> NumberChecks.whole(type, Long.MIN_VALUE, Long.MAX_VALUE);
      case "numeric", "decimal" -> numeric(first, second);
      case "real", "double precision", "float", "float4", "float8" -> NumberChecks.numeric();
      case "boolean", "bool" -> ColumnChecks::truth;
      case "date" -> TimeChecks.date();
      case "timestamp", "timestamptz" -> TimeChecks.timestamp();
      case "time" ->
          " with time zone".equals(parts.group(4)) ? ColumnCheck.ANYTHING : TimeChecks.time();
      case "uuid" -> ColumnChecks::uuid;
      case "json", "jsonb" -> ColumnChecks::json;
      case "character varying", "character", "varchar" ->
          first == null ? ColumnCheck.ANYTHING : length(type, Integer.parseInt(first));
      default -> ColumnCheck.ANYTHING;
    };
  }

  private static ColumnCheck numeric(@Nullable String precision, @Nullable String scale) {
    int decimals = scale == null ? 0 : Integer.parseInt(scale);
    return precision == null || decimals < 0
        ? NumberChecks.numeric()
        : NumberChecks.numeric(Integer.parseInt(precision), decimals);
  }

  /** Any beginning of true, false, yes, no that is unique; on, off and its beginning; 1, 0. */
  private static String truth(char[] text, int start, int end) {
    int from = NumberChecks.skipSpace(text, start, end);
    int to = NumberChecks.dropSpace(text, from, end);
    String word = new String(text, from, to - from).toLowerCase(Locale.ROOT);
    boolean good =
        switch (word) {
          case "" -> false;
          case "1", "0", "on", "off", "of" -> true;
          default -> WORDS_OF_TRUTH.stream().anyMatch(known -> known.startsWith(word));
        };
    return good ? ColumnCheck.FINE : "is not true or false";
  }

  private static String uuid(char[] text, int from, int to) {
    int digits = 0;
    for (int i = from; i < to; i++) {
      char c = text[i];
      if (Character.digit(c, 16) >= 0 && c < 128) {
        digits++;
      } else if (c != '-' && c != '{' && c != '}') {
        return "is not a UUID";
      }
    }
    return digits == UUID_DIGITS ? ColumnCheck.FINE : "is not a UUID";
  }

  private static String json(char[] text, int from, int to) {
    try {
      JsonReader.read(new String(text, from, to - from));
      return ColumnCheck.FINE;
    } catch (JsonReader.NotJson e) {
      return "is not JSON: " + e.getMessage();
    }
  }

  /** Characters, not UTF-16 units; spaces at the end beyond the limit are cut by PostgreSQL. */
  private static ColumnCheck length(String type, int max) {
    String tooLong = "is too long for " + type;
    return (text, from, to) -> {
      if (to - from <= max) {
        return ColumnCheck.FINE;
      }
      int end = to;
      while (end > from && text[end - 1] == ' ') {
        end--;
      }
      return Character.codePointCount(text, from, end - from) <= max ? ColumnCheck.FINE : tooLong;
    };
  }
}
