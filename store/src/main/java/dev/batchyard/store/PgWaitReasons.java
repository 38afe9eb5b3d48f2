package dev.batchyard.store;

import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.store.WaitHomes.Held;
import dev.batchyard.store.WaitHomes.Home;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads in one snapshot: where the task is (one statement), the nodes (one more unless it runs or
 * has ended), and of a due task its pools (one, and two for each that lacks) or else its line
 * (two).
 */
final class PgWaitReasons implements WaitReasons {

  private static final String ONE_SNAPSHOT =
      """
      set transaction isolation level repeatable read, read only
      """;

  private final Db db;
  private final StoreClock clock;

  PgWaitReasons(Db db, StoreClock clock) {
    this.db = db;
    this.clock = clock;
  }

  @Override
  public Optional<Why> of(long task) {
    return db.transaction(c -> {
      Sql.run(c, ONE_SNAPSHOT);
      Optional<Home> home = WaitHomes.find(c, clock, task);
      return home.isEmpty()
          ? Optional.empty()
          : Optional.of(new Why(task, home.get().state(), waits(c, home.get())));
    });
  }

  private static List<Wait> waits(Connection connection, Home home) throws SQLException {
    if (home.ended().isPresent()) {
      return List.of(home.ended().get());
    } else if (home.held().isPresent()) {
      Held held = home.held().get();
      return List.of(
          held.started().isPresent()
              ? new Wait.Running(held.node(), held.started().get())
              : WaitLines.claimed(connection, home, held));
    }
    List<Wait> waits = new ArrayList<>(WaitHomes.waits(connection, home));
    home.pause()
        .ifPresent(pause -> waits.add(new Wait.QueuePaused(home.queue(), pause.by(), pause.at())));
    WaitNodes nodes = WaitNodes.read(connection, home);
    nodes.unserved().ifPresent(waits::add);
    if (home.due()) {
      waits.addAll(dynamic(connection, home, nodes));
    }
    return waits.subList(0, Math.min(REASONS_MAX, waits.size()));
  }

  /** What changes from one moment to the next; its turn is told if nothing else holds it. */
  private static List<Wait> dynamic(Connection connection, Home home, WaitNodes nodes)
      throws SQLException {
    List<Wait> waits = new ArrayList<>();
    nodes.suspect().ifPresent(waits::add);
    WaitLines lines = new WaitLines(connection, home);
    if (home.pooled()) {
      waits.addAll(lines.pools());
    }
    if (waits.isEmpty() && !nodes.eligible().isEmpty()) {
      waits.add(lines.line(nodes.eligible()));
    }
    return waits;
  }
}
