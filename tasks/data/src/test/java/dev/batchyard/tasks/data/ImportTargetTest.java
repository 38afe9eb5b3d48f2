package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Targets that do not take rows: rights, room, read-only servers. */
@PostgresTest
class ImportTargetTest {
  private static final String FILE = "id,name\n1,a\n2,b\n";

  /** PostgreSQL writes its log ahead in files of 16 MB; a smaller limit would end the server. */
  private static final int FILE_BYTES_MAX = 17 * 1024 * 1024;

  private final TestDatabase database;
  @TempDir Path folder;

  ImportTargetTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
    database.execute(
        """
        drop schema if exists shop cascade;
        do $$ begin create role clerk login password 'clerk'; exception when duplicate_object then null; end $$;
        grant usage on schema batchyard to clerk;
        grant all on all tables in schema batchyard to clerk;
        grant all on all sequences in schema batchyard to clerk;
        create schema shop;
        grant usage on schema shop to clerk;
        create table shop.goods (id int primary key, name text);
        """);
  }

  private PGSimpleDataSource clerk() {
    PGSimpleDataSource source = database.dataSource();
    source.setUser("clerk");
    source.setPassword("clerk");
    return source;
  }

  record Right(String what, String given, String table, boolean create, String message) {
    @Override
    public String toString() {
      return what;
    }
  }

  static Stream<Right> rights() {
    return Stream.of(
        new Right(
            "no right to insert",
            "",
            "shop.goods",
            false,
            """
            table: role clerk may not write to shop.goods (no right to insert); run: grant insert on
            "shop"."goods" to "clerk"; then rerun the task: it goes on where it stopped
            """),
        new Right(
            "a right to one column alone",
            "grant insert (id) on shop.goods to clerk",
            "shop.goods",
            false,
            """
            table: role clerk may not write to shop.goods (ERROR: permission denied for table goods); run:
            grant insert on "shop"."goods" to "clerk"; then rerun the task: it goes on where it stopped
            """),
        new Right(
            "no right to the schema",
            "grant insert on shop.goods to clerk; revoke usage on schema shop from clerk",
            "shop.goods",
            false,
            """
            table: role clerk has no right to usage in schema shop, so shop.goods is out of reach; run:
            grant usage on schema "shop" to "clerk"; then rerun the task: it goes on where it stopped
            """),
        new Right(
            "no right to make a table",
            "",
            "shop.fresh",
            true,
            """
            table: role clerk has no right to create in schema shop, so shop.fresh is out of reach; run:
            grant create on schema "shop" to "clerk"; then rerun the task: it goes on where it stopped
            """),
        new Right(
            "no right to a sequence",
            "alter table shop.goods add serial serial; grant insert on shop.goods to clerk",
            "shop.goods",
            false,
            """
            table: role clerk may not use the sequence that fills a column of shop.goods (ERROR: permission
            denied for sequence goods_serial_seq); run: grant usage on sequence "shop"."goods_serial_seq"
            to "clerk"; then rerun the task: it goes on where it stopped
            """));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rights")
  void the_grant_that_the_message_names_lets_the_import_go_on(Right right) throws Exception {
    if (!right.given().isEmpty()) {
      database.execute(right.given());
    }
    ImportParamsBuilder params =
        ImportParamsBuilder.of(
            Files.writeString(folder.resolve("goods.csv"), FILE, UTF_8), right.table());
    ImportRun run =
        new ImportRun(database, clerk(), (right.create() ? params.create() : params).build());

    Throwable refused = catchThrowable(run::attempt);

    String message = right.message().replace("\n", " ").strip();
    assertThat(refused).isInstanceOf(FinalFailure.class).hasMessage(message);
    run.requireLedgerTells("shop.goods");
    database.execute(
        message.substring(
            message.indexOf("run: ") + "run: ".length(), message.indexOf("; then rerun")));
    run.attempt();
    run.requireLedgerTells(right.table());
    assertThat(run.ledger()).isEqualTo("2 2 0 0");
  }

  @Test
  void row_security_that_copy_cannot_keep_is_an_end() throws Exception {
    database.execute(
        """
        grant insert, select on shop.goods to clerk;
        alter table shop.goods enable row level security;
        create policy all_rows on shop.goods using (true);
        """);
    ImportRun run = into("shop.goods", clerk());

    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageStartingWith("table: shop.goods cannot take rows by COPY (ERROR: ")
        .hasMessageContaining("row-level security")
        .hasMessageEndingWith(
            "mend what that names, then rerun the task: it goes on where it stopped");
    run.requireLedgerTells("shop.goods");
  }

  @Test
  void a_server_that_is_read_only_is_named() throws Exception {
    PGSimpleDataSource source = database.dataSource();
    source.setOptions("-c default_transaction_read_only=on");
    ImportRun run = into("shop.goods", source);

    assertThatThrownBy(run::attempt)
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith("table: shop.goods cannot be written: database ")
        .hasMessageContaining("is read-only")
        .hasMessageEndingWith(
            "make it writable, or connect to the primary server; the next attempt goes on where it stopped, and so does a rerun");
    run.requireLedgerTells("shop.goods");
  }

  @Test
  void a_full_disk_is_tried_again_and_the_import_goes_on_where_it_stopped() throws Exception {
    database.execute(
        """
        create function shop.no_room() returns trigger language plpgsql as $$
        begin
          raise exception using errcode = 'disk_full',
            message = 'could not extend file "base/1/2": No space left on device';
        end $$;
        create trigger no_room before insert on shop.goods
          for each row when (new.id = 2) execute function shop.no_room();
        """);
    ImportRun run =
        new ImportRun(
            database,
            ImportParamsBuilder.of(
                    Files.writeString(folder.resolve("goods.csv"), FILE, UTF_8), "shop.goods")
                .chunkRows(1)
                .build());

    assertThatThrownBy(run::attempt)
        .isInstanceOf(SQLException.class)
        .hasMessage(
            "table: shop.goods: no room on the disk of tablespace pg_default (ERROR: could not extend file \"base/1/2\": No space left on device); free space there; the next attempt goes on where it stopped, and so does a rerun");
    assertThat(run.ledger()).isEqualTo("1 1 0 0");
    run.requireLedgerTells("shop.goods");
    database.execute("drop trigger no_room on shop.goods");
    run.attempt();
    assertThat(run.ledger()).isEqualTo("2 2 0 0");
  }

  /** A real one: the server's process may not write files beyond a size. */
  @Test
  void a_server_that_cannot_extend_the_tables_file_is_tried_again() throws Exception {
    int rows = 24_000;
    StringBuilder text = new StringBuilder("id,name\n");
    for (int i = 0; i < rows; i++) {
      text.append(i).append(',').append("n".repeat(1000)).append('\n');
    }
    PGSimpleDataSource source = database.dataSource();
    source.setApplicationName("limited");
    Path file = Files.writeString(folder.resolve("large.csv"), text, UTF_8);
    ImportRun run =
        new ImportRun(database, source, ImportParamsBuilder.of(file, "shop.goods").build());
    run.afterEachChunk(chunk -> {
      if (chunk == 1) {
        limitFiles(
            database.ask("select pid from pg_stat_activity where application_name = 'limited'"));
      }
    });

    assertThatThrownBy(run::attempt)
        .isInstanceOf(SQLException.class)
        .hasMessageStartingWith(
            "table: shop.goods: no room on the disk of tablespace pg_default (ERROR: could not extend file ")
        .hasMessageContaining("File too large")
        .hasMessageEndingWith(
            "free space there; the next attempt goes on where it stopped, and so does a rerun");
    run.requireLedgerTells("shop.goods");
    assertThat(Integer.parseInt(database.ask("select count(*) from shop.goods")))
        .isBetween(1000, rows - 1000);

    run.afterEachChunk(chunk -> {}); // a new session has no limit
    run.attempt();
    assertThat(run.ledger()).isEqualTo("24000 24000 0 0");
    assertThat(database.ask("select count(distinct id) from shop.goods")).isEqualTo("24000");
  }

  @Test
  void a_lock_that_is_held_too_long_is_named_and_the_import_goes_on_without_it() throws Exception {
    ImportRun run = into("shop.goods", database.dataSource());
    run.lockTimeout(Duration.ofMillis(50));
    try (Connection other = database.dataSource().getConnection();
        Statement statement = other.createStatement()) {
      other.setAutoCommit(false);
      statement.execute("lock table shop.goods in share mode");

      assertThatThrownBy(run::attempt)
          .isInstanceOf(SQLException.class)
          .hasMessage(
              "table: shop.goods is locked by another session for longer than the import waits (ERROR: canceling statement due to lock timeout); see pg_stat_activity; the next attempt goes on where it stopped, and so does a rerun");
      other.rollback();
    }

    run.attempt();
    run.requireLedgerTells("shop.goods");
    assertThat(run.ledger()).isEqualTo("2 2 0 0");
  }

  @Test
  void a_column_that_is_dropped_between_two_chunks_ends_the_import_and_put_back_lets_it_go_on()
      throws Exception {
    int rows = 2000;
    StringBuilder text = new StringBuilder("id,name\n");
    for (int i = 0; i < rows; i++) {
      text.append(i).append(",a\n");
    }
    Path file = Files.writeString(folder.resolve("goods.csv"), text, UTF_8);
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "shop.goods").chunkRows(1).build());
    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      run.afterEachChunk(chunk -> { // it gets its lock between two chunks
        if (chunk == 1) {
          other.execute(() -> dropColumn());
        }
      });
      assertThatThrownBy(run::attempt)
          .isInstanceOf(FinalFailure.class)
          .hasMessage(
              "table: shop.goods has changed while rows went in (ERROR: column \"name\" of relation \"goods\" does not exist); change it back and rerun the task: it goes on where it stopped. Or submit anew"
                  + stays());
    }
    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageStartingWith("columns: 'name' of " + file + " is not a column of shop.goods")
        .hasMessageEndingWith(stays());
    database.execute("alter table shop.goods add column name text");
    run.afterEachChunk(chunk -> {});
    run.attempt();
    run.requireLedgerTells("shop.goods");
    assertThat(run.ledger()).isEqualTo("2000 2000 0 0");
  }

  private void dropColumn() {
    try {
      database.execute("alter table shop.goods drop column name");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private String stays() throws SQLException {
    String written = database.ask("select to_char(count(*), 'FM9,999') from shop.goods");
    return ". What this task has written stays in shop.goods (%s %s): delete it, empty the table or name another before you submit anew"
        .formatted(written, written.equals("1") ? "row" : "rows");
  }

  private static void limitFiles(String pid) throws Exception {
    Process limit =
        new ProcessBuilder("prlimit", "--pid", pid, "--fsize=" + FILE_BYTES_MAX)
            .redirectErrorStream(true)
            .start();
    String said = new String(limit.getInputStream().readAllBytes(), UTF_8);
    assertThat(limit.waitFor()).as(said).isZero();
  }

  private ImportRun into(String table, PGSimpleDataSource source) throws Exception {
    Path file = Files.writeString(folder.resolve("goods.csv"), FILE, UTF_8);
    return new ImportRun(database, source, ImportParams.of(file.toString(), table));
  }
}
