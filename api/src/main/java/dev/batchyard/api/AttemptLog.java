package dev.batchyard.api;

/**
 * The log of one attempt, kept with its task. A line holds at most 8 kB and an attempt 10,000
 * lines; then one mark says how many were dropped. Never blocks and never fails the attempt.
 */
public interface AttemptLog {

  /** Adds a line that tells what happens. */
  void info(String line);

  /** Adds a line that tells of something a person should look at. */
  void warn(String line);

  /** Adds a line that tells why the attempt failed or is about to. */
  void error(String line);
}
