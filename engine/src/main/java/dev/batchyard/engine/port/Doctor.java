package dev.batchyard.engine.port;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Looks over the whole installation for what should not be. A look reads in small pages with pauses
 * between them and locks nothing, so that it may be taken at any time. What it finds is looked at
 * once more a moment later, and told only if it is still there: rows that are on the move are no
 * finding.
 */
public interface Doctor {

  /** The most examples that people are shown. */
  int EXAMPLES_MAX = 20;

  /** The most that one look finds of one check; it says that there may be more. */
  int FOUND_MAX = 1_000;

  /** Rows of a table that a look reads unless told otherwise, the newest. */
  long ROWS = 1_000_000;

  /**
   * Looks now.
   *
   * @param rowsMax the most rows of a table that are looked at, the newest; it may be some
   *     thousands more
   */
  Finding look(Check check, long rowsMax);

  /**
   * Does what is safe about what was found: each in a short transaction, guarded by what was seen.
   * Nothing if the check is not {@linkplain Check#repairable() repairable}.
   *
   * @return those that are as they should be now
   */
  List<Found> repair(Finding finding);

  /** {@return what the nodes found when one of them looked last, of every check, in their order} */
  List<LastLook> lastLooks();

  /**
   * One thing that should not be.
   *
   * @param subject what it is about, such as {@code task 12}; the same in every look
   * @param key what a repair needs to know of it
   * @param detail what is wrong with it
   */
  record Found(String subject, String key, String detail) {}

  /**
   * What a look came to.
   *
   * @param found at most {@link #FOUND_MAX}
   * @param more whether there may be more than that
   * @param looked how many rows were looked at
   * @param complete whether those were all rows that there are
   * @param problem why it could not look; empty if it could
   */
  record Finding(
      Check check, List<Found> found, boolean more, long looked, boolean complete, String problem) {
    public Finding {
      found = List.copyOf(found);
    }

    /** {@return whether it looked and found nothing} */
    public boolean fine() {
      return found.isEmpty() && problem.isEmpty();
    }
  }

  /**
   * What nodes know of a check.
   *
   * @param at when a node looked last; empty if none has yet
   * @param since since when something is found; empty if nothing is
   * @param found how many; at most {@link #FOUND_MAX}
   * @param examples at most {@link #EXAMPLES_MAX}
   * @param problem why it could not look; empty if it could
   */
  record LastLook(
      Check check,
      Optional<Instant> at,
      Optional<Instant> since,
      long looked,
      long found,
      List<Example> examples,
      String problem) {
    public LastLook {
      examples = List.copyOf(examples);
    }
  }

  /** One of those that were found. */
  record Example(String subject, String detail) {}
}
