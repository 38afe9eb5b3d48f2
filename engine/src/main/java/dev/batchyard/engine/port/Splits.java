package dev.batchyard.engine.port;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Part;
import dev.batchyard.api.Requirement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Splits running tasks into parts, and tells what became of these. */
public interface Splits {

  /** The most characters of parameters of all parts of a split, as JSON. */
  long CHARS_MAX = 64L << 20;

  /** The most parts of a page. */
  int PAGE_MAX = 1_000;

  /**
   * Splits a running task, durably, all or nothing: its parts are submitted, its attempt ends, and
   * it is blocked until they have ended. Called again after an answer was lost, it recognises its
   * own first try.
   *
   * @param end of the attempt
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; nothing was written
   * @throws UnknownName if a retry policy or a pool does not exist; nothing was written
   */
  Done split(LeaseToken lease, Draft draft, End end);

  /** {@return what became of the parts of a task that runs; of those of its last split} */
  Optional<State> find(long task);

  /**
   * Lets a running task wait for its parts once more, and those that ended badly run again, all or
   * nothing. Its attempt ends. Called again after an answer was lost, it recognises its own first
   * try.
   *
   * @throws dev.batchyard.api.LeaseLost if the task is no longer ours; nothing was written
   * @throws MoveRefused if one of them cannot run again; nothing was written
   */
  Done again(LeaseToken lease, State state, End end);

  /**
   * {@return the completed parts of a split from this index on, in order, at most {@link
   * #PAGE_MAX}; fewer only at the end}
   */
  List<Row> results(State state, int from);

  /** {@return which part of its parent, or of a broadcast, a task is; empty if it is none} */
  Optional<Part> part(long task);

  /** What came of it. */
  enum Done {
    /** The task waits. */
    WAITS,
    /** A person has asked something of its attempt meanwhile, which has to end; nothing is done. */
    ASKED
  }

  /**
   * Checked parts on their way into the store.
   *
   * @param type of all of them
   * @param params of each, as a JSON object
   * @param labels of each, or none
   * @param tolerant whether the task goes on although parts have ended badly
   * @param retry the name of their retry policy; that of the task when empty
   */
  record Draft(
      String type,
      List<String> params,
      List<String> labels,
      boolean inTurn,
      boolean tolerant,
      Optional<String> retry,
      Map<String, Integer> pools,
      Requirement requirement) {
    public Draft {
      params = List.copyOf(params);
      labels = List.copyOf(labels);
      pools = Map.copyOf(pools);
      params.forEach(json -> Storable.requireJson("params", json));
      labels.forEach(label -> Storable.requireText("label", label));
      long chars = params.stream().mapToLong(String::length).sum();
      if (chars > CHARS_MAX) {
        throw new InvalidParameters(
            List.of(
                new InvalidParameters.Problem(
                    "params",
                    "%,d characters of all parts are more than %,d; give the parts where to find what they work on"
                        .formatted(chars, CHARS_MAX))));
      }
    }
  }

  /** The end of the attempt: which node ran it, and how long its handler did. */
  record End(String node, Duration ran) {}

  /**
   * A split.
   *
   * @param batch its number
   * @param first the task that is its first part; the others follow
   * @param failed of its parts, quarantined ones too
   * @param cancelled of its parts, skipped ones too
   * @param firstBad the first part that did not complete; empty if there is none
   * @param tolerant whether the parent goes on although parts have ended badly
   * @param generation that of the parent when it waited last
   */
  record State(
      long batch,
      long first,
      int total,
      int completed,
      int failed,
      int cancelled,
      Optional<Bad> firstBad,
      boolean inTurn,
      boolean tolerant,
      int generation) {

    /** {@return how many ended in another way than completed} */
    public int bad() {
      return failed + cancelled;
    }

    /** {@return whether the parent has nothing to wait for} */
    public boolean ended() {
      return completed() + bad() == total()
          || (inTurn()
              && firstBad().filter(part -> part.task() == first() + completed()).isPresent());
    }
  }

  /**
   * A part that ended badly.
   *
   * @param word its state
   * @param problem what it said; empty if nothing
   */
  record Bad(long task, String word, String problem) {}

  /** What a part gave back, as a JSON object. */
  record Row(int index, long task, String resultJson) {}
}
