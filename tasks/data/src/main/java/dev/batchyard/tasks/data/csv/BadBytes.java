package dev.batchyard.tasks.data.csv;

/**
 * Bytes that the encoding does not know, carried through the text as lone low surrogates U+DC00 +
 * byte, which no decoder gives for readable bytes. So nothing is replaced silently, and a genuine
 * U+FFFD stays what it is. (The idea is Python's "surrogateescape", PEP 383.)
 */
public final class BadBytes {
  private static final int BASE = 0xDC00;

  private BadBytes() {}

  static char mark(byte bad) {
    return (char) (BASE | (bad & 0xFF));
  }

  /** {@return whether the character stands for a byte that could not be read} */
  public static boolean isMark(char[] text, int from, int at) {
    char c = text[at];
    return (c & 0xFF00) == BASE && !(at > from && Character.isHighSurrogate(text[at - 1]));
  }

  /** {@return the byte behind a mark, as 0xE9} */
  public static String hex(char mark) {
    return String.format("0x%02X", mark & 0xFF);
  }

  /** {@return the text, with bytes that could not be read as \\xE9} */
  static String shown(String text) {
    if (!in(text)) {
      return text;
    }
    char[] chars = text.toCharArray();
    StringBuilder out = new StringBuilder(chars.length + 16);
    for (int at = 0; at < chars.length; at++) {
      if (isMark(chars, 0, at)) {
        out.append("\\x").append(hex(chars[at]), 2, 4);
      } else {
        out.append(chars[at]);
      }
    }
    return out.toString();
  }

  /** {@return whether the text holds a byte that could not be read} */
  static boolean in(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c & 0xFF00) == BASE && !(i > 0 && Character.isHighSurrogate(text.charAt(i - 1)))) {
        return true;
      }
    }
    return false;
  }
}
