package dev.batchyard.app.process;

import dev.batchyard.api.NewTask;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.testkit.proxy.LostReplies;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.ds.PGSimpleDataSource;

/** How long tasks of a node that is no more wait until another node runs them; real leases. */
final class FailoverProof implements AutoCloseable {

  /** A process that is gone is noticed by its lock. */
  static final Duration KILLED_MAX = Duration.ofSeconds(3);

  /** A node that nobody hears of any more has its lease left. */
  static final Duration UNHEARD_MAX = Duration.ofSeconds(15);

  private static final int TASKS = 12;
  private static final int DELAY_MIN_MS = 300;

  private static final int DELAY_MAX_MS = 1_500;

  private static final String UNBEGUN =
      """
      select count(*)
        from batchyard.task t
       where not exists (select from batchyard.checkpoint c where c.task = t.id)
      """;

  private final int nodes;
  private final Yard yard;
  private final Herd herd;
  private final Submitter submitter;
  private final SplittableRandom random;

  FailoverProof(Path folder, long seed, int nodes, double timescale)
      throws SQLException, IOException {
    this.nodes = nodes;
    yard = new Yard(folder, timescale);
    herd = new Herd(yard, nodes, Optional.of(new LostReplies()));
    random = new SplittableRandom(seed);
    submitter =
        new Deeds(
                new PGSimpleDataSource(),
                yard.installation().store(),
                Mischief.type(new PGSimpleDataSource()))
            .submitter();
    try (Connection db = yard.connect()) {
      Deeds.prepare(db);
    }
    for (int n = 0; n < nodes; n++) {
      herd.add();
    }
    herd.awaitSessions();
  }

  /** Kills one node after the other; {@return how long each one's tasks waited, the least first} */
  List<Duration> afterKills(int kills) throws Exception {
    List<Duration> waited = new ArrayList<>();
    for (int n = 0; n < kills; n++) {
      int victim = random.nextInt(nodes);
      String orphaned = orphaned(victim);
      long delayMs = random.nextLong(DELAY_MIN_MS, DELAY_MAX_MS); // where in a beat it dies
      LockSupport.parkNanos(delayMs * 1_000_000);
      long from = System.nanoTime();
      herd.at(victim).kill();
      waited.add(untilNone(orphaned, from));
      herd.kill(victim); // another takes its place not before the others have taken over
    }
    Collections.sort(waited);
    return waited;
  }

  /**
   * Cuts a node off without a word, and heals that when others have taken over; {@return how long
   * its tasks waited} The process that was cut off serves again then, under another boot.
   */
  Duration after(Cut cut) throws Exception {
    int victim = random.nextInt(nodes);
    String orphaned = orphaned(victim);
    List<Long> before = boots(victim);
    long from = System.nanoTime();
    cut.begin(herd.proxy(victim).network());
    Duration waited = untilNone(orphaned, from);
    herd.proxy(victim).network().heal();
    yard.await(
        "that it is back",
        () -> {
          herd.supervise();
          return boots(victim).stream().anyMatch(boot -> !before.contains(boot));
        });
    return waited;
  }

  /** Waits for the end of all; {@return tasks that were charged, doubled or not completed} */
  List<Long> harmed() throws IOException {
    yard.await("the end of all", this::isIdle);
    return yard.numbers(
        """
        select t.id
          from batchyard.task t
          left join batchyard.outcome o using (id)
          left join batchyard.checkpoint c on c.task = t.id
         where o.state is distinct from 'completed' or o.failures > 0 or o.crashes > 0
            or c.read is distinct from %d
        """
            .formatted(Mischief.ITEMS));
  }

  private Duration untilNone(String orphaned, long from) throws IOException {
    yard.await("that others have them", () -> yard.numbers(orphaned).equals(List.of(0L)));
    yard.await("that they run", () -> waiting().equals(List.of(0L)));
    return Duration.ofNanos(System.nanoTime() - from);
  }

  private List<Long> waiting() {
    return yard.numbers("select count(*) from batchyard.block");
  }

  /** Has a node hold leases of tasks that run; {@return a query that counts them} */
  private String orphaned(int victim) throws IOException {
    yard.await("the end of all before", () -> isIdle());
    List<NewTask> tasks = Collections.nCopies(TASKS, Mischief.task(Mischief.BEHAVES));
    var _ = submitter.submit(tasks);
    herd.awaitLeases(victim);
    yard.await("that all run", () -> waiting().equals(List.of(0L)));
    yard.await( // who has committed nothing is a suspect
        "checkpoints of all", () -> yard.numbers(UNBEGUN).equals(List.of(0L)));
    return "select count(*) from batchyard.lease l join batchyard.node n using (boot)"
        + " where n.lock_key = "
        + boots(victim).getFirst();
  }

  private List<Long> boots(int place) {
    return yard.numbers(
        "select lock_key from batchyard.node where fenced_at is null and pid = "
            + herd.at(place).pid());
  }

  private boolean isIdle() {
    return yard.numbers(
            "select (select count(*) from batchyard.block) + (select count(*) from batchyard.lease)")
        .equals(List.of(0L));
  }

  @Override
  public void close() throws Exception {
    herd.close();
    yard.close();
  }
}
