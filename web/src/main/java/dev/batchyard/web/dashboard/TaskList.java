package dev.batchyard.web.dashboard;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What the list of tasks shows.
 *
 * @param types what may be asked for: the types that a live node serves
 * @param queues and the queues
 */
public record TaskList(
    ListQuery query,
    TaskViews.Page page,
    Map<TaskState, Long> counts,
    List<String> types,
    List<String> queues) {

  public TaskList {
    counts = Map.copyOf(counts);
    types = List.copyOf(types);
    queues = List.copyOf(queues);
  }

  /** {@return how many tasks stand in a state} */
  public long count(TaskState state) {
    return counts.getOrDefault(state, 0L);
  }

  /** {@return how many tasks there are} */
  public long total() {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** {@return the states with tasks, and those that are asked for} */
  public List<TaskState> shownStates() {
    return Arrays.stream(TaskState.values())
        .filter(state -> count(state) > 0 || query.states().contains(state))
        .toList();
  }
}
