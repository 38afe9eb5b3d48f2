package dev.batchyard.engine.port;

import java.util.List;
import java.util.Set;

/** Ends attempts. */
public interface Finishes {

  /** The most ends in one statement. */
  int BATCH_MAX = 500;

  /**
   * Applies the verdicts, each guarded by its lease token; one that cannot be stored fails alone.
   * Called again with the same ends after an answer was lost, it recognises its own first try.
   *
   * @param ends at most {@link #BATCH_MAX}, none of them {@code Drop}
   * @return what became of them
   */
  Result finish(List<Finish> ends);

  /**
   * What became of a batch. An end that is in neither set cannot be stored as things are: its lease
   * stands, its handler must not run again, and it is to be told once more, later.
   *
   * @param kept tasks whose end is stored, by this call or by an earlier try of it
   * @param refused tasks whose lease was lost: nothing was written for them
   */
  record Result(Set<Long> kept, Set<Long> refused) {
    public Result {
      kept = Set.copyOf(kept);
      refused = Set.copyOf(refused);
    }
  }
}
