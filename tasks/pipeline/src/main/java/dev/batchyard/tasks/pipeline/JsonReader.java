package dev.batchyard.tasks.pipeline;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON (RFC 8259): positions that a source wrote, and values that are to be JSON. Strings,
 * {@link BigDecimal}, {@link Boolean}, null, {@link List} and {@link Map}, nested at most {@value
 * #DEPTH_MAX} deep.
 */
public final class JsonReader {

  /** How deep arrays and objects may nest. */
  public static final int DEPTH_MAX = 200;

  /** The text is not JSON. The message says what was found where. */
  public static final class NotJson extends Exception {
    private static final long serialVersionUID = 1L;

    NotJson(String message) {
      super(message, null, false, false);
    }
  }

  private final String text;
  private int at;

  private JsonReader(String text) {
    this.text = text;
  }

  /** {@return what the text says} */
  public static @Nullable Object read(String text) throws NotJson {
    JsonReader reader = new JsonReader(text);
    Object value = reader.value(0);
    reader.space();
    if (reader.at < text.length()) {
      throw reader.unexpected("the end");
    }
    return value;
  }

  private @Nullable Object value(int depth) throws NotJson {
    if (depth > DEPTH_MAX) {
      throw new NotJson("nested deeper than " + DEPTH_MAX);
    }
    space();
    return switch (peek()) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> string();
      case 't' -> word("true", true);
      case 'f' -> word("false", false);
      case 'n' -> word("null", null);
      default -> number();
    };
  }

  private Map<String, @Nullable Object> object(int depth) throws NotJson {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    at++;
    space();
    if (peek() == '}') {
      at++;
      return members;
    }
    do {
      space();
      String name = string();
      space();
      take(':');
      members.put(name, value(depth + 1));
      space();
    } while (goesOn('}'));
    return members;
  }

  private List<@Nullable Object> array(int depth) throws NotJson {
    List<@Nullable Object> elements = new ArrayList<>();
    at++;
    space();
    if (peek() == ']') {
      at++;
      return elements;
    }
    do {
      elements.add(value(depth + 1));
      space();
    } while (goesOn(']'));
    return elements;
  }

  private boolean goesOn(char end) throws NotJson {
    if (peek() == ',') {
      at++;
      return true;
    }
    take(end);
    return false;
  }

  private String string() throws NotJson {
    take('"');
    StringBuilder out = new StringBuilder();
    while (true) {
      char c = peek();
      if (at >= text.length() || c < ' ') {
        throw unexpected("the end of a string");
      }
      at++;
      if (c == '"') {
        return out.toString();
      }
      out.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() throws NotJson {
    char c = peek();
    at++;
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> hex();
      default -> {
        at--;
        throw unexpected("an escape");
      }
    };
  }

  private char hex() throws NotJson {
    int code = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0) {
        throw unexpected("four hexadecimal digits");
      }
      code = code * 16 + digit;
      at++;
    }
    return (char) code;
  }

  private BigDecimal number() throws NotJson {
    int from = at;
    if (peek() == '-') {
      at++;
    }
    if (peek() == '0') {
      at++;
    } else {
      digits("a value");
    }
    if (peek() == '.') {
      at++;
      digits("a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      at++;
      if (peek() == '+' || peek() == '-') {
        at++;
      }
      digits("a digit");
    }
    try {
      return new BigDecimal(text.substring(from, at));
    } catch (NumberFormatException e) {
      throw new NotJson("a number out of range at character " + (from + 1));
    }
  }

  private void digits(String expected) throws NotJson {
    if (peek() < '0' || peek() > '9') {
      throw unexpected(expected);
    }
    while (peek() >= '0' && peek() <= '9') {
      at++;
    }
  }

  private @Nullable Object word(String word, @Nullable Object value) throws NotJson {
    if (!text.startsWith(word, at)) {
      throw unexpected("a value");
    }
    at += word.length();
    return value;
  }

  private void take(char expected) throws NotJson {
    if (peek() != expected) {
      throw unexpected("'" + expected + "'");
    }
    at++;
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  /** The next character; NUL, which JSON knows nowhere, at the end. */
  private char peek() {
    return at < text.length() ? text.charAt(at) : 0;
  }

  private NotJson unexpected(String expected) {
    return new NotJson("expected " + expected + " at character " + (at + 1));
  }
}
