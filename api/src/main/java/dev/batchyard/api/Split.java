package dev.batchyard.api;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Into which parts a task is split: tasks of one type, in the queue and with the priority of their
 * parent. See {@link Outcome#split}. {@link Slices} cuts amounts, times and lists into parts.
 *
 * @param type what the parts are
 * @param params of each part, in order; 1 to {@link #PARTS_MAX}
 * @param labels of each part, for people, as {@link Labels} allows; empty for none
 * @param inTurn whether each part begins only when the one before it has completed
 * @param tolerant whether the parent goes on although parts have ended badly
 * @param retry the retry policy of the parts; that of the parent unless set
 * @param pools how many units a part uses of each pool while it runs
 * @param requirement what a node must have to run a part
 */
public record Split(
    String type,
    List<Record> params,
    List<String> labels,
    boolean inTurn,
    boolean tolerant,
    Optional<String> retry,
    Map<String, Integer> pools,
    Requirement requirement) {

  /** The most parts of one task. */
  public static final int PARTS_MAX = 100_000;

  public Split {
    params = List.copyOf(params);
    labels = List.copyOf(labels);
    pools = Map.copyOf(pools);
    if (params.isEmpty() || params.size() > PARTS_MAX) {
      throw new IllegalArgumentException(
          "params: %,d parts are not 1 to %,d; let a part do more"
              .formatted(params.size(), PARTS_MAX));
    }
    if (!labels.isEmpty() && labels.size() != params.size()) {
      throw new IllegalArgumentException(
          "labels: %,d for %,d parts; give each one, or none"
              .formatted(labels.size(), params.size()));
    }
    if (inTurn && tolerant) {
      throw new IllegalArgumentException(
          "tolerant: parts that go in turn stop at the first that fails; choose one");
    }
  }

  /** Parts that run side by side, as far as there are slots. */
  public static Split of(String type, List<? extends Record> params) {
    return new Split(
        type,
        List.copyOf(params),
        List.of(),
        false,
        false,
        Optional.empty(),
        Map.of(),
        Requirement.NONE);
  }

  /** {@return the same with a label for each part} */
  public Split labelled(Function<Part, String> label) {
    List<String> all =
        IntStream.range(0, params.size())
            .mapToObj(index -> label.apply(new Part(index, params.size())))
            .toList();
    return new Split(type, params, all, inTurn, tolerant, retry, pools, requirement);
  }

  /** {@return the same, one part after the other; the first that ends badly ends the split} */
  public Split oneAfterTheOther() {
    return new Split(type, params, labels, true, tolerant, retry, pools, requirement);
  }

  /** {@return the same, whose parent goes on with what has completed, whatever else has not} */
  public Split goingOnWithoutFailed() {
    return new Split(type, params, labels, inTurn, true, retry, pools, requirement);
  }

  /** {@return the same under another retry policy} */
  public Split withRetry(String policy) {
    return new Split(
        type, params, labels, inTurn, tolerant, Optional.of(policy), pools, requirement);
  }

  /** {@return the same, each part using so many units of a pool} */
  public Split withPool(String pool, int units) {
    Map<String, Integer> more = new java.util.HashMap<>(pools);
    more.put(pool, units);
    return new Split(type, params, labels, inTurn, tolerant, retry, more, requirement);
  }

  /** {@return the same, for nodes that have something} */
  public Split withRequirement(Requirement newRequirement) {
    return new Split(type, params, labels, inTurn, tolerant, retry, pools, newRequirement);
  }
}
