package dev.batchyard.app.config;

import dev.batchyard.store.server.CannotStart;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What this process was told.
 *
 * @param data the data folder
 * @param db a server of one's own; the embedded one if empty
 * @param dbUser the role there
 * @param dbPassword its password; never printed
 * @param name the node's name; made from host and slot if empty
 * @param port of the pages, 0 for any
 * @param slots attempts at once
 * @param stopGrace how long a stop waits for checkpoints
 * @param logRetention how long the logs of tasks are kept
 */
public record Settings(
    Path data,
    Optional<String> db,
    String dbUser,
    String dbPassword,
    Optional<String> name,
    int port,
    int slots,
    Duration stopGrace,
    Duration logRetention) {

  private static final int PORT_MAX = 65_535;
  private static final int SLOTS_MAX = 1_000;
  private static final int LOG_DAYS_MAX = 3_650;
  private static final int STOP_GRACE_MAX_S = 3_600;

  /** Makes settings from what was given by key. */
  static Settings from(Map<Key, String> given, Path home) {
    return new Settings(
        Path.of(given.getOrDefault(Key.DATA, home.resolve(".batchyard").toString()))
            .toAbsolutePath()
            .normalize(),
        Optional.ofNullable(given.get(Key.DB)),
        given.getOrDefault(Key.DB_USER, ""),
        given.getOrDefault(Key.DB_PASSWORD, ""),
        Optional.ofNullable(given.get(Key.NAME)),
        number(given, Key.PORT, 8470, 0, PORT_MAX),
        number(given, Key.SLOTS, 8, 1, SLOTS_MAX),
        Duration.ofSeconds(number(given, Key.STOP_GRACE_S, 30, 0, STOP_GRACE_MAX_S)),
        Duration.ofDays(number(given, Key.LOG_DAYS, 30, 1, LOG_DAYS_MAX)));
  }

  private static int number(Map<Key, String> given, Key key, int usual, int least, int most) {
    String text = given.get(key);
    if (text == null) {
      return usual;
    }
    try {
      int value = Integer.parseInt(text.strip());
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below, together with numbers out of range
    }
    throw new CannotStart(
        "%s: '%s' must be a whole number from %d to %d".formatted(key.word(), text, least, most));
  }

  /** Without the password. */
  @Override
  public String toString() {
    return "data=%s db=%s db-user=%s db-password=%s name=%s port=%d slots=%d stop-grace-s=%d log-days=%d"
        .formatted(
            data,
            db.orElse("embedded"),
            dbUser.isEmpty() ? "-" : dbUser,
            dbPassword.isEmpty() ? "-" : "***",
            name.orElse("-"),
            port,
            slots,
            stopGrace.toSeconds(),
            logRetention.toDays());
  }
}
