package dev.batchyard.app.config;

import dev.batchyard.api.NodeLabels;
import dev.batchyard.store.server.CannotStart;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

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
 * @param labels of the node
 * @param queues that it serves; all if empty
 * @param stopGrace how long a stop waits for checkpoints
 * @param logRetention how long the logs of tasks are kept
 * @param taskRetention how long tasks are kept from their end on
 */
public record Settings(
    Path data,
    Optional<String> db,
    String dbUser,
    String dbPassword,
    Optional<String> name,
    int port,
    int slots,
    SortedSet<String> labels,
    SortedSet<String> queues,
    Duration stopGrace,
    Duration logRetention,
    Duration taskRetention) {

  /** A name is also that of a log file. */
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N}._-]{0,62}");

  /**
   * Makes settings from what was given by key.
   *
   * @throws CannotStart for a value that cannot be
   */
  static Settings from(Map<Key, String> given, Path home) {
    given.forEach((key, value) -> {
      if (value.isBlank()) {
        throw new CannotStart("%s: has no value; give one, or leave it out".formatted(key.word()));
      }
    });
    return new Settings(
        folder(given.getOrDefault(Key.DATA, Key.DATA.usual()), home),
        Optional.ofNullable(given.get(Key.DB)).map(String::strip),
        given.getOrDefault(Key.DB_USER, ""),
        given.getOrDefault(Key.DB_PASSWORD, ""),
        Optional.ofNullable(given.get(Key.NAME)).map(Settings::checkedName),
        number(given, Key.PORT),
        number(given, Key.SLOTS),
        labels(given.getOrDefault(Key.LABELS, "")),
        queues(given.getOrDefault(Key.QUEUES, "")),
        Duration.ofSeconds(number(given, Key.STOP_GRACE_S)),
        Duration.ofDays(number(given, Key.LOG_DAYS)),
        Duration.ofDays(number(given, Key.TASK_DAYS)));
  }

  private static Path folder(String text, Path home) {
    try {
      // a shell expands the tilde of '--data ~/x', not that of '--data=~/x' or of a variable
      Path path =
          text.equals("~") || text.startsWith("~/")
              ? home.resolve(text.substring(Math.min(text.length(), 2)))
              : Path.of(text);
      return path.toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new CannotStart(
          "data: '%s' is no path here (%s); a name that is not ASCII needs a locale such as LANG=C.UTF-8"
              .formatted(OneLine.of(text), OneLine.of(e.getReason())),
          e);
    }
  }

  private static String checkedName(String text) {
    String name = text.strip();
    if (!NAME.matcher(name).matches()) {
      throw new CannotStart(
          "name: '%s' must be 1 to 63 letters, digits, dots, dashes and underscores, a letter or digit first"
              .formatted(OneLine.of(name)));
    }
    return name;
  }

  private static SortedSet<String> labels(String text) {
    try {
      return NodeLabels.parse(text);
    } catch (IllegalArgumentException e) {
      throw new CannotStart("labels: " + e.getMessage(), e);
    }
  }

  private static SortedSet<String> queues(String text) {
    SortedSet<String> queues = new TreeSet<>();
    for (String name : text.isEmpty() ? new String[0] : text.split(",", -1)) {
      if (name.isBlank() || !queues.add(name.strip())) {
        throw new CannotStart(
            "queues: '%s' must be names of queues with commas between, each once"
                .formatted(OneLine.of(text)));
      }
    }
    return queues;
  }

  private static int number(Map<Key, String> given, Key key) {
    String text = given.getOrDefault(key, key.usual());
    try {
      int value = Integer.parseInt(text.strip());
      if (value >= key.least() && value <= key.most()) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below, together with numbers out of range
    }
    throw new CannotStart(
        "%s: '%s' must be a whole number from %d to %d"
            .formatted(key.word(), OneLine.of(text), key.least(), key.most()));
  }

  /** Without the password. */
  @Override
  public String toString() {
    return "data=%s db=%s db-user=%s db-password=%s name=%s port=%d slots=%d labels=%s queues=%s stop-grace-s=%d log-days=%d task-days=%d"
        .formatted(
            data,
            db.orElse("embedded"),
            dbUser.isEmpty() ? "-" : dbUser,
            dbPassword.isEmpty() ? "-" : "***",
            name.orElse("-"),
            port,
            slots,
            labels.isEmpty() ? "-" : String.join(",", labels),
            queues.isEmpty() ? "all" : String.join(",", queues),
            stopGrace.toSeconds(),
            logRetention.toDays(),
            taskRetention.toDays());
  }
}
