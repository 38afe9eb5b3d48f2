package dev.batchyard.app.process;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.app.process.Aftermath.Report;
import dev.batchyard.app.process.Journal.Asked;
import dev.batchyard.app.process.Journal.Call;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.store.Store;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A node dies at a crash point, another one at the next, and each finds what those before have left
 * behind; then a node that lives ends it all and the checker looks. Before each, so much is left to
 * be done that every point is passed: tasks of all kinds, some of them leased by a node that died,
 * ids that are nearly used up, an old span, a day without its partition of the log.
 */
final class CrashProof implements AutoCloseable {

  private static final String NODE = "victim";

  /** What a node that died has held: together more leases than a page of a rescue has. */
  private static final int GHOST_ALONE = 3;

  private static final int GHOST_FOURS = 22;

  /** Some of which fail after all, so that there is something to undo. */
  private static final int STEPPING = 9;

  /** Then it is asked to end, if it has something left to do or not. */
  private static final Duration LIVES_MAX = Duration.ofSeconds(20);

  private static final Duration LOOK = Duration.ofMillis(50);
  private static final Duration DIES_WITHIN = Duration.ofSeconds(60);
  private static final Duration LOADED = Duration.ofMillis(150);

  // the spans: an old one in which nothing is left, and a current one that is more than half used
  private static final String PREPARE =
      """
      do $$
      declare
        v_top batchyard.id_span;
        v_old integer;
      begin
        update batchyard.id_span set worked_at = worked_at - interval '1 h';
        select * into v_top from batchyard.id_span order by lo desc limit 1;
        v_old := v_top.number + 1;
        for i in 0 .. 1 loop
          execute format('create table batchyard.task_%s partition of batchyard.task for values from (%s) to (%s)',
                         v_old + i, v_top.hi + i * 1000, v_top.hi + (i + 1) * 1000);
          execute format('create table batchyard.outcome_%s partition of batchyard.outcome for values from (%s) to (%s)',
                         v_old + i, v_top.hi + i * 1000, v_top.hi + (i + 1) * 1000);
          insert into batchyard.id_span (number, lo, hi, entered_at)
          values (v_old + i, v_top.hi + i * 1000, v_top.hi + (i + 1) * 1000,
                  now() - (101 - i) * interval '1 day');
        end loop;
        perform setval('batchyard.task_id', v_top.hi + 1600);
        execute (select coalesce('drop table batchyard.' || max(relname), 'select 1') from pg_class
                  where relnamespace = 'batchyard'::regnamespace and relname ~ '^log_line_[0-9]+$');
      end $$
      """;

  private final long seed;
  private final SplittableRandom random;
  private final Yard yard;
  private final Journal journal = new Journal();
  private final Aftermath aftermath;
  private final Store store;
  private int deaths;

  CrashProof(Path folder, long seed) throws SQLException {
    this.seed = seed;
    this.random = new SplittableRandom(seed);
    this.yard = new Yard(folder, 0.1);
    this.aftermath = new Aftermath(yard, journal);
    this.store = yard.installation().store();
    try (Connection db = yard.connect()) {
      Deeds.prepare(db);
      StepDeeds.prepare(db);
    }
  }

  /** Has a node die there; {@return what is wrong, or nothing} */
  List<String> die(CrashPoint point) throws Exception {
    leaveMuchToDo();
    String crash = point.told() + "@1";
    NodeProcess.How how = yard.proof(NODE).dyingAt(crash);
    long logged = Files.exists(how.log()) ? Files.size(how.log()) : 0;
    NodeProcess victim = yard.start(how);
    long from = System.nanoTime();
    boolean lives = true;
    while (lives && System.nanoTime() - from < LIVES_MAX.toNanos() && hasWork(victim)) {
      lives = victim.awaitEnd(LOOK).isEmpty();
    }
    victim.askToEnd(); // some die of this only
    OptionalInt code = victim.awaitEnd(DIES_WITHIN);
    deaths++;
    byte[] all = Files.readAllBytes(how.log());
    String log =
        new String(
            all,
            Math.toIntExact(logged),
            Math.toIntExact(all.length - logged),
            StandardCharsets.UTF_8);
    boolean passed = log.contains(point.told() + ": dies here");
    return code.equals(OptionalInt.of(CrashPoint.EXIT_CODE)) && passed
        ? List.of()
        : List.of("%s was not passed: the node ended with %s\n%s".formatted(crash, code, log));
  }

  private boolean hasWork(NodeProcess node) {
    return !yard.ask(
            """
            select (select count(*) from batchyard.lease)
                 + (select count(*) from batchyard.block b
                      join batchyard.lane l on l.id = b.lane
                      join batchyard.queue q on q.name = l.queue
                     where q.paused_at is null and b.due_at < now() + interval '1 s')
                 + (select count(*) from batchyard.id_span
                     where closed is not null
                        or entered_at < now() - interval '100 days 12 hours')
                 + (select count(*) from batchyard.expiry where look_at < now())
                 + case when exists (select from batchyard.node where fenced_at is null and pid = %d)
                        then 0 else 1 end
            """
                .formatted(node.pid()))
        .equals(Optional.of(0L));
  }

  private void leaveMuchToDo() throws Exception {
    try (Load _ = new Load(store, journal, random.nextLong(), 2, 20)) {
      var _ = Load.during(LOADED, () -> false);
    }
    List<Asked> asked = new ArrayList<>(Collections.nCopies(GHOST_ALONE, plain(Deed.CHUNKS)));
    asked.addAll(Collections.nCopies(STEPPING, plain(Deed.STEPS)));
    asked.addAll(Collections.nCopies(4 * GHOST_FOURS, plain(Deed.COMPLETE)));
    for (int n = 0; n < 3; n++) {
      long child = journal.begin(List.of(plain(Deed.COMPLETE))).first();
      asked.add(plain(Deed.SPAWN).with(child));
    }
    Call call = journal.begin(asked);
    List<NewTask> tasks = new ArrayList<>();
    for (int n = 0; n < asked.size(); n++) {
      tasks.add(Deeds.task(call.first() + n, asked.get(n)));
    }
    Submitter submitter = new Deeds(new PGSimpleDataSource(), store).submitter();
    call.answered(submitter.submit(tasks));
    Ghost.leaves(store, NODE, GHOST_ALONE, GHOST_FOURS);
    var _ = store.queues().resume(Deeds.QUEUE);
    try (Connection db = yard.connect();
        Statement statement = db.createStatement()) {
      statement.execute(PREPARE);
    }
  }

  private static Asked plain(Deed deed) {
    return Asked.of(deed, TaskKeys.NONE);
  }

  /** Lets a node end what is left; {@return what came of all} */
  Report report() throws IOException, InterruptedException, SQLException {
    try (Connection db = yard.connect();
        Statement statement = db.createStatement()) {
      statement.execute("update batchyard.id_span set worked_at = worked_at - interval '1 h'");
    }
    try (NodeProcess last = yard.start(yard.proof("last"))) {
      aftermath.settle(() -> {
        if (!last.isAlive()) {
          throw new IllegalStateException("it ended by itself; see " + last.log());
        }
      });
    }
    return aftermath.report("seed %d: %d deaths of nodes at crash points".formatted(seed, deaths));
  }

  @Override
  public void close() throws Exception {
    yard.close();
  }
}
