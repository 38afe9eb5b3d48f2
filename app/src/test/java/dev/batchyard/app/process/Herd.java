package dev.batchyard.app.process;

import dev.batchyard.testkit.proxy.LostReplies;
import dev.batchyard.testkit.proxy.PostgresProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The nodes of a proof, each with a name and a place, in which another process follows when one has
 * ended. They are members of the data folder, or reach its server each through a proxy of its own.
 */
final class Herd implements AutoCloseable {

  private final Yard yard;
  private final List<PostgresProxy> proxies = new ArrayList<>();
  private final List<NodeProcess> nodes = new ArrayList<>();
  private final Set<NodeProcess> served = new HashSet<>();
  private int startsGivenUp;

  /**
   * Makes one, in which nothing is started.
   *
   * @param lost which replies the proxies lose; empty for nodes that are members of the folder
   */
  Herd(Yard yard, int size, Optional<LostReplies> lost) throws IOException {
    this.yard = yard;
    for (int n = 0; lost.isPresent() && n < size; n++) {
      proxies.add(PostgresProxy.before(yard::serverPort, lost.get()));
    }
  }

  /** Starts the process of the next place. */
  void add() throws IOException {
    nodes.add(start(nodes.size()));
  }

  int size() {
    return nodes.size();
  }

  NodeProcess at(int place) {
    return nodes.get(place);
  }

  PostgresProxy proxy(int place) {
    return proxies.get(place);
  }

  /** {@return how often a node gave up in its start since PostgreSQL was away} */
  int startsGivenUp() {
    return startsGivenUp;
  }

  /** SIGKILL; another process takes the place at once. */
  void kill(int place) throws IOException, InterruptedException {
    nodes.get(place).kill();
    nodes.set(place, start(place));
  }

  private NodeProcess start(int place) throws IOException {
    NodeProcess.How how = yard.proof("node-" + place);
    OptionalInt proxy =
        proxies.isEmpty() ? OptionalInt.empty() : OptionalInt.of(proxies.get(place).port());
    return yard.start(how.through(proxy));
  }

  /** Waits until each node has a session. */
  void awaitSessions() throws IOException {
    for (int place = 0; place < nodes.size(); place++) {
      int each = place;
      yard.await(
          "the session of node-" + place,
          () -> {
            supervise();
            return yard.ask(
                    "select count(*) from batchyard.node where fenced_at is null and pid = "
                        + nodes.get(each).pid())
                .equals(Optional.of(1L));
          });
    }
  }

  /** Waits until a node holds leases. */
  void awaitLeases(int place) throws IOException {
    yard.await(
        "leases of node-" + place,
        () -> {
          supervise();
          return holdsLeases(nodes.get(place));
        });
    served.add(nodes.get(place));
  }

  private boolean holdsLeases(NodeProcess node) {
    return yard.ask(
            "select count(*) from batchyard.lease l join batchyard.node n using (boot)"
                + " where n.pid = "
                + node.pid())
        .filter(count -> count > 0)
        .isPresent();
  }

  /**
   * Starts nodes again that gave up in their start because PostgreSQL was killed then, as whoever
   * runs a service does. A node that has served never ends by itself.
   */
  void supervise() {
    for (int place = 0; place < nodes.size(); place++) {
      NodeProcess node = nodes.get(place);
      if (!node.isAlive()) {
        if (served.contains(node)) {
          throw new IllegalStateException("it ended by itself; see " + node.log());
        }
        startsGivenUp++;
        try {
          nodes.set(place, start(place));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /** SIGKILL to the postmaster; waits until PostgreSQL is back. */
  void crash() throws IOException {
    long pid = yard.serverPid();
    if (!ProcessHandle.of(pid).orElseThrow().destroyForcibly()) {
      throw new IllegalStateException("cannot kill " + pid);
    }
    Path folder = Path.of("/proc", Long.toString(pid), "cwd"); // gone before anybody reaps it
    yard.await("the end of PostgreSQL", () -> !Files.exists(folder));
    yard.await("PostgreSQL", () -> yard.ask("select 1").equals(Optional.of(1L)));
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (NodeProcess node : nodes) {
      node.kill();
    }
    for (PostgresProxy proxy : proxies) {
      proxy.close();
    }
  }
}
