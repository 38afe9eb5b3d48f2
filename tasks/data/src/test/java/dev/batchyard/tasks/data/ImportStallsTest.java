package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** A server that is slow at the worst moment, while two chunks are under way. */
@PostgresTest
@Timeout(60)
final class ImportStallsTest {
  private static final int ROWS = 400;
  private static final int CHUNK = 100;

  @TempDir Path folder;
  private final TestDatabase database;

  ImportStallsTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
    database.execute(
        """
        drop schema if exists shop cascade;
        create schema shop;
        create function shop.slow(i int, at int, ms int) returns bool immutable language plpgsql as $$
        begin
          if i = at then perform pg_sleep(ms / 1000.0); end if;
          return true;
        end $$;
        """);
  }

  /** The server ends transactions that idle; the rows of the next chunk must not wait in one. */
  @Test
  void a_commit_that_takes_longer_than_a_transaction_may_idle_costs_nothing() throws Exception {
    database.execute(
        """
        create table shop.k (id int);
        create function shop.stall() returns trigger language plpgsql as $$
        begin if new.read = 200 then perform pg_sleep(3); end if; return new; end $$;
        create trigger stall before insert or update on batchyard.checkpoint
          for each row execute function shop.stall();
        """);
    try {
      PGSimpleDataSource source = database.dataSource();
      source.setOptions("-c idle_in_transaction_session_timeout=2s");
      ImportRun run = run(source, "id", String::valueOf);

      run.attempt();

      assertThat(run.ledger()).isEqualTo("400 400 0 0");
      run.requireLedgerTells("shop.k");
    } finally {
      database.execute("drop function shop.stall cascade");
    }
  }

  /** Chunk 1 waits for a key of chunk 2, which takes longer than a lock may take. */
  @Test
  void a_lock_of_its_own_next_chunk_is_no_lock_of_another_session() throws Exception {
    database.execute(
        """
        create table shop.k (id int primary key,
          i int check (shop.slow(i, 100, 200) and shop.slow(i, 250, 1500)),
          at timestamptz default clock_timestamp())
        """);
    ImportRun run = run(database.dataSource(), "id,i", i -> (i == 199 ? 200 : i) + "," + i);
    run.lockTimeout(Duration.ofMillis(300));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("400 399 0 1");
    run.requireLedgerTells("shop.k");
  }

  @Test
  void an_interrupt_ends_an_import_that_the_server_does_not_answer() throws Exception {
    database.execute("create table shop.k (i int check (shop.slow(i, 150, 50000)))");

    requireInterruptible(run(database.dataSource(), "i", String::valueOf));
  }

  @Test
  void an_interrupt_ends_an_import_of_which_one_chunk_waits_for_the_other() throws Exception {
    database.execute(
        """
        create table shop.k (id int primary key, i int check (shop.slow(i, 299, 50000)),
          at timestamptz default clock_timestamp())
        """);

    requireInterruptible(run(database.dataSource(), "id,i", i -> (i == 300 ? 200 : i) + "," + i));
  }

  /** All connections are given back, and the server has to sleep for far longer. */
  private void requireInterruptible(ImportRun run) throws Exception {
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    Thread attempt =
        Thread.ofVirtual()
            .start(() -> {
              try {
                run.attempt();
                ended.completeExceptionally(new AssertionError("it was not interrupted"));
              } catch (Exception e) {
                ended.complete(e);
              }
            });
    while (!database
        .ask("select count(*)::text from pg_stat_activity where wait_event = 'PgSleep'")
        .equals("1")) {
      Thread.onSpinWait();
    }
    attempt.interrupt();
    assertThat(ended.get(20, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
  }

  private ImportRun run(PGSimpleDataSource source, String header, IntFunction<String> row)
      throws Exception {
    StringBuilder text = new StringBuilder(header).append('\n');
    for (int i = 0; i < ROWS; i++) {
      text.append(row.apply(i)).append('\n');
    }
    Path file = Files.writeString(folder.resolve("rows.csv"), text, UTF_8);
    return new ImportRun(
        database,
        source,
        ImportParamsBuilder.of(file, "shop.k").chunkRows(CHUNK).rejectsMax(ROWS).build());
  }
}
