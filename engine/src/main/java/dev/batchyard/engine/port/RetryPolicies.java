package dev.batchyard.engine.port;

import dev.batchyard.api.RetryPolicy;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The retry policies: stored, made and changed by a person. A task refers to its policy by name, so
 * that a change counts for tasks that wait; an attempt that runs keeps the policy of its claim, but
 * for its rules, which are looked up when it fails.
 */
public interface RetryPolicies {

  /** The most policies. */
  int POLICIES_MAX = 100;

  /** {@return all policies, by name} */
  List<RetryPolicy> list();

  /** {@return the policy of this name} */
  Optional<RetryPolicy> find(String name);

  /**
   * Makes a policy.
   *
   * @param policy its name has letters, digits, {@code . _ -}, beginning with a letter or a digit
   * @return {@code DONE}, or {@code ALREADY} if there is one of this name, which stays as it is
   * @throws IllegalArgumentException for another name, and if there are {@link #POLICIES_MAX}
   */
  Change create(RetryPolicy policy);

  /**
   * Changes a policy; of two changes at once, the second is made to what the first one left.
   *
   * @param change makes the new policy, of the same name, of the old one; may be called again
   */
  Change edit(String name, UnaryOperator<RetryPolicy> change);

  /**
   * Takes a policy away. Tasks that have ended keep its name, and a rerun of them goes by {@code
   * default}; so does a task whose submit comes at the same time.
   *
   * @throws MoveRefused if tasks that have not ended use it
   * @throws IllegalArgumentException if it is {@link RetryPolicy#builtIn()}
   */
  Change remove(String name);

  /** What came of it. */
  enum Change {
    /** Done. */
    DONE,
    /** It was so already. */
    ALREADY,
    /** No such policy. */
    NOT_FOUND
  }
}
