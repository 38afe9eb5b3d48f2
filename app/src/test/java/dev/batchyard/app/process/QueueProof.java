package dev.batchyard.app.process;

import dev.batchyard.app.Installation;
import dev.batchyard.app.process.Aftermath.Report;
import dev.batchyard.store.Store;
import dev.batchyard.testkit.proxy.LostReplies;
import dev.batchyard.testkit.proxy.LostReplies.Aim;
import dev.batchyard.testkit.proxy.PostgresProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Node processes on one server, under mixed load, while nodes, PostgreSQL and the network are
 * struck; then everything is left to end and the checker looks.
 */
final class QueueProof implements AutoCloseable {

  /** A blow at a node that holds leases, and one at PostgreSQL, comes up to so much later. */
  private static final int DELAY_MAX_US = 300_000;

  private static final Duration BACK_MAX = Duration.ofSeconds(90);

  /** Replies that wait to be lost, beyond which the next blow waits. */
  private static final int AIMS_MAX = 6;

  /** So many that each kind of task is among them, however slow the machine. */
  private static final int CALLS_MIN = 200;

  private static final Duration LEASE = Duration.ofSeconds(10);

  private final Plan plan;
  private final Yard yard;
  private final Journal journal = new Journal();
  private final SplittableRandom random;
  private final LostReplies lost = new LostReplies();
  private final Herd herd;
  private final Aftermath aftermath;
  private final Deque<Awaited> aims = new ArrayDeque<>();

  /** A reply that is to be lost. */
  private record Awaited(LostWrite write, Aim aim) {}

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
      Blow.Counts blows,
      Duration least,
      double timescale) {

    static Plan queue(long seed, int kills, int crashes) {
      Blow.Counts blows = new Blow.Counts(kills, 0, crashes, 0);
      return new Plan(seed, 2, 4, 60, blows, Duration.ofSeconds(2), 0.2);
    }

    static Plan mix(long seed, Duration length) {
      return new Plan(seed, 4, 16, 150, Blow.Counts.NONE, length, 1);
    }

    static Plan chaos(long seed, Blow.Counts blows, Duration least) {
      return new Plan(seed, 3, 4, 80, blows, least, 0.1);
    }
  }

  QueueProof(Path folder, Plan plan) throws SQLException, IOException {
    this.plan = plan;
    this.yard = new Yard(folder, plan.timescale());
    this.random = new SplittableRandom(plan.seed());
    this.herd =
        new Herd(
            yard, plan.nodes(), plan.blows().needNetwork() ? Optional.of(lost) : Optional.empty());
    this.aftermath = new Aftermath(yard, journal);
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
    return aftermath.checker(db, told);
  }

  /** Does all of it. */
  Report run() throws Exception {
    for (int n = 0; n < plan.nodes(); n++) {
      herd.add();
    }
    herd.awaitSessions();
    long from = System.nanoTime();
    if (plan.blows().needNetwork()) {
      try (PostgresProxy proxy = PostgresProxy.before(yard::serverPort, lost);
          Installation clients =
              Installation.open(
                  ProofNode.through(proxy.port(), yard.folder().resolve("data"), "clients"))) {
        strikeUnderLoad(clients.store());
      }
    } else {
      strikeUnderLoad(yard.installation().store());
    }
    double loadedS = (System.nanoTime() - from) / 1e9;
    lost.disarm();
    aftermath.settle(herd::supervise);
    double tookS = (System.nanoTime() - from) / 1e9;
    return aftermath.report(done(loadedS, tookS));
  }

  private void strikeUnderLoad(Store store) throws Exception {
    try (Load _ =
        new Load(store, journal, random.nextLong(), plan.submitters(), plan.pauseMsMax())) {
      for (int n = 0; n < plan.nodes(); n++) {
        herd.awaitLeases(n);
      }
      long served = System.nanoTime();
      for (Blow blow : plan.blows().shuffled(new Random(random.nextLong()))) {
        strike(blow);
      }
      awaitAims(0);
      var _ =
          Load.during(
              BACK_MAX.plus(plan.least()),
              () ->
                  System.nanoTime() - served > plan.least().toNanos()
                      && journal.calls().size() >= CALLS_MIN);
    }
  }

  /** Strikes in the middle of work. */
  private void strike(Blow blow) throws Exception {
    int victim = random.nextInt(plan.nodes());
    switch (blow) {
      case Blow.Kill() -> {
        awaitMidst(victim);
        herd.kill(victim);
      }
      case Blow.Crash() -> {
        awaitMidst(victim);
        herd.crash();
      }
      case Blow.Freeze(double leases) -> {
        awaitMidst(victim);
        NodeProcess frozen = herd.at(victim);
        frozen.freeze();
        LockSupport.parkNanos((long) (LEASE.toNanos() * plan.timescale() * leases));
        frozen.thaw();
      }
      case Blow.Lose(LostWrite write) -> lose(write, victim);
    }
  }

  private void awaitMidst(int victim) throws IOException {
    herd.awaitLeases(victim);
    LockSupport.parkNanos(random.nextLong(DELAY_MAX_US) * 1_000);
  }

  /** What does not come about by itself is brought about. */
  private void lose(LostWrite write, int victim) throws Exception {
    write.lose(lost).forEach(aim -> aims.add(new Awaited(write, aim)));
    switch (write) {
      case RESCUE -> {
        awaitMidst(victim);
        herd.kill(victim);
      }
      case SESSION -> herd.proxy(victim).reset();
      default -> {}
    }
    awaitAims(AIMS_MAX);
  }

  private void awaitAims(int most) throws IOException {
    while (aims.size() > most) {
      Awaited oldest = aims.remove();
      yard.await(
          "a lost reply to " + oldest.write(),
          () -> {
            herd.supervise();
            return oldest.aim().isHit();
          });
    }
  }

  private String done(double loadedS, double tookS) {
    Blow.Counts blows = plan.blows();
    return ("seed %d: %d nodes, %d kills, %d freezes, %d crashes of PostgreSQL (%d starts of nodes"
            + " met one), %d lost replies, %d submitters; load %.0f s, in all %.0f s")
        .formatted(
            plan.seed(),
            plan.nodes(),
            blows.kills(),
            blows.freezes(),
            blows.crashes(),
            herd.startsGivenUp(),
            blows.lostReplies(),
            plan.submitters(),
            loadedS,
            tookS);
  }

  @Override
  public void close() throws Exception {
    herd.close();
    yard.close();
  }
}
