package dev.batchyard.tasks.data.jdbc;

/** One row in the text format of COPY, its line end included. Nobody writes into it once made. */
public final class CopyRow {
  private final byte[] line;

  /** Takes the bytes over. */
  public CopyRow(byte[] line) {
    this.line = line;
  }

  byte[] line() {
    return line;
  }
}
