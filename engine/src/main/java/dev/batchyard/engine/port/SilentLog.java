package dev.batchyard.engine.port;

/** Drops every line; tells whoever wants to know that it was closed. */
record SilentLog(Runnable onClose) implements AttemptLogs.OpenLog {

  @Override
  public void begin(String line) {}

  @Override
  public void show() {}

  @Override
  public void endQuietly(String line) {}

  @Override
  public void info(String line) {}

  @Override
  public void warn(String line) {}

  @Override
  public void error(String line) {}

  @Override
  public void close() {
    onClose.run();
  }
}
