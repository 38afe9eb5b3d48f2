package dev.batchyard.app.process;

import dev.batchyard.api.NewTask;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Holder;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.run.Submitter;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A pool of one slot on real nodes with real leases: whoever holds it is cancelled, or its node is
 * killed or crashes, again and again. The next one must start soon, and never two at once.
 */
final class PoolProof implements AutoCloseable {

  /** From what happens to the holder to the claim of the next one. */
  static final Duration NEXT_MAX = Duration.ofSeconds(3);

  private static final String POOL = "one";
  private static final int NODES = 3;
  private static final int WAITING = 4;

  /** The moments after a claim at which something happens to the holder. */
  private static final int DELAY_MAX_MS = 400;

  /** How often two of a pool of one ran at once, by what is recorded of their attempts. */
  static final String OVERLAPS =
      """
      with pooled as (
        select t.id from batchyard.task t join batchyard.lane l on l.id = t.lane where l.pools <> '{}'),
      ran as (
        select o.id, o.started_at as began, o.finished_at as ended
          from batchyard.outcome o
         where o.id in (select id from pooled) and o.lease is not null
        union all
        select a.task, a.started_at, a.ended_at
          from batchyard.attempt_log a
         where a.task in (select id from pooled) and a.started_at is not null),
      next as (
        select began, ended, max(ended) over (order by began, ended
                                              rows between unbounded preceding and 1 preceding) as before
          from ran)
      select count(*) from next where began < before - interval '2 ms'
      """;

  private final Yard yard;
  private final Herd herd;
  private final Pools pools;
  private final Submitter submitter;
  private final SplittableRandom random;
  private final List<String> violations = new ArrayList<>();

  /** What came of it: how long the next one took each time, the least first. */
  record Report(List<Duration> waited, long attempts, List<String> violations) {
    String figures() {
      return "%d holders cancelled, killed or crashed: the next one starts after %d ms (median), %d ms (most); %d attempts"
          .formatted(waited.size(), median().toMillis(), most().toMillis(), attempts);
    }

    Duration median() {
      return waited.get(waited.size() / 2);
    }

    Duration most() {
      return waited.getLast();
    }
  }

  PoolProof(Path folder, long seed) throws SQLException, IOException {
    yard = new Yard(folder, 1);
    herd = new Herd(yard, NODES, Optional.empty());
    random = new SplittableRandom(seed);
    pools = yard.installation().store().pools();
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

  /** Strikes so many holders, by each of the three in turn. */
  Report run(int blows) throws Exception {
    var _ = pools.create(Pool.slots(POOL, 1), "proof");
    List<Duration> waited = new ArrayList<>();
    for (int blow = 0; blow < blows; blow++) {
      fill();
      Holder holder = awaitHolder(0);
      if (blow % 3 > 0 && !othersMayFence(holder)) {
        yard.await("a node that may fence others", () -> othersMayFence(holder));
        blow--;
        continue;
      }
      LockSupport.parkNanos(random.nextLong(DELAY_MAX_MS) * 1_000_000);
      Optional<Long> lease = lease();
      if (lease.isEmpty()
          || pools.holders(POOL).stream().noneMatch(now -> now.task() == holder.task())) {
        blow--; // it has just ended by itself
        continue;
      }
      waited.add(strike(blow % 3, holder, lease.get()));
    }
    settle();
    Collections.sort(waited);
    long overlaps = yard.ask(OVERLAPS).orElseThrow();
    if (overlaps > 0) {
      violations.add(overlaps + " attempts began before the one before them had ended");
    }
    return new Report(
        waited,
        yard.ask(
                "select (select count(*) from batchyard.outcome) + (select count(*) from batchyard.attempt_log)")
            .orElseThrow(),
        violations);
  }

  /** Nobody fences others before a lease has passed since its own session was opened. */
  private boolean othersMayFence(Holder holder) {
    return yard.ask(
            "select count(*) from batchyard.node where fenced_at is null and name <> '%s'"
                    .formatted(holder.node())
                + " and started_at < clock_timestamp() - interval '11 s'")
        .filter(nodes -> nodes > 0)
        .isPresent();
  }

  Yard yard() {
    return yard;
  }

  private void fill() {
    long waiting = pools.find(POOL).orElseThrow().waiting();
    NewTask task = Mischief.task(Mischief.BEHAVES).withPool(POOL);
    var _ = submitter.submit(Collections.nCopies((int) Math.max(0, WAITING - waiting), task));
  }

  private Duration strike(int how, Holder holder, long lease) throws Exception {
    int place = Integer.parseInt(holder.node().substring("node-".length()));
    switch (how) {
      case 0 -> {
        OperatorMoves.Move _ =
            yard.installation().store().operatorMoves().cancel(holder.task(), "kim");
      }
      case 1 -> herd.at(place).kill();
      default -> herd.at(place).crash();
    }
    long from = System.nanoTime();
    Holder _ = awaitHolder(lease);
    Duration waited = Duration.ofNanos(System.nanoTime() - from);
    if (!herd.at(place).isAlive()) {
      herd.kill(place); // another takes its place not before the others have taken over
      herd.awaitSessions();
    }
    return waited;
  }

  /** {@return who holds the pool under a later lease} */
  private Holder awaitHolder(long after) throws IOException {
    yard.await(
        "the next holder",
        () -> {
          look();
          return lease().filter(lease -> lease > after).isPresent()
              && !pools.holders(POOL).isEmpty();
        });
    List<Holder> holders = pools.holders(POOL);
    return holders.isEmpty() ? awaitHolder(after) : holders.getFirst();
  }

  private void look() {
    long used = pools.find(POOL).orElseThrow().used();
    if (used > 1) {
      violations.add(used + " units of 1 were in use");
    }
  }

  private Optional<Long> lease() {
    return yard.ask(
        "select max(e.id) from batchyard.lease e join batchyard.lane l on l.id = e.lane where l.pools <> '{}' having count(*) > 0");
  }

  /** Ends what is left; nothing is in use then. */
  private void settle() throws IOException {
    for (long task : yard.numbers("select generate_series(lo, hi) from batchyard.block")) {
      OperatorMoves.Move _ = yard.installation().store().operatorMoves().cancel(task, "kim");
    }
    yard.await(
        "the end of all",
        () -> {
          look();
          return yard.ask(
                  "select (select count(*) from batchyard.task) - (select count(*) from batchyard.outcome)")
              .equals(Optional.of(0L));
        });
    if (pools.find(POOL).orElseThrow().used() != 0) {
      violations.add("units are in use though nothing runs");
    }
  }

  /** Plants an attempt that ran beside another. */
  void spoil() throws SQLException {
    try (Connection db = yard.connect();
        Statement statement = db.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                insert into batchyard.attempt_log (task, attempt, generation, node, started_at, ended_at, ended)
                select id, 99, 1, node, started_at, finished_at, 'failed'
                  from batchyard.outcome where lease is not null
                 order by finished_at - started_at desc
                 limit 1
                returning task
                """)) {
      if (!row.next()) {
        throw new IllegalStateException("no attempt has ended");
      }
    }
  }

  @Override
  public void close() throws Exception {
    herd.close();
    yard.close();
  }
}
