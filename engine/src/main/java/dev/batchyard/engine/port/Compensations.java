package dev.batchyard.engine.port;

import dev.batchyard.api.TaskState;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Reads, for people, of durable steps and of how far they are undone. */
public interface Compensations {

  /** The most rows of a page. */
  int PAGE_MAX = 200;

  /**
   * Compensations, of the newest tasks first; of each task the last one.
   *
   * @param states only these; all when empty
   * @param before of tasks below this id; from the newest when empty
   * @param limit at most {@link #PAGE_MAX}
   */
  Page list(Set<State> states, OptionalLong before, int limit);

  /** {@return the steps of a task, and what it undoes; empty ones for most tasks} */
  TaskSteps of(long task);

  /** How far the steps of a task are undone. */
  enum State {
    /** Undo tasks wait or run. */
    UNDOING,
    /** One of them did not complete: a person has to run it again, or to do what it could not. */
    NEEDS_PERSON,
    /** All of them have completed. */
    UNDONE;

    /** {@return as people and machines read it} */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A page of compensations.
   *
   * @param next where the next page begins; empty at the end
   */
  record Page(List<Compensation> rows, OptionalLong next) {
    public Page {
      rows = List.copyOf(rows);
    }
  }

  /**
   * Steps of a task that are being undone, or were.
   *
   * @param type of the task
   * @param label of the task
   * @param round 1, and one more for each compensation before it
   * @param since when it came to be in this state
   * @param turn the undo that is at its turn; empty when all are undone
   */
  record Compensation(
      long task,
      String type,
      String label,
      int round,
      State state,
      Instant since,
      Optional<Turn> turn) {}

  /**
   * An undo that is at its turn.
   *
   * @param step the name of the step
   * @param task that undoes it
   * @param problem why it failed or will be tried again; empty otherwise
   */
  record Turn(String step, long task, TaskState state, String problem) {}

  /**
   * The steps of one task.
   *
   * @param steps in the order in which they were begun, those of all rounds
   * @param compensation of the last round; empty if nothing is to be undone
   * @param undoes the step that this very task undoes
   */
  record TaskSteps(List<Step> steps, Optional<Compensation> compensation, Optional<Undoes> undoes) {

    /** Of a task without steps. */
    public static final TaskSteps NONE =
        new TaskSteps(List.of(), Optional.empty(), Optional.empty());

    public TaskSteps {
      steps = List.copyOf(steps);
    }
  }

  /** Which step of which task it undoes. */
  record Undoes(long task, String step) {}

  /**
   * A step.
   *
   * @param number from 1 in its round
   * @param done empty if nobody knows whether it happened
   * @param undo empty if there is nothing to take back
   * @param settled what a person has said of it, if somebody has
   */
  record Step(
      int round,
      int number,
      String name,
      Instant started,
      Optional<Instant> done,
      Optional<String> resultJson,
      Optional<StepUndo> undo,
      Optional<Settled> settled) {}

  /**
   * What a person said of a step that was unknown.
   *
   * @param word {@code done} or {@code not_done}; empty once it was begun anew
   */
  record Settled(Optional<String> word, Instant at, String by, String why) {}

  /**
   * The undo of a step.
   *
   * @param task that undoes it, once there is one
   * @param state of that task
   */
  record StepUndo(String type, String paramsJson, OptionalLong task, Optional<TaskState> state) {}
}
