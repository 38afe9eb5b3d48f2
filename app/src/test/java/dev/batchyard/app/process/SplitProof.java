package dev.batchyard.app.process;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One task of many parts on two node processes that are killed again and again. A part fails, so
 * that the whole does; a person runs it again. Then every part and the reduce must have been done
 * once, and the ledger of the whole must say so.
 */
final class SplitProof implements AutoCloseable {

  /** From the submit until all parts are stored. */
  static final Duration SPLIT_MAX = Duration.ofSeconds(10);

  private static final int NODES = 2;
  private static final double TIMESCALE = 0.2;
  private static final Duration ALL_MAX = Duration.ofMinutes(15);
  private static final long LOOK_EVERY_NS = 20_000_000;

  private final Plan plan;
  private final Yard yard;
  private final Submitter submitter;
  private final SplittableRandom random;
  private final List<NodeProcess> nodes = new ArrayList<>();
  private int kills;

  /** So many parts, and kills while they run. */
  record Plan(long seed, int parts, int kills) {
    int bad() {
      return parts * 3 / 5;
    }
  }

  /** What came of it. */
  record Report(long whole, String figures, Map<String, List<String>> violations) {}

  SplitProof(Path folder, Plan plan) throws SQLException {
    this.plan = plan;
    this.yard = new Yard(folder, TIMESCALE);
    this.random = new SplittableRandom(plan.seed());
    try (Connection db = yard.connect()) {
      Deeds.prepare(db);
      StepDeeds.prepare(db);
      SplitDeeds.prepare(db);
    }
    Store store = yard.installation().store();
    this.submitter =
        new Submitter(
            new TaskTypes(SplitDeeds.types(yard.installation().database().handlers())),
            new JacksonParameters(),
            store.submissions(),
            store.batches());
  }

  Report run() throws Exception {
    for (int n = 0; n < NODES; n++) {
      nodes.add(yard.start(yard.proof("node-" + n)));
    }
    yard.await("nodes", () -> number("select count(*) from batchyard.node") == NODES);
    long from = System.nanoTime();
    long whole = submitter.submit(SplitDeeds.task(plan.parts(), plan.bad())).task();
    yard.await("its parts", () -> number("select count(*) from batchyard.batch") == 1);
    Duration split = Duration.ofNanos(System.nanoTime() - from);
    killUntilEnded(whole);
    Map<String, List<String>> violations = new LinkedHashMap<>();
    TaskDetail failed = yard.detail(whole);
    expect(violations, "it fails by its bad part", failed.row().problem().contains("1 of"), failed);
    expect(violations, "its ledger lacks the bad part", read(failed) == plan.parts() - 1, failed);
    Move move = yard.installation().store().operatorMoves().rerun(whole, "kim");
    expect(violations, "it can run again", move == Move.DONE, move);
    awaitEnd(whole);
    long took = System.nanoTime() - from;
    violations.putAll(check(whole));
    expect(violations, "all is split in time", split.compareTo(SPLIT_MAX) <= 0, split);
    return new Report(
        whole,
        "%,d parts stored %d ms after the submit, all done after %.1f s; %d kills, %d attempts of parts lost"
            .formatted(
                plan.parts(),
                split.toMillis(),
                took / 1e9,
                kills,
                number("select count(*) from batchyard.attempt_log where ended = 'lost'")),
        violations);
  }

  /** {@return what is not as it must be of a whole that has completed} */
  Map<String, List<String>> check(long whole) {
    Map<String, List<String>> violations = new LinkedHashMap<>();
    TaskDetail done = yard.detail(whole);
    long sum = (long) plan.parts() * (plan.parts() - 1) / 2;
    expect(violations, "it completes", done.row().state() == TaskState.COMPLETED, done.row());
    expect(violations, "its ledger balances", read(done) == plan.parts(), done.ledger());
    same(
        violations,
        "every part was done once",
        plan.parts(),
        "select count(*) from public.slice_effect");
    same(violations, "the reduce was done once", sum, "select sum(sum) from public.whole_effect");
    same(
        violations,
        "every part has completed once",
        plan.parts(),
        """
        select count(*) from batchyard.outcome o join batchyard.lane l on l.id = o.lane
         where l.type = 'proof.slice' and o.state = 'completed'
        """);
    same(
        violations,
        "only the bad part ran again",
        1,
        """
        select count(*) from batchyard.outcome o join batchyard.lane l on l.id = o.lane
         where l.type = 'proof.slice' and o.generation > 1
        """);
    return violations;
  }

  /** Kills now this node, now that one, evenly over what there is to do. */
  private void killUntilEnded(long whole) throws Exception {
    while (kills < plan.kills() && !yard.state(whole).ended()) {
      long next = (long) plan.parts() * (kills + 1) / (plan.kills() + 1);
      awaitDone(whole, next);
      LockSupport.parkNanos(random.nextLong(50_000_000));
      int victim = random.nextInt(NODES);
      nodes.get(victim).kill();
      nodes.set(victim, yard.start(yard.proof("node-" + victim)));
      kills++;
    }
    awaitEnd(whole);
  }

  private void awaitDone(long whole, long parts) throws IOException {
    await(
        "so many parts: " + parts,
        () ->
            number("select count(*) from public.slice_effect") >= parts
                || yard.state(whole).ended());
  }

  private void awaitEnd(long whole) throws IOException {
    await("the end of the whole", () -> yard.state(whole).ended());
  }

  private void await(String what, BooleanSupplier condition) throws IOException {
    long until = System.nanoTime() + ALL_MAX.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > until) {
        throw new IOException("waited in vain for: " + what);
      }
      LockSupport.parkNanos(LOOK_EVERY_NS);
    }
  }

  private long number(String sql) {
    return yard.ask(sql).orElse(-1L);
  }

  private static long read(TaskDetail task) {
    return task.ledger().filter(l -> l.read() == l.written()).map(l -> l.read()).orElse(-1L);
  }

  private void same(Map<String, List<String>> violations, String what, long expected, String sql) {
    Optional<Long> found = yard.ask(sql);
    expect(violations, what, found.equals(Optional.of(expected)), found + " of " + expected);
  }

  private static void expect(
      Map<String, List<String>> violations, String what, boolean holds, Object found) {
    if (!holds) {
      violations.put(what, List.of(String.valueOf(found)));
    }
  }

  Yard yard() {
    return yard;
  }

  @Override
  public void close() throws Exception {
    yard.close();
  }
}
