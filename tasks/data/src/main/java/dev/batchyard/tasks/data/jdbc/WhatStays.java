package dev.batchyard.tasks.data.jdbc;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.tasks.pipeline.jdbc.CommitChunk;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Tells with a failure what the task has left in the table. */
public final class WhatStays {
  private WhatStays() {}

  /**
   * {@return the failure, with the rows that are there if there are any} Who mends and submits anew
   * must know of them, or they come in twice.
   */
  public static FinalFailure with(
      FinalFailure failure, DataSource database, CommitChunk checkpoint, TableName table) {
    long written;
    try {
      written = checkpoint.read(database).map(last -> last.ledger().written()).orElse(0L);
    } catch (SQLException e) {
      failure.addSuppressed(e); // the first failure matters more
      return failure;
    }
    String message = String.valueOf(failure.getMessage());
    return written == 0
        ? failure
        : new FinalFailure(
            "%s%s What this task has written stays in %s (%,d %s): delete it, empty the table or name another before you submit anew"
                .formatted(
                    message,
                    message.endsWith(".") ? "" : ".",
                    table,
                    written,
                    written == 1 ? "row" : "rows"),
            failure);
  }
}
