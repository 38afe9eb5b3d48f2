package dev.batchyard.engine.port;

import dev.batchyard.engine.placement.NodeTraits;
import java.util.List;
import java.util.UUID;

/**
 * A node as it presents itself.
 *
 * @param boot drawn anew at every start and after every fencing
 * @param name the same over restarts
 * @param types the task types that it serves
 * @param slots how many attempts it runs at once
 * @param traits what it has and serves
 */
public record NodeRegistration(
    UUID boot,
    String name,
    String host,
    long pid,
    String version,
    List<String> types,
    int slots,
    NodeTraits traits) {
  public NodeRegistration {
    types = List.copyOf(types);
  }

  /** A node that is not described. */
  public NodeRegistration(
      UUID boot,
      String name,
      String host,
      long pid,
      String version,
      List<String> types,
      int slots) {
    this(boot, name, host, pid, version, types, slots, NodeTraits.NONE);
  }
}
