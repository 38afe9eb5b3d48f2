package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
