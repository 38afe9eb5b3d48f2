package dev.batchyard.bench;

import com.zaxxer.hikari.HikariDataSource;
import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.Migrations;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * {@code ./dev bench counts}: what the store's operations make PostgreSQL do, counted by
 * PostgreSQL: statements, rows, index entries, bytes of write-ahead log, flushes. Counts do not
 * depend on the machine.
 */
@Command(
    name = "counts",
    mixinStandardHelpOptions = true,
    description = "Statements, rows, index entries, WAL and flushes of a queue's operations.")
final class CountsBench implements Callable<Integer> {

  private static final String BULK = "bench.bulk";
  private static final String ALONE = "bench.alone";
  private static final int CALLS = 20;
  private static final int SINGLES = 5_000;

  /** Longer than any of this takes: nobody beats here. */
  private static final Store.Settings SETTINGS =
      new Store.Settings(Duration.ofMinutes(30), Duration.ofDays(30), Duration.ofDays(30));

  private final PrintStream out = System.out;
  private final Figures figures = new Figures(out);
  private final UUID boot = UUID.randomUUID();

  @Override
  public Integer call() throws Exception {
    Path folder = Files.createTempDirectory("batchyard-bench");
    try (BenchServer server =
            BenchServer.start(
                folder,
                out,
                Map.of("shared_preload_libraries", "pg_stat_statements", "autovacuum", "off"));
        Database database = new Database(server.address(), boot, 1)) {
      Migrations.run(database);
      Store store =
          new Store(
              database.queue(),
              database::session,
              StoreClock.DATABASE,
              new SplittableRandom(),
              SETTINGS);
      try (ServerCounts counts =
              new ServerCounts(
                  server.source(false), database.queue().unwrap(HikariDataSource.class), out);
          NodeSession _ = store.sessions().open(registration())) {
        count(store, counts);
      }
    } finally {
      Files.deleteIfExists(folder);
    }
    figures.print();
    return CommandLine.ExitCode.OK;
  }

  private NodeRegistration registration() {
    return new NodeRegistration(boot, "node-1", "localhost", 1, "0", List.of(BULK, ALONE), 8);
  }

  /** Each once uncounted: plans, lanes, partitions. */
  private void count(Store store, ServerCounts counts) throws SQLException, IOException {
    List<TaskDraft> bulk = Collections.nCopies(Submissions.BATCH_MAX, draft(BULK));
    List<TaskDraft> one = List.of(draft(ALONE));
    var _ = store.submissions().submit(bulk);
    add(
        counts.of(
            "bulk1000",
            CALLS,
            CALLS * Submissions.BATCH_MAX,
            () -> repeat(CALLS, () -> store.submissions().submit(bulk))));
    repeat(Claims.BATCH_MAX, () -> store.submissions().submit(one));
    add(
        counts.of(
            "single",
            SINGLES,
            SINGLES,
            () -> repeat(SINGLES, () -> store.submissions().submit(one))));
    claimed(store, counts, BULK, "", CALLS);
    claimed(store, counts, ALONE, "_of_singles", SINGLES / Claims.BATCH_MAX);
    begin(store);
    add(counts.of("begun_at_once", SINGLES, SINGLES, () -> repeat(SINGLES, () -> begin(store))));
  }

  private void begin(Store store) {
    if (store.arrivals().submit(boot, UUID.randomUUID(), draft(ALONE)).claim().isEmpty()) {
      throw new IllegalStateException("a task waits, though its node may run it");
    }
  }

  private void claimed(Store store, ServerCounts counts, String type, String suffix, int calls)
      throws SQLException, IOException {
    finish(store, claim(store, type));
    List<List<Claim>> held = new ArrayList<>();
    int tasks = calls * Claims.BATCH_MAX;
    add(
        counts.of(
            "claim500" + suffix,
            calls,
            tasks,
            () -> repeat(calls, () -> held.add(claim(store, type)))));
    add(
        counts.of(
            "finish500" + suffix,
            calls,
            tasks,
            () -> held.forEach(claims -> finish(store, claims))));
  }

  private static void repeat(int times, Runnable work) {
    for (int i = 0; i < times; i++) {
      work.run();
    }
  }

  private static TaskDraft draft(String type) {
    return new TaskDraft(
        type,
        "{\"n\": 0}",
        "",
        NewTask.DEFAULT_QUEUE,
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        RetryPolicy.DEFAULT.name(),
        Limits.NONE);
  }

  private List<Claim> claim(Store store, String type) {
    List<Claim> claims =
        store
            .claims()
            .claim(boot, UUID.randomUUID(), Map.of(type, Claims.BATCH_MAX), Claims.BATCH_MAX, true);
    if (claims.size() != Claims.BATCH_MAX) {
      throw new IllegalStateException(claims.size() + " claimed, though more wait");
    }
    return claims;
  }

  private static void finish(Store store, List<Claim> claims) {
    List<Finish> ends =
        claims.stream()
            .map(claim ->
                new Finish(claim, new Verdict.Complete("{}"), "node-1", Duration.ofMillis(1)))
            .toList();
    if (store.finishes().finish(ends).kept().size() != claims.size()) {
      throw new IllegalStateException("an end was refused");
    }
  }

  private void add(ServerCounts.Counted counted) {
    String name = "queue.counts." + counted.name();
    figures.add(name + ".statements", counted.statements(), "per call");
    figures.add(name + ".flushes", counted.flushes(), "per call");
    figures.add(name + ".rows", counted.rows(), "per task");
    figures.add(name + ".index_entries", counted.indexEntries(), "per task");
    figures.add(name + ".wal", counted.wal_bytes(), "bytes per task");
    figures.add(name + ".wal_full_pages", counted.fullPages_bytes(), "bytes per task");
  }
}
