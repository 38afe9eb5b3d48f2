package dev.batchyard.web.dashboard;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches.Batch;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How many members of a batch there are of a sort.
 *
 * @param word the end of the key of its word, and the class of its badge
 * @param list where they are listed
 */
public record BatchCount(String word, long count, String list) {

  /** {@return its counts: all, those that have ended by the way they did, the rest} */
  public static List<BatchCount> of(Batch batch) {
    Set<TaskState> live =
        Arrays.stream(TaskState.values())
            .filter(state -> !state.ended())
            .collect(Collectors.toSet());
    return List.of(
        of(batch, "all", batch.total(), Set.of()),
        of(batch, "completed", batch.completed(), EnumSet.of(TaskState.COMPLETED)),
        of(batch, "failed", batch.failed(), EnumSet.of(TaskState.FAILED, TaskState.QUARANTINED)),
        of(
            batch,
            "cancelled",
            batch.cancelled(),
            EnumSet.of(TaskState.CANCELLED, TaskState.SKIPPED)),
        of(batch, "live", batch.live(), live));
  }

  private static BatchCount of(Batch batch, String word, long count, Set<TaskState> states) {
    return new BatchCount(word, count, new ListQuery(states, "", "", batch.id(), 0).path());
  }
}
