package dev.batchyard.engine.port;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/** What people see of tasks that run for longer than a second. */
public interface RunningRows {

  /** Writes the rows, each guarded by its lease; one call a second for all attempts of a node. */
  void record(String node, List<RunningRow> rows);

  /**
   * One attempt.
   *
   * @param ran since its handler was called
   * @param items dealt with since the task began
   * @param fraction done, 0 to 1; negative if unknown
   * @param rate items a second
   * @param remainingMs at this pace
   */
  record RunningRow(
      Claim claim,
      Duration ran,
      long items,
      double fraction,
      double rate,
      OptionalLong remainingMs) {}
}
