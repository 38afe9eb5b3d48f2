package dev.batchyard.engine.port;

import java.util.List;
import java.util.UUID;

/**
 * A node as it presents itself.
 *
 * @param boot drawn anew at every start and after every fencing
 * @param name the same over restarts
 * @param types the task types that it serves
 * @param slots how many attempts it runs at once
 */
public record NodeRegistration(
    UUID boot, String name, String host, long pid, String version, List<String> types, int slots) {
  public NodeRegistration {
    types = List.copyOf(types);
  }
}
