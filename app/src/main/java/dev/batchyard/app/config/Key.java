package dev.batchyard.app.config;

import java.util.Locale;

/** Everything that can be set, by flag, environment variable or line of {@code batchyard.yaml}. */
public enum Key {
  /** The data folder. */
  DATA("the data folder; ~/.batchyard unless set"),
  /** A PostgreSQL server of one's own instead of the embedded one. */
  DB("jdbc:postgresql://host:port/database; the embedded server unless set"),
  /** The role on that server. */
  DB_USER("the role on that server"),
  /** Its password. */
  DB_PASSWORD("its password; better BATCHYARD_DB_PASSWORD_FILE, a file that holds it"),
  /** The node's name. */
  NAME("the node's name; host name and slot unless set"),
  /** The port of the pages. */
  PORT("the port of the pages on 127.0.0.1; 8470 unless set, 0 for any"),
  /** Attempts at once. */
  SLOTS("attempts that the node runs at once; 8 unless set"),
  /** The grace of a stop. */
  STOP_GRACE_S("seconds that a stop waits for checkpoints; 30 unless set"),
  /** The retention of logs. */
  LOG_DAYS("days that the logs of tasks are kept; 30 unless set");

  private final String meaning;

  Key(String meaning) {
    this.meaning = meaning;
  }

  /** {@return what it means and its default} */
  public String meaning() {
    return meaning;
  }

  /** {@return its name in the file and, after two dashes, as a flag} */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** {@return its environment variable} */
  public String variable() {
    return "BATCHYARD_" + name();
  }
}
