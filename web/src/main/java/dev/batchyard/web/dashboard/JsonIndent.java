package dev.batchyard.web.dashboard;

/** Breaks JSON text into indented lines. Values stay as they are, to the last digit. Pure. */
final class JsonIndent {

  private JsonIndent() {}

  /** {@return the same JSON over several lines; text that is no JSON comes back readable} */
  static String indent(String json) {
    StringBuilder out = new StringBuilder(json.length() * 2);
    int depth = 0;
    boolean quoted = false;
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      if (quoted) {
        out.append(c);
        if (c == '\\' && i + 1 < json.length()) {
          out.append(json.charAt(++i));
        } else if (c == '"') {
          quoted = false;
        }
      } else if (c == '{' || c == '[') {
        out.append(c);
        int next = afterSpace(json, i + 1);
        if (next < json.length() && (json.charAt(next) == '}' || json.charAt(next) == ']')) {
          out.append(json.charAt(next));
          i = next;
        } else {
          newLine(out, ++depth);
        }
      } else if (c == '}' || c == ']') {
        newLine(out, --depth);
        out.append(c);
      } else if (c == ',') {
        out.append(c);
        newLine(out, depth);
      } else if (c == ':') {
        out.append(": ");
      } else if (!Character.isWhitespace(c)) {
        out.append(c);
        quoted = c == '"';
      }
    }
    return out.toString();
  }

  private static int afterSpace(String json, int from) {
    int i = from;
    while (i < json.length() && Character.isWhitespace(json.charAt(i))) {
      i++;
    }
    return i;
  }

  private static void newLine(StringBuilder out, int depth) {
    // deep nesting must not multiply the size of the page
    out.append('\n').append("  ".repeat(Math.clamp(depth, 0, 12)));
  }
}
