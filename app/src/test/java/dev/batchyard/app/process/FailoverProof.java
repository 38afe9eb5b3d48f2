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

  private static final int NODES = 3;
  private static final int TASKS = 12;

  /** Until then each task has committed something, and is no suspect. */
  private static final int DELAY_MIN_MS = 300;

  private static final int DELAY_MAX_MS = 1_500;

  private final Yard yard;
  private final Herd herd;
  private final Submitter submitter;
  private final SplittableRandom random;

  FailoverProof(Path folder, long seed) throws SQLException, IOException {
    yard = new Yard(folder, 1);
    herd = new Herd(yard, NODES, Optional.of(new LostReplies()));
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
    for (int n = 0; n < NODES; n++) {
      herd.add();
    }
    herd.awaitSessions();
  }

  /** Kills one node after the other; {@return how long each one's tasks waited, the least first} */
  List<Duration> afterKills(int kills) throws Exception {
    List<Duration> waited = new ArrayList<>();
    for (int n = 0; n < kills; n++) {
      int victim = random.nextInt(NODES);
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

  /** Cuts a node from the database without a word; {@return how long its tasks waited} */
  Duration afterBlackHole() throws Exception {
    int victim = random.nextInt(NODES);
    String orphaned = orphaned(victim);
    long from = System.nanoTime();
    herd.proxy(victim).network().blackHole();
    Duration waited = untilNone(orphaned, from);
    herd.proxy(victim).network().heal();
    return waited;
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
    List<Long> boots =
        yard.numbers(
            "select lock_key from batchyard.node where fenced_at is null and pid = "
                + herd.at(victim).pid());
    return "select count(*) from batchyard.lease l join batchyard.node n using (boot)"
        + " where n.lock_key = "
        + boots.getFirst();
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
