package dev.batchyard.tasks.data.jdbc;

/**
 * What must be done with a chunk before the rows of the next one are sent on another connection.
 */
public enum Before {

  /** Nothing: rows of two chunks may go in at the same time. */
  NOTHING,

  /** All its rows are in, though not yet committed: a sequence numbers rows in their order. */
  ROWS,

  /** It is committed: rows may depend on rows before them. */
  COMMIT
}
