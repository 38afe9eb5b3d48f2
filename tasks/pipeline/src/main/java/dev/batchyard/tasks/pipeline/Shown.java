package dev.batchyard.tasks.pipeline;

import java.util.Collection;
import java.util.stream.Collectors;

/**
 * Values as messages show them: on one line, cut to a bounded length, without characters that
 * PostgreSQL cannot keep.
 */
public final class Shown {

  /** The most characters of one value that a message shows. */
  public static final int VALUE_CHARS_MAX = 100;

  /** The most names of a list that a message shows. */
  public static final int NAMES_MAX = 20;

  private static final char NUL_SIGN = '\u2400';
  private static final char REPLACEMENT = '\uFFFD';

  private Shown() {}

  /** {@return the value in single quotes, at most {@value #VALUE_CHARS_MAX} characters of it} */
  public static String value(CharSequence value) {
    return "'" + cut(value, VALUE_CHARS_MAX) + "'";
  }

  /** {@return the names behind commas, at most {@value #NAMES_MAX} of them} */
  public static String names(Collection<String> names) {
    String shown =
        names.stream()
            .limit(NAMES_MAX)
            .map(name -> cut(name, VALUE_CHARS_MAX))
            .collect(Collectors.joining(", "));
    int more = names.size() - NAMES_MAX;
    return more > 0 ? "%s and %,d more".formatted(shown, more) : shown;
  }

  /** {@return the text on one line; what is beyond so many characters is shown by an ellipsis} */
  public static String cut(CharSequence text, int charsMax) {
    int end = Math.min(text.length(), charsMax);
    if (end < text.length() && end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    StringBuilder out = new StringBuilder(end + 8);
    for (int i = 0; i < end; i++) {
      append(out, text, i);
    }
    return end < text.length() ? out.append('…').toString() : out.toString();
  }

  private static void append(StringBuilder out, CharSequence text, int at) {
    char c = text.charAt(at);
    switch (c) {
      case 0 -> out.append(NUL_SIGN);
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      default -> {
        if (Character.isISOControl(c)) {
          out.append(String.format("\\u%04X", (int) c));
        } else {
          out.append(isHalfPair(text, at) ? REPLACEMENT : c);
        }
      }
    }
  }

  private static boolean isHalfPair(CharSequence text, int at) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
    }
    return Character.isLowSurrogate(c)
        && (at == 0 || !Character.isHighSurrogate(text.charAt(at - 1)));
  }
}
