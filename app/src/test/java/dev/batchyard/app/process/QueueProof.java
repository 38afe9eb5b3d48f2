package dev.batchyard.app.process;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.store.Store;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Node processes on one server, under mixed load, while nodes and PostgreSQL are killed; then
 * everything is left to end and the checker looks.
 */
final class QueueProof implements AutoCloseable {

  /** A blow at a node that holds leases, and one at PostgreSQL, comes up to so much later. */
  private static final int DELAY_MAX_US = 300_000;

  /** Nothing moves for so long: it will not end any more. */
  private static final Duration STILL_MAX = Duration.ofSeconds(60);

  private static final Duration BACK_MAX = Duration.ofSeconds(90);

  private final Plan plan;
  private final Yard yard;
  private final Path data;
  private final Journal journal = new Journal();
  private final SplittableRandom random;
  private final List<NodeProcess> nodes = new ArrayList<>();
  private final Set<NodeProcess> served = new HashSet<>();
  private int startsGivenUp;

  /**
   * What is done.
   *
   * @param least for how long the load lasts at least, after the nodes serve
   * @param timescale of the leases
   */
  record Plan(
      long seed,
      int nodes,
      int submitters,
      int pauseMsMax,
      int kills,
      int crashes,
      Duration least,
      double timescale) {

    static Plan queue(long seed, int kills, int crashes) {
      return new Plan(seed, 2, 4, 60, kills, crashes, Duration.ofSeconds(2), 0.2);
    }

    static Plan mix(long seed, Duration length) {
      return new Plan(seed, 4, 16, 150, 0, 0, length, 1);
    }
  }

  /** What came of it. */
  record Report(String figures, Map<String, List<String>> violations) {}

  QueueProof(Path folder, Plan plan) throws SQLException {
    this.plan = plan;
    this.yard = new Yard(folder, plan.timescale());
    this.data = folder.resolve("data");
    this.random = new SplittableRandom(plan.seed());
    try (Connection db = yard.connect()) {
      Deeds.prepare(db);
    }
  }

  Journal journal() {
    return journal;
  }

  Connection connect() throws SQLException {
    return yard.connect();
  }

  HistoryChecker checker(Connection db, Journal told) throws SQLException {
    return new HistoryChecker(db, told, yard.installation().store().taskViews());
  }

  /** Does all of it. */
  Report run() throws Exception {
    for (int n = 0; n < plan.nodes(); n++) {
      nodes.add(yard.startProof("node-" + n));
    }
    Store store = yard.installation().store();
    long from = System.nanoTime();
    try (Load _ =
        new Load(store, journal, random.nextLong(), plan.submitters(), plan.pauseMsMax())) {
      for (int n = 0; n < plan.nodes(); n++) {
        var _ = awaitLeases(n);
      }
      long served = System.nanoTime();
      strike();
      var _ =
          Load.during(
              BACK_MAX.plus(plan.least()),
              () -> System.nanoTime() - served > plan.least().toNanos());
    }
    double loadedS = (System.nanoTime() - from) / 1e9;
    settle(store);
    double tookS = (System.nanoTime() - from) / 1e9;
    try (Connection db = yard.connect()) {
      HistoryChecker checker = checker(db, journal);
      Map<String, List<String>> violations = checker.check();
      return new Report(figures(db, checker, violations.size(), loadedS, tookS), violations);
    }
  }

  /** Kills in drawn order, each in the middle of work. */
  private void strike() throws Exception {
    List<Boolean> blows = new ArrayList<>(Collections.nCopies(plan.kills(), true));
    blows.addAll(Collections.nCopies(plan.crashes(), false));
    Collections.shuffle(blows, new Random(random.nextLong()));
    for (boolean atNode : blows) {
      int victim = random.nextInt(plan.nodes());
      NodeProcess struck = awaitLeases(victim);
      LockSupport.parkNanos(random.nextLong(DELAY_MAX_US) * 1_000);
      if (atNode) {
        struck.kill();
        nodes.set(victim, yard.startProof("node-" + victim));
      } else {
        crash();
      }
    }
  }

  /** SIGKILL to the postmaster; the nodes bring PostgreSQL back. */
  private void crash() throws IOException {
    Path file = data.resolve("pg/data/postmaster.pid");
    long pid = Long.parseLong(Files.readAllLines(file).getFirst().strip());
    if (!ProcessHandle.of(pid).orElseThrow().destroyForcibly()) {
      throw new IllegalStateException("cannot kill " + pid);
    }
    Path folder = Path.of("/proc", Long.toString(pid), "cwd"); // gone before anybody reaps it
    yard.await("the end of PostgreSQL", () -> !Files.exists(folder));
    yard.await("PostgreSQL", () -> ask("select 1").equals(Optional.of(1L)));
  }

