package dev.batchyard.testkit.proxy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Follows what one client asks for, as far as to know which statements are run and which of them
 * ends a transaction (PostgreSQL's manual, chapter "Frontend/Backend Protocol"). Not thread-safe.
 */
final class Requests {

  private final Map<String, String> statements = new HashMap<>();
  private final Map<String, String> portals = new HashMap<>();
  private final List<String> open = new ArrayList<>();
  private boolean inTransaction;

  /** Reads a message; {@return the statements of the transaction that it commits, if it does} */
  List<String> see(char type, byte[] body) {
    switch (type) {
      case 'P' -> {
        String name = text(body, 0);
        statements.put(name, text(body, after(body, 0)));
      }
      case 'B' -> {
        String statement = text(body, after(body, 0));
        portals.put(text(body, 0), statements.getOrDefault(statement, ""));
      }
      case 'E' -> {
        return run(portals.getOrDefault(text(body, 0), ""));
      }
      case 'Q' -> {
        return run(text(body, 0));
      }
      default -> {} // describes, closes, copied rows, passwords
    }
    return List.of();
  }

  private List<String> run(String sql) {
    String word = sql.strip().toLowerCase(Locale.ROOT);
    if (word.startsWith("begin") || word.startsWith("start transaction")) {
      inTransaction = true;
      open.clear();
      return List.of();
    }
    if (word.startsWith("commit")) {
      return end();
    }
    if (word.startsWith("rollback") && !word.startsWith("rollback to")) {
      var _ = end();
      return List.of();
    }
    if (inTransaction) {
      open.add(sql);
      return List.of();
    }
    return List.of(sql);
  }

  private List<String> end() {
    List<String> ended = List.copyOf(open);
    open.clear();
    inTransaction = false;
    return ended;
  }

  private static String text(byte[] body, int from) {
    return new String(body, from, after(body, from) - 1 - from, StandardCharsets.UTF_8);
  }

  /** {@return where the text that begins here has ended} */
  private static int after(byte[] body, int from) {
    int at = from;
    while (body[at] != 0) {
      at++;
    }
    return at + 1;
  }
}
