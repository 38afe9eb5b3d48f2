package dev.batchyard.api;

import java.util.Optional;

/**
 * A step of a task whose doing is recorded, so that it is done once over all attempts, and undone
 * if the task ends badly.
 *
 * <p>It is recorded as <em>started</em>, together with its undo, before its action runs, and as
 * <em>done</em>, with the result, after it. A later attempt skips what is done and is given the
 * stored result. A step that was started and never recorded as done is <em>unknown</em>: its node
 * died, or its action threw, and whether it happened nobody can tell. So an action must be
 * {@linkplain #idempotent() idempotent} or have a way to {@linkplain #asking(Question) ask}; if it
 * has neither, a task whose step is unknown fails for good and says so.
 *
 * <p>If the task ends as failed, cancelled or quarantined, the undos of its steps run as tasks of
 * their own, the last step's first, each when the one before it has completed. The undo of an
 * unknown step runs too. It finds out what there is to undo and takes nothing for done.
 *
 * @param name unique within the task, 1 to 100 characters
 * @param result the record class of what the action returns, kept with the step
 * @param action does it
 * @param ifUnknown what becomes of it when it is unknown
 * @param undo takes it back; empty if there is nothing to take back
 * @param <R> the result; at most 64 KiB as JSON
 */
public record DurableStep<R extends Record>(
    String name, Class<R> result, Action<R> action, IfUnknown<R> ifUnknown, Optional<Undo> undo) {

  /** The most steps of a task; of those that begin anew after a compensation, as many again. */
  public static final int STEPS_MAX = 100;

  /** The most characters of a name. */
  public static final int NAME_MAX = 100;

  public DurableStep {
    if (name.isBlank() || name.length() > NAME_MAX) {
      throw new IllegalArgumentException(
          "step: '" + name + "' must have 1 to " + NAME_MAX + " characters");
    }
  }

  /**
   * What a step does.
   *
   * @param <R> its result
   */
  @FunctionalInterface
  public interface Action<R extends Record> {

    /**
     * Does it. What it throws fails the attempt and leaves the step unknown.
     *
     * @return what later attempts, and the rest of this one, need of it
     */
    R run() throws Exception;
  }

  /** What a step without a result does. */
  @FunctionalInterface
  public interface Effect {

    /** Does it. What it throws fails the attempt and leaves the step unknown. */
    void run() throws Exception;
  }

  /**
   * Finds out whether an unknown step has happened.
   *
   * @param <R> its result
   */
  @FunctionalInterface
  public interface Question<R extends Record> {

    /**
     * Asks whoever was to do it. The answer must hold: what an earlier attempt sent may still be on
     * its way, and must find itself refused once this has answered no.
     *
     * @return its result if it has happened, empty if it has not
     */
    Optional<R> ask() throws Exception;
  }

  /** The result of a step that has none. */
  public record Nothing() {}

  /**
   * What takes a step back: a task that is made if the need arises, so that it outlives the
   * process. Its handler must be idempotent, and do nothing where nothing had been done.
   *
   * @param type the name of its task type, known to the node that runs the step
   * @param params a record of that type's parameter class; recorded before the action runs, so that
   *     they cannot hold its result: choose what the undo must know, such as a booking's number,
   *     before the action
   * @param retry the name of its retry policy; {@code critical} when empty
   */
  public record Undo(String type, Record params, Optional<String> retry) {
    public Undo {
      NewTask.requireName("undo", type);
      retry.ifPresent(policy -> NewTask.requireName("retry", policy));
    }
  }

  /**
   * What becomes of an unknown step.
   *
   * @param <R> its result
   */
  public sealed interface IfUnknown<R extends Record> {

    /** Its action runs again: doing it twice is the same as doing it once. */
    record Repeat<R extends Record>() implements IfUnknown<R> {}

    /** It is asked for; its action runs again if it has not happened. */
    record Ask<R extends Record>(Question<R> question) implements IfUnknown<R> {}

    /** Nobody knows: the task fails for good. */
    record Fail<R extends Record>() implements IfUnknown<R> {}
  }

  /** {@return a step with a result, without an undo, that cannot go on once it is unknown} */
  public static <R extends Record> DurableStep<R> of(
      String name, Class<R> result, Action<R> action) {
    return new DurableStep<>(name, result, action, new IfUnknown.Fail<>(), Optional.empty());
  }

  /** {@return a step without a result, without an undo, that cannot go on once it is unknown} */
  public static DurableStep<Nothing> of(String name, Effect effect) {
    return of(
        name,
        Nothing.class,
        () -> {
          effect.run();
          return new Nothing();
        });
  }

  /** {@return the same, whose action may run twice and has then been done once} */
  public DurableStep<R> idempotent() {
    return new DurableStep<>(name, result, action, new IfUnknown.Repeat<>(), undo);
  }

  /** {@return the same, which can be asked for} */
  public DurableStep<R> asking(Question<R> question) {
    return new DurableStep<>(name, result, action, new IfUnknown.Ask<>(question), undo);
  }

  /** {@return the same, undone by a task of this type with these parameters} */
  public DurableStep<R> undoneBy(String type, Record params) {
    return undoneBy(new Undo(type, params, Optional.empty()));
  }

  /** {@return the same, undone by this} */
  public DurableStep<R> undoneBy(Undo newUndo) {
    return new DurableStep<>(name, result, action, ifUnknown, Optional.of(newUndo));
  }
}