  /** Waits until a node holds leases; {@return its process} */
  private NodeProcess awaitLeases(int node) throws IOException {
    yard.await(
        "leases of node-" + node,
        () -> {
          supervise();
          return holdsLeases(nodes.get(node));
        });
    served.add(nodes.get(node));
    return nodes.get(node);
  }

  private boolean holdsLeases(NodeProcess node) {
    return ask("select count(*) from batchyard.lease l join batchyard.node n using (boot)"
            + " where n.pid = "
            + node.pid())
        .filter(count -> count > 0)
        .isPresent();
  }

  /**
   * Starts nodes again that gave up in their start because PostgreSQL was killed then, as whoever
   * runs a service does. A node that has served never ends by itself.
   */
  private void supervise() {
    for (int n = 0; n < nodes.size(); n++) {
      NodeProcess node = nodes.get(n);
      if (!node.isAlive()) {
        if (served.contains(node)) {
          throw new IllegalStateException("it ended by itself; see " + node.log());
        }
        startsGivenUp++;
        try {
          nodes.set(n, yard.startProof("node-" + n));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /** Undoes what operators have set aside and waits for the end of all. */
  private void settle(Store store) {
    String moved = "";
    long since = System.nanoTime();
    while (System.nanoTime() - since < STILL_MAX.toNanos()) {
      supervise();
      release(store);
      Optional<Long> left =
          ask(
              """
              select (select count(*) from batchyard.task) - (select count(*) from batchyard.outcome)
                   + (select count(*) from batchyard.lease)
                   + (select count(*) from batchyard.request)
                   + (select count(*) from batchyard.running)
              """);
      if (left.equals(Optional.of(0L))) {
        return;
      }
      if (!left.toString().equals(moved)) {
        moved = left.toString();
        since = System.nanoTime();
      }
      LockSupport.parkNanos(100_000_000);
    }
  }

  private void release(Store store) {
    try {
      var _ = store.queues().resume(Deeds.QUEUE);
      for (TaskRow row :
          store
              .taskViews()
              .list(
                  TaskViews.Filter.of(Set.of(TaskState.PAUSED), Optional.empty()),
                  OptionalLong.empty(),
                  200)
              .rows()) {
        var _ = store.operatorMoves().resume(row.id(), "kim");
      }
      for (long batch : unsealed()) {
        var _ = store.batches().seal(batch);
      }
    } catch (StoreUnavailable e) {
      return; // the next round does it
    }
  }

  /**
   * {@return batches whose clients were not told that they are open, or not that they are sealed}
   */
  private List<Long> unsealed() {
    return numbers("select id from batchyard.batch where sealed_at is null");
  }

  /** {@return one number; empty while PostgreSQL is away} */
  private Optional<Long> ask(String sql) {
    return numbers(sql).stream().findFirst();
  }

  private List<Long> numbers(String sql) {
    List<Long> found = new ArrayList<>();
    try (Connection db = yard.connect();
        Statement statement = db.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        found.add(row.getLong(1));
      }
      return found;
    } catch (SQLException e) {
      return List.of();
    }
  }

  private String figures(
      Connection db, HistoryChecker checker, int violated, double loadedS, double tookS)
      throws SQLException {
    long lost = journal.calls().stream().filter(c -> !c.isAnswered()).count();
    StringBuilder ends = new StringBuilder();
    try (Statement statement = db.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select state::text, count(*) from batchyard.outcome group by state
                union all
                select 'attempts ' || ended, count(*) from batchyard.attempt_log group by ended
                union all
                select 'batches', count(*) from batchyard.batch
                union all
                select 'error ' || (error ->> 'kind'), count(*) from batchyard.outcome
                 where error ->> 'kind' in ('QueueTimeout', 'TotalTimeout', 'DeadlinePassed')
                 group by 1
                order by 1
                """)) {
      while (row.next()) {
        ends.append(", ").append(row.getString(1)).append(' ').append(row.getLong(2));
      }
    }
    return ("seed %d: %d nodes, %d kills, %d crashes of PostgreSQL (%d starts of nodes met one), %d"
            + " submitters; load %.0f s, in all %.0f s; %d calls (%d without an answer), %d"
            + " asked for, %d tasks%s, cancels requested for good %d; %d invariants violated")
        .formatted(
            plan.seed(),
            plan.nodes(),
            plan.kills(),
            plan.crashes(),
            startsGivenUp,
            plan.submitters(),
            loadedS,
            tookS,
            journal.calls().size(),
            lost,
            journal.numbers(),
            checker.tasks(),
            ends,
            journal.cancelsRequestedForGood().size(),
            violated);
  }

  @Override
  public void close() throws Exception {
    yard.close();
  }
}
