package dev.batchyard.app.cli;

import dev.batchyard.app.json.JacksonParameters;
import java.util.regex.Pattern;

/**
 * Prints for a person or, with --json, for a machine. Texts that come from data lose their control
 * characters, so that no label can draw on a terminal.
 */
final class Console {

  private static final Pattern CONTROL =
      Pattern.compile("[\\p{Cc}\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069]");
  private static final String REDRAW = "\r\u001B[K";

  private final Context context;
  private final RootCommand root;
  private final JacksonParameters codec = new JacksonParameters();
  private boolean drawn;

  Console(Context context, RootCommand root) {
    this.context = context;
    this.root = root;
  }

  /** {@return whether a machine reads} */
  boolean json() {
    return root.json();
  }

  /** {@return whether a line may be drawn again} */
  boolean terminal() {
    return context.terminal() && !json();
  }

  /** A line for a person; machines do not get it. */
  void say(String text) {
    if (!json()) {
      undraw();
      text.lines().forEach(line -> context.out().println(plain(line)));
      if (text.isEmpty()) {
        context.out().println();
      }
    }
  }

  /** A document for a machine; people do not get it. */
  void tell(Object document) {
    if (json()) {
      context.out().println(codec.write(document));
    }
  }

  /** Draws the last line again, where that is possible; else prints it. */
  void draw(String text) {
    if (terminal()) {
      context.out().print(REDRAW + plain(text));
      context.out().flush();
      drawn = true;
    } else {
      say(text);
    }
  }

  /** What a person should know although the command goes on. */
  void note(String text) {
    undraw();
    context.err().println(plain(text));
  }

  /** The one line of an error. */
  void error(String message) {
    undraw();
    context.err().println("batchyard: " + plain(message.strip().replaceAll("\\s*\\R\\s*", " ")));
  }

  private void undraw() {
    if (drawn) {
      context.out().println();
      drawn = false;
    }
  }

  /** {@return the text without what could draw on a terminal} */
  static String plain(String text) {
    return CONTROL.matcher(text).replaceAll("\uFFFD");
  }
}
