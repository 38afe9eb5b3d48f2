package dev.batchyard.engine.task;

import static dev.batchyard.api.TaskState.BLOCKED;
import static dev.batchyard.api.TaskState.CANCELLED;
import static dev.batchyard.api.TaskState.COMPLETED;
import static dev.batchyard.api.TaskState.FAILED;
import static dev.batchyard.api.TaskState.PAUSED;
import static dev.batchyard.api.TaskState.QUARANTINED;
import static dev.batchyard.api.TaskState.READY;
import static dev.batchyard.api.TaskState.RETRYING;
import static dev.batchyard.api.TaskState.RUNNING;
import static dev.batchyard.api.TaskState.SCHEDULED;
import static dev.batchyard.api.TaskState.SKIPPED;

import dev.batchyard.api.TaskState;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The legal moves of a task: the one table from which the diagram in the docs, the checker of
 * histories and the database's constraint are made.
 */
public final class Transitions {

  /** States in which a task may be born. */
  public static final Set<TaskState> INITIAL =
      Collections.unmodifiableSet(EnumSet.of(READY, SCHEDULED, BLOCKED));

  private static final Map<TaskState, Set<TaskState>> TABLE = table();

  private Transitions() {}

  /** {@return the states that a task in this state may move to} */
  public static Set<TaskState> from(TaskState state) {
    return TABLE.getOrDefault(state, Set.of());
  }

  /** {@return whether the move is in the table; a move to the same state never is} */
  public static boolean legal(TaskState from, TaskState to) {
    return from(from).contains(to);
  }

  /**
   * Checks a history.
   *
   * @param history the states of one task in the order in which it had them
   * @return the index of the first state that could not follow, or -1 when all is legal
   */
  public static int firstIllegal(List<TaskState> history) {
    for (int i = 0; i < history.size(); i++) {
      boolean fine =
          i == 0 ? INITIAL.contains(history.get(0)) : legal(history.get(i - 1), history.get(i));
      if (!fine) {
        return i;
      }
    }
    return -1;
  }

  /** {@return the table as a Mermaid state diagram} */
  public static String diagram() {
    StringBuilder text = new StringBuilder("stateDiagram-v2\n");
    for (TaskState state : INITIAL) {
      text.append("  [*] --> ").append(state.word()).append('\n');
    }
    TABLE.forEach((from, targets) -> {
      for (TaskState to : targets) {
        text.append("  ").append(from.word()).append(" --> ").append(to.word()).append('\n');
      }
    });
    return text.toString();
  }

  private static Map<TaskState, Set<TaskState>> table() {
    Map<TaskState, Set<TaskState>> table = new EnumMap<>(TaskState.class);
    // failed, of whatever has not ended: its total timeout or deadline has passed
    table.put(SCHEDULED, EnumSet.of(READY, PAUSED, CANCELLED, FAILED));
    table.put(BLOCKED, EnumSet.of(READY, PAUSED, SKIPPED, CANCELLED, FAILED));
    // failed: or it waited longer than its queue timeout
    table.put(READY, EnumSet.of(RUNNING, PAUSED, CANCELLED, SKIPPED, FAILED));
    // ready: released uncharged (stop, give-back, lost node); scheduled: snoozed;
    // blocked: waits for its subtasks, holding no thread and no slot
    table.put(
        RUNNING,
        EnumSet.of(
            COMPLETED,
            FAILED,
            RETRYING,
            PAUSED,
            CANCELLED,
            QUARANTINED,
            READY,
            SCHEDULED,
            BLOCKED));
    table.put(RETRYING, EnumSet.of(READY, PAUSED, CANCELLED, FAILED));
    table.put(PAUSED, EnumSet.of(SCHEDULED, BLOCKED, READY, RETRYING, CANCELLED, FAILED));
    // only by an operator: a rerun is a new generation, a mark completes what failed;
    // blocked: a part that runs again with its parent, and whose turn has not come
    table.put(FAILED, EnumSet.of(READY, COMPLETED, BLOCKED));
    table.put(CANCELLED, EnumSet.of(READY, BLOCKED));
    table.put(QUARANTINED, EnumSet.of(READY, BLOCKED));
    table.replaceAll((state, targets) -> Collections.unmodifiableSet(targets));
    return Collections.unmodifiableMap(table);
  }
}
