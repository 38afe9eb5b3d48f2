package dev.batchyard.web.dashboard;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Queues;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which tasks a list shows.
 *
 * @param states only these; all when empty
 * @param type only this one; all when empty
 * @param queue only of this one; of all when empty
 * @param batch only members of this one; all when 0
 * @param before ids below this; from the newest when 0
 */
public record ListQuery(Set<TaskState> states, String type, String queue, long batch, long before) {

  private static final int TYPE_MAX = 200;

  public ListQuery {
    states = Set.copyOf(states);
  }

  /**
   * Understands the values of an address.
   *
   * @throws InvalidAddress for a state that does not exist, a number that is none, or a long name
   */
  static ListQuery of(List<String> states, String type, String queue, String batch, String before) {
    if (type.length() > TYPE_MAX || queue.length() > Queues.NAME_MAX) {
      throw new InvalidAddress();
    }
    Set<TaskState> wanted = EnumSet.noneOf(TaskState.class);
    for (String word : states) {
      wanted.add(
          Arrays.stream(TaskState.values())
              .filter(state -> state.word().equals(word))
              .findFirst()
              .orElseThrow(InvalidAddress::new));
    }
    return new ListQuery(
        wanted,
        type.strip(),
        queue.strip(),
        InvalidAddress.number(batch),
        InvalidAddress.number(before));
  }

  /** {@return the tasks of a queue in some states, or in all when none is given} */
  public static ListQuery ofQueue(String queue, TaskState... states) {
    return new ListQuery(Set.of(states), "", queue, 0, 0);
  }

  /** {@return whether it leaves anything out} */
  public boolean filtered() {
    return !states.isEmpty() || !type.isEmpty() || !queue.isEmpty() || batch > 0;
  }

  /** {@return whether the counts of all tasks say nothing about what it shows} */
  public boolean partial() {
    return !queue.isEmpty() || batch > 0;
  }

  /** {@return the same for other states, from the newest} */
  public ListQuery with(Set<TaskState> other) {
    return new ListQuery(other, type, queue, batch, 0);
  }

  /** {@return the same from another id on} */
  public ListQuery from(long id) {
    return new ListQuery(states, type, queue, batch, id);
  }

  /** {@return its address} */
  public String path() {
    return "/" + parameters();
  }

  /** {@return its values as they stand in an address; empty, or with a question mark first} */
  String parameters() {
    List<String> parts = new ArrayList<>();
    states.stream().sorted().forEach(state -> parts.add("state=" + state.word()));
    if (!type.isEmpty()) {
      parts.add("type=" + URLEncoder.encode(type, StandardCharsets.UTF_8));
    }
    if (!queue.isEmpty()) {
      parts.add("queue=" + URLEncoder.encode(queue, StandardCharsets.UTF_8));
    }
    if (batch > 0) {
      parts.add("batch=" + batch);
    }
    if (before > 0) {
      parts.add("before=" + before);
    }
    return parts.stream().collect(Collectors.joining("&", parts.isEmpty() ? "" : "?", ""));
  }
}
