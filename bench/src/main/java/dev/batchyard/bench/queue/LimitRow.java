package dev.batchyard.bench.queue;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/**
 * What the limit keeps of a task and the statements for it; everything else about the limit is the
 * same for each. Tables are named {@code task} and {@code history}; what has ended is in the
 * latter.
 */
interface LimitRow {

  /** {@return columns and index, in a few words to be printed} */
  String says();

  /** {@return statements that make both tables} */
  List<String> tables();

  /** {@return the insert of many; its parameters are the type of all and an array of parameters} */
  String bulk();

  /** {@return the insert of one; its parameters are the type and the parameters} */
  String single();

  /** {@return the claims of one worker, over its connection, on which nothing commits by itself} */
  Claims claims(Connection connection, int max) throws SQLException;

  /** Claims of one worker, behind a low-water mark of its own. */
  interface Claims extends AutoCloseable {

    /**
     * Deletes the next tasks in order. Where nothing is left behind the mark it looks from the
     * start again, for what was committed late.
     *
     * @return the parameters of each, empty when there is nothing at all
     */
    List<String> next() throws SQLException;

    /** Moves what {@link #next} gave to the history, in the same transaction. */
    void move() throws SQLException;

    @Override
    void close() throws SQLException;
  }
}
