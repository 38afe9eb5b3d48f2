package dev.batchyard.engine.run;

import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.UnknownName;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The task types that this program knows, by name. Immutable. */
public final class TaskTypes {

  private final TreeMap<String, TaskType<?>> byName = new TreeMap<>();

  /**
   * Registers the types.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  public TaskTypes(Collection<? extends TaskType<?>> types) {
    for (TaskType<?> type : types) {
      if (byName.put(type.name(), type) != null) {
        throw new IllegalArgumentException("two task types are named " + type.name());
      }
    }
  }

  /** {@return the type, or empty} */
  public Optional<TaskType<?>> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /**
   * {@return the type}
   *
   * @throws UnknownName naming the known ones
   */
  public TaskType<?> get(String name) {
    return find(name)
        .orElseThrow(() ->
            new UnknownName(
                "type: '" + name + "' is unknown; known types: " + String.join(", ", names())));
  }

  /** {@return all names, sorted} */
  public List<String> names() {
    return List.copyOf(byName.keySet());
  }

  /** {@return all types, by name} */
  public Collection<TaskType<?>> all() {
    return List.copyOf(byName.values());
  }

  Map<String, Integer> leaseMaxByName() {
    Map<String, Integer> most = new TreeMap<>();
    byName.forEach((name, type) -> most.put(name, type.leaseMax()));
    return most;
  }
}
