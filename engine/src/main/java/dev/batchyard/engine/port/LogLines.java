package dev.batchyard.engine.port;

import java.time.Instant;
import java.util.List;

/**
 * The stored log of attempts. An attempt that completed within a second and wrote no line has none;
 * a second after its end its start and completion are derived from its outcome.
 */
public interface LogLines {

  /** The most lines in one append or one page. */
  int BATCH_MAX = 1_000;

  /** Appends lines, in order. */
  void append(List<Line> lines);

  /**
   * Lines of one task over all its attempts, in order.
   *
   * @param after ids above this; 0 for the beginning
   */
  List<Line> read(long task, long after, int limit);

  /** {@return the newest lines of one task, in order; at most {@link #BATCH_MAX}} */
  List<Line> tail(long task, int limit);

  /**
   * One line.
   *
   * @param id grows with time; 0 before it is stored
   * @param at by the clock of its node; a time ahead of the store's is replaced by the store's
   * @param level info, warn or error
   */
  record Line(long id, long task, int attempt, Instant at, String level, String text) {}
}
