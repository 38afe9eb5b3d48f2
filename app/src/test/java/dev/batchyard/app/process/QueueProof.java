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
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Node processes on one server, under mixed load, while nodes, PostgreSQL and the network are
 * struck; then everything is left to end and the checker looks.
 */
final class QueueProof implements AutoCloseable {

  private static final long LOOK_NS = 50_000_000;

  private static final String NOW = "select (extract(epoch from clock_timestamp()) * 1000)::bigint";

  /** A blow at a node that holds leases, and one at PostgreSQL, comes up to so much later. */
  private static final int DELAY_MAX_US = 300_000;

  private static final Duration BACK_MAX = Duration.ofSeconds(90);

  /** Replies that wait to be lost, beyond which the next blow waits. */
  private static final int AIMS_MAX = 6;

  /** So many that each kind of task is among them, however slow the machine. */
  private static final int CALLS_MIN = 200;

  private static final Duration LEASE = Duration.ofSeconds(10);

  /** All goes on so soon after an outage. */
  private static final Duration ON_MAX = Duration.ofSeconds(15);

  private final Plan plan;
  private final Yard yard;
  private final Journal journal = new Journal();
  private final SplittableRandom random;
  private final LostReplies lost = new LostReplies();
  private final Herd herd;
  private final Aftermath aftermath;
  private final Deque<Awaited> aims = new ArrayDeque<>();
  private final Map<String, List<String>> outages = new TreeMap<>();
  private String outageTold = "";

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
      Blow.Counts blows = new Blow.Counts(kills, 0, crashes, 0, 0, Duration.ZERO);
      return new Plan(seed, 2, 4, 60, blows, Duration.ofSeconds(2), 0.2);
    }

    static Plan mix(long seed, Duration length) {
      return new Plan(seed, 4, 16, 150, Blow.Counts.NONE, length, 1);
    }

    static Plan outage(long seed, Duration length, double timescale) {
      Blow.Counts blows = new Blow.Counts(0, 0, 0, 0, 0, length);
      return new Plan(seed, 2, 4, 80, blows, Duration.ofSeconds(1), timescale);
    }

    static Plan chaos(long seed, Blow.Counts blows, Duration least, int pauseMsMax) {
      return new Plan(seed, 3, 4, pauseMsMax, blows, least, 0.1);
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
      StepDeeds.prepare(db);
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
        strikeUnderLoad(clients.store(), Optional.of(proxy));
      }
    } else {
      strikeUnderLoad(yard.installation().store(), Optional.empty());
    }
    double loadedS = (System.nanoTime() - from) / 1e9;
    lost.disarm();
    aftermath.settle(herd::supervise);
    double tookS = (System.nanoTime() - from) / 1e9;
    Report report = aftermath.report(done(loadedS, tookS));
    outages.putAll(report.violations());
    return new Report(report.figures() + outageTold, outages);
  }

  private void strikeUnderLoad(Store store, Optional<PostgresProxy> clients) throws Exception {
    try (Load _ =
        new Load(store, journal, random.nextLong(), plan.submitters(), plan.pauseMsMax())) {
      for (int n = 0; n < plan.nodes(); n++) {
        herd.awaitLeases(n);
      }
      long served = System.nanoTime();
      for (Blow blow : plan.blows().shuffled(new Random(random.nextLong()))) {
        strike(blow, clients);
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
  private void strike(Blow blow, Optional<PostgresProxy> clients) throws Exception {
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
      case Blow.Silence(Cut cut, double leases) -> {
        awaitMidst(victim);
        cut.begin(herd.proxy(victim).network());
        LockSupport.parkNanos((long) (LEASE.toNanos() * plan.timescale() * leases));
        herd.proxy(victim).network().heal();
      }
      case Blow.Outage(Duration length) -> beAway(length, clients.orElseThrow());
    }
  }

  /** Nodes and clients see PostgreSQL die, and then nothing of it, though it starts again. */
  private void beAway(Duration length, PostgresProxy clients) throws IOException {
    List<Long> boots = boots();
    List<PostgresProxy> all = new ArrayList<>(List.of(clients));
    for (int place = 0; place < herd.size(); place++) {
      all.add(herd.proxy(place));
    }
    all.forEach(PostgresProxy::away);
    long from = System.nanoTime();
    herd.crash();
    while (System.nanoTime() - from < length.toNanos()) {
      herd.supervise(); // no node may end
      LockSupport.parkNanos(LOOK_NS);
    }
    all.forEach(PostgresProxy::back);
    long backNs = System.nanoTime();
    long backMs = yard.ask(NOW).orElseThrow();
    yard.await(
        "tasks that all nodes began and ended since it is back",
        () -> {
          herd.supervise();
          return yard.ask(
                  "select count(distinct node) from batchyard.outcome where started_at > to_timestamp(%d / 1000.0)"
                      .formatted(backMs))
              .equals(Optional.of((long) herd.size()));
        });
    Duration on = Duration.ofNanos(System.nanoTime() - backNs);
    outageTold =
        "; away for %d s, all nodes claim and end tasks %d ms after"
            .formatted(length.toSeconds(), on.toMillis());
    if (on.compareTo(ON_MAX) > 0) {
      outages.put("all goes on within 15 s after an outage", List.of(on.toString()));
    }
    List<Long> now = boots();
    if (!now.equals(boots)) {
      outages.put(
          "nobody is fenced by an outage", List.of("boots before " + boots + ", after " + now));
    }
  }

  private List<Long> boots() {
    return yard.numbers("select lock_key from batchyard.node where fenced_at is null order by 1");
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
            + " met one), %d lost replies, %d silences, %d submitters; load %.0f s, in all %.0f s")
        .formatted(
            plan.seed(),
            plan.nodes(),
            blows.kills(),
            blows.freezes(),
            blows.crashes(),
            herd.startsGivenUp(),
            blows.lostReplies(),
            blows.silences(),
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
