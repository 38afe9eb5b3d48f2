package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows that depend on rows of the chunk before, which may still be being committed. */
@PostgresTest
final class DependentTableTest {
  private static final int ROWS = 200;

  @TempDir Path folder;
  private final TestDatabase database;

  DependentTableTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
    database.execute("drop schema if exists shop cascade; create schema shop");
  }

  @Test
  void a_row_may_refer_to_one_of_the_chunk_before() throws Exception {
    database.execute(
        "create table shop.part (id int primary key, whole int references shop.part (id))");
    ImportRun run = run("shop.part", "id,whole", i -> i + "," + (i == 0 ? "" : i - 1));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("200 200 0 0");
  }

  @Test
  void a_trigger_sees_the_rows_of_the_chunk_before() throws Exception {
    database.execute(
        """
        create table shop.seen (id int);
        create function shop.once() returns trigger language plpgsql as $$
        begin
          if exists (select from shop.seen where id = new.id) then return null; end if;
          return new;
        end $$;
        create trigger once before insert on shop.seen for each row execute function shop.once();
        """);
    ImportRun run = run("shop.seen", "id", i -> String.valueOf(i / 2));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("200 100 100 0");
  }

  @Test
  void a_trigger_of_a_partition_counts_as_one_of_the_table() throws Exception {
    database.execute(
        """
        create table shop.day (id int) partition by list (id);
        create table shop.day_rest partition of shop.day default;
        create function shop.once() returns trigger language plpgsql as $$
        begin
          if exists (select from shop.day where id = new.id) then return null; end if;
          return new;
        end $$;
        create trigger once before insert on shop.day_rest
          for each row execute function shop.once();
        """);
    ImportRun run = run("shop.day", "id", i -> String.valueOf(i / 2));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("200 100 100 0");
  }

  @Test
  void a_default_may_look_at_the_rows_before() throws Exception {
    database.execute(
        """
        create table shop.counted (id int);
        create function shop.next() returns bigint language sql as
          'select count(*) + 1 from shop.counted';
        alter table shop.counted add column place bigint default shop.next();
        """);
    ImportRun run = run("shop.counted", "id", String::valueOf);

    run.attempt();

    assertThat(database.ask("select bool_and(place = id + 1)::text from shop.counted"))
        .isEqualTo("true");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 30})
  void numbers_follow_the_file(int cache) throws Exception {
    database.execute(
        "create table shop.numbered (n int generated always as identity (cache %d), id int)"
            .formatted(cache));
    ImportRun run = run("shop.numbered", "id", String::valueOf);

    run.attempt();

    assertThat(
            database.ask(
                "select bool_and(id > before)::text from (select id, lag(id, 1, -1) over (order by n) as before from shop.numbered) s"))
        .isEqualTo("true");
  }

  @Test
  void a_key_that_two_chunks_share_is_refused_in_the_second() throws Exception {
    database.execute("create table shop.key (id int primary key)");
    ImportRun run = run("shop.key", "id", i -> String.valueOf(i / 2));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("200 100 0 100");
    assertThat(
            database.ask(
                "select bool_and(number % 2 = 0)::text from batchyard.reject where task = "
                    + run.task))
        .isEqualTo("true");
  }

  /** Rows go in all at the end of a COPY: the fast chunk has both keys before the slow one. */
  @Test
  void a_chunk_gives_way_to_the_one_before_it_that_has_the_same_keys() throws Exception {
    requireOrderIsKept("");
  }

  /** Rows go in one by one: each of the two chunks soon has a key for which the other waits. */
  @Test
  void chunks_that_lock_each_other_out_keep_their_order() throws Exception {
    requireOrderIsKept(", at timestamptz default clock_timestamp()");
  }

  /**
   * Imports a file in which, of each four chunks, the last two have two keys in common: the first
   * key of the one is the last of the other. The database is slow for the one that comes first.
   */
  private void requireOrderIsKept(String column) throws Exception {
    database.execute(
        """
        create function shop.slow(chunk int) returns bool immutable language plpgsql as $$
        begin
          if chunk %% 4 = 2 then perform pg_sleep(0.001); end if;
          return true;
        end $$;
        create table shop.cross (id int primary key, chunk int check (shop.slow(chunk))%s);
        do $$ begin
          execute format('alter database %%I set deadlock_timeout = 20', current_database());
        end $$;
        """
            .formatted(column));
    int chunks = 24;
    int rows = 100;
    StringBuilder text = new StringBuilder("id,chunk\n");
    for (int chunk = 0; chunk < chunks; chunk++) {
      for (int i = 0; i < rows; i++) {
        boolean shared = chunk % 4 == 3 && (i == 0 || i == rows - 1);
        text.append(shared ? chunk * rows - 1 - i : chunk * rows + i);
        text.append(',').append(chunk).append('\n');
      }
    }
    Path file = Files.writeString(folder.resolve("cross.csv"), text, UTF_8);
    ImportRun run =
        new ImportRun(
            database,
            ImportParamsBuilder.of(file, "shop.cross").chunkRows(rows).rejectsMax(ROWS).build());

    run.attempt();

    int refused = 2 * (chunks / 4);
    assertThat(run.ledger())
        .isEqualTo("%d %d 0 %d".formatted(chunks * rows, chunks * rows - refused, refused));
    assertThat(database.ask("select count(*)::text from shop.cross where chunk % 4 = 2"))
        .isEqualTo(String.valueOf(chunks / 4 * rows));
  }

  private interface Row {
    String of(int i);
  }

  private ImportRun run(String table, String header, Row row) throws Exception {
    StringBuilder text = new StringBuilder(header).append('\n');
    for (int i = 0; i < ROWS; i++) {
      text.append(row.of(i)).append('\n');
    }
    Path file = Files.writeString(folder.resolve("rows.csv"), text, UTF_8);
    return new ImportRun(
        database, ImportParamsBuilder.of(file, table).chunkRows(1).rejectsMax(ROWS).build());
  }
}
