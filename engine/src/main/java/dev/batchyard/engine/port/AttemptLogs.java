package dev.batchyard.engine.port;

import dev.batchyard.api.AttemptLog;

/** Opens the logs of attempts. */
public interface AttemptLogs {

  /** {@return the log of one attempt; it is closed when the attempt has ended} */
  OpenLog open(long task, int attempt);

  /** The log of an attempt that runs. */
  interface OpenLog extends AttemptLog, AutoCloseable {

    /** Sends what is still held back on its way; does not wait for it. */
    @Override
    void close();
  }
}
