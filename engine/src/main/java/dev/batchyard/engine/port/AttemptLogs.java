package dev.batchyard.engine.port;

import dev.batchyard.api.AttemptLog;

/** Opens the logs of attempts. */
public interface AttemptLogs {

  /** {@return the log of one attempt; it is closed when the attempt has ended} */
  OpenLog open(long task, int attempt);

  /**
   * The log of an attempt that runs. Its first line is held back until there is more to tell: what
   * a quick attempt without any line of its own did is in its outcome, and {@link LogLines} derives
   * both lines from that.
   */
  interface OpenLog extends AttemptLog, AutoCloseable {

    /** Drops every line. */
    OpenLog SILENT = new SilentLog(() -> {});

    /** {@return one that drops every line and calls this when it is closed} */
    static OpenLog silent(Runnable onClose) {
      return new SilentLog(onClose);
    }

    /** Keeps the first line back, with the time of now. */
    void begin(String line);

    /** Sends the first line on its way: the attempt is no quick one. */
    void show();

    /** Adds a last line unless the first one is still held back; then both are dropped. */
    void endQuietly(String line);

    /** Sends what is still held back on its way; does not wait for it. */
    @Override
    void close();
  }
}
