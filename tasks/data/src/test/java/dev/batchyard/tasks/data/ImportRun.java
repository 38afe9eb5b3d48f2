package dev.batchyard.tasks.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Progress;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;

/** Attempts of one import task, each under a lease of its own, as the engine would run them. */
final class ImportRun {
  private static final AtomicLong IDS = new AtomicLong(1000);

  final long task = IDS.incrementAndGet();
  final List<String> log = new ArrayList<>();
  final List<Progress> progress = new ArrayList<>();
  private final TestDatabase database;
  private final DataSource source;
  private final ImportParams params;
  private AttemptContext.AfterChunk afterChunk = chunk -> {};
  private Duration lockTimeout = Duration.ofSeconds(10);
  private int attempt;

  ImportRun(TestDatabase database, ImportParams params) {
    this(database, database.dataSource(), params);
  }

  ImportRun(TestDatabase database, DataSource source, ImportParams params) {
    this.database = database;
    this.source = source;
    this.params = params;
  }

  /** The role is called as our schema is, so that its tables would be made there. */
  static void usePublicSchema(TestDatabase database) throws SQLException {
    database.execute(
        "alter database \"%s\" set search_path = public".formatted(database.address().database()));
  }

  /** Has something done after each chunk from now on. */
  void afterEachChunk(AttemptContext.AfterChunk step) {
    afterChunk = step;
  }

  /** How long attempts wait for locks from now on. */
  void lockTimeout(Duration timeout) {
    lockTimeout = timeout;
  }

  /** Runs one attempt to its end. */
  Outcome.Completed attempt() throws Exception {
    return (Outcome.Completed) attemptOf(Integer.MAX_VALUE);
  }

  /** Runs one attempt that is asked to stop after so many chunks. */
  Outcome attemptOf(int chunks) throws Exception {
    return new CsvImport(source, System::nanoTime, lockTimeout)
        .run(params, new AttemptContext(lease(), chunks, log, progress, afterChunk));
  }

  /** Claims the task anew; an older lease ends. */
  LeaseToken lease() throws SQLException {
    attempt++;
    UUID token = UUID.randomUUID();
    database.execute("delete from batchyard.lease where ids @> %d::bigint".formatted(task));
    database.execute(
        """
        insert into batchyard.lease
          (token, boot, lane, due_at, whole, attempt, failures, crashes, generation, ids, claimed_at)
        values ('%s', '%s', 1, now(), false, %d, 0, 0, 1, int8multirange(int8range(%d, %d)), now())
        """
            .formatted(token, token, attempt, task, task + 1));
    return new LeaseToken(task, attempt, token);
  }

  String ledger() throws SQLException {
    return database.ask(
        "select read || ' ' || written || ' ' || skipped || ' ' || rejected from batchyard.checkpoint where task = "
            + task);
  }

  /** Asserts that the ledger balances and says what is in the table and in the rejects. */
  void requireLedgerTells(String table) throws SQLException {
    assertThat(
            database.ask(
                """
                select coalesce((select format('written %%s, rejected %%s, balanced %%s',
                                 written, rejected, read = written + skipped + rejected)
                                   from batchyard.checkpoint where task = %d),
                                'written 0, rejected 0, balanced t')
                """
                    .formatted(task)))
        .isEqualTo(
            "written %s, rejected %s, balanced t"
                .formatted(
                    database.ask("select count(*) from " + table),
                    database.ask("select count(*) from batchyard.reject where task = " + task)));
  }

  /** The rejects as {@code number|column|reason}, one a line. */
  String rejects() throws SQLException {
    return database.ask(
        """
        select coalesce(string_agg(number || '|' || "column" || '|' || reason, e'\\n' order by number), '')
          from batchyard.reject where task = %d
        """
            .formatted(task));
  }
}
