package dev.batchyard.app.config;

import java.util.Locale;

/** Everything that can be set, by flag, environment variable or line of {@code batchyard.yaml}. */
public enum Key {
  /** The data folder. */
  DATA("~/.batchyard", "the data folder"),
  /** A PostgreSQL server of one's own instead of the embedded one. */
  DB("the embedded server", "a server of your own, as jdbc:postgresql://host:port/database"),
  /** The role on that server. */
  DB_USER("none", "the role on that server"),
  /** Its password. */
  DB_PASSWORD("none", "its password; better in a file"),
  /** The node's name. */
  NAME("host name and a number", "the node's name; keep it over restarts"),
  /** The port of the pages. */
  PORT(8470, 0, 65_535, "the port of the pages on 127.0.0.1; 0 takes any free one"),
  /** Attempts at once. */
  SLOTS(
      8,
      1,
      1_000,
      "attempts that the node runs at once; it opens up to 2 connections for each, and 7 more"),
  /** The node's labels. */
  LABELS("none", "what tasks can ask of the node, as key or key=value with commas between"),
  /** The queues that it serves. */
  QUEUES("all", "the queues that the node serves, with commas between"),
  /** The grace of a stop. */
  STOP_GRACE_S(30, 0, 3_600, "seconds that a stop waits for checkpoints"),
  /** The retention of logs. */
  LOG_DAYS(30, 1, 3_650, "days that the logs of tasks are kept"),
  /** The retention of tasks. */
  TASK_DAYS(30, 1, 3_650, "days that tasks are kept from their end on");

  private final String usual;
  private final int least;
  private final int most;
  private final String meaning;

  Key(String usual, String meaning) {
    this.usual = usual;
    this.least = 0;
    this.most = 0;
    this.meaning = meaning;
  }

  Key(int usual, int least, int most, String meaning) {
    this.usual = Integer.toString(usual);
    this.least = least;
    this.most = most;
    this.meaning = "%s, from %d to %d".formatted(meaning, least, most);
  }

  /** {@return what it means, with the range of a number} */
  public String meaning() {
    return meaning;
  }

  /** {@return what holds unless it is set: a number, or words} */
  public String usual() {
    return usual;
  }

  /** {@return the least that a number may be; 0 if it is no number} */
  int least() {
    return least;
  }

  /** {@return the most that a number may be; 0 if it is no number} */
  int most() {
    return most;
  }

  /** {@return whether it is a whole number} */
  boolean isNumber() {
    return most > 0;
  }

  /** {@return its name in the file and, after two dashes, as a flag} */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** {@return its environment variable} */
  public String variable() {
    return "BATCHYARD_" + name();
  }

  /** {@return whether the command line has a flag for it; lists of processes show flags to all} */
  public boolean hasFlag() {
    return switch (this) {
      case DATA, DB, NAME, PORT, SLOTS, LABELS, QUEUES -> true;
      case DB_USER, DB_PASSWORD, STOP_GRACE_S, LOG_DAYS, TASK_DAYS -> false;
    };
  }

  /**
   * {@return whether a variable with {@code _FILE} at its end may name a file with the value} That
   * is for what container platforms hand out as mounted secrets.
   */
  public boolean hasFileVariable() {
    return switch (this) {
      case DB, DB_USER, DB_PASSWORD -> true;
      case DATA, NAME, PORT, SLOTS, LABELS, QUEUES, STOP_GRACE_S, LOG_DAYS, TASK_DAYS -> false;
    };
  }

  /** {@return whether it may stand in the file of the data folder} */
  boolean mayBeInFolder() {
    return this != DATA;
  }
}
