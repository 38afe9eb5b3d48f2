package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.Outcome;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@PostgresTest
class CsvImportTest {
  private final TestDatabase database;
  @TempDir Path folder;

  CsvImportTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
  }

  private Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text, UTF_8);
  }

  private ImportRun into(String table, Path file) {
    return new ImportRun(database, ImportParams.of(file.toString(), table));
  }

  private ImportRun creating(String table, Path file) {
    return new ImportRun(database, ImportParamsBuilder.of(file, table).create().build());
  }

  @Test
  void a_table_that_an_earlier_attempt_made_is_found_again_by_names_that_differ_in_case()
      throws Exception {
    database.execute("create table twins (\"id\" int, \"ID\" int)");
    ImportRun run = into("twins", file("twins.csv", "id, ID\n1,2\n"));

    assertThat(run.attempt().result()).containsEntry("written", 1L);
    assertThat(database.ask("select t::text from twins t")).isEqualTo("(1,2)");
  }

  @Test
  void rows_go_into_the_columns_that_the_header_names() throws Exception {
    database.execute("create table goods (id int primary key, \"Name\" text, price numeric(8,2))");
    Path file = file("goods.csv", "price,ID, name \n1.50,1,\"a, \"\"b\"\"\nc\"\n2,2,\\N\tx\n,3,\n");
    ImportRun run = into("goods", file);

    Outcome.Completed done = run.attempt();

    assertThat(done.result())
        .containsEntry("read", 3L)
        .containsEntry("written", 3L)
        .containsEntry("rejected", 0L)
        .containsEntry("encoding", "UTF-8");
    assertThat(database.ask("select string_agg(g::text, ' / ' order by id) from goods g"))
        .isEqualTo("(1,\"a, \"\"b\"\"\nc\",1.50) / (2,\"\\\\N\tx\",2.00) / (3,,)");
    assertThat(run.ledger()).isEqualTo("3 3 0 0");
    assertThat(run.progress.getLast().fraction()).isEqualTo(1.0);
    assertThat(String.join("\n", run.log)).contains("UTF-8").contains("price numeric(8,2)");
  }

  @Test
  void a_chinese_file_in_gb18030_makes_a_table_with_chinese_names() throws Exception {
    StringBuilder text = new StringBuilder("编号;姓名;入职日期;工资\r\n");
    for (int i = 1; i <= 300; i++) {
      text.append(i).append(";王小明").append(i).append(";2024-02-29;1234.50\r\n");
    }
    text.append("301;㐀𠀀龥;2024-03-01;9.99\r\n");
    Path file = folder.resolve("员工 名单.csv");
    Files.write(file, text.toString().getBytes(Charset.forName("GB18030")));
    ImportRun run = creating("员工", file);

    Outcome.Completed done = run.attempt();

    assertThat(done.result()).containsEntry("written", 301L).containsEntry("encoding", "GB18030");
    assertThat(database.ask("select 姓名 from 员工 where 编号 = 301")).isEqualTo("㐀𠀀龥");
    assertThat(
            database.ask(
                "select string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) from information_schema.columns where table_name = '员工'"))
        .isEqualTo("编号 bigint, 姓名 text, 入职日期 date, 工资 numeric");
    assertThat(String.join("\n", run.log)).contains("员工 名单.csv").contains("入职日期 date");
  }

  @Test
  void an_import_that_is_stopped_anywhere_goes_on_with_not_a_row_lost_or_doubled()
      throws Exception {
    long seed = 7;
    SplittableRandom random = new SplittableRandom(seed);
    StringBuilder text = new StringBuilder("id,note\n");
    for (int i = 1; i <= 5000; i++) {
      text.append(i).append(i % 7 == 0 ? ",\"line\n" + i + "\"\n" : ",plain\r\n");
      text.append(i % 500 == 0 ? "bad,row,here\n" : "");
    }
    database.execute("create table steps (id int primary key, note text)");
    Path file = file("steps.csv", text.toString());
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "steps").chunkRows(37).build());

    int attempts = 1;
    while (run.attemptOf(1 + random.nextInt(20)) instanceof Outcome.Stopped) {
      attempts++;
      assertThat(database.ask("select count(*) from steps")).isEqualTo(run.ledger().split(" ")[1]);
    }

    assertThat(attempts).as("seed " + seed).isGreaterThan(5);
    assertThat(run.ledger()).isEqualTo("5010 5000 0 10");
    assertThat(database.ask("select count(*) || ' ' || sum(id) from steps"))
        .isEqualTo("5000 12502500");
    assertThat(run.rejects()).startsWith("501||expected 2 fields, found 3");
    assertThat(String.join("\n", run.log))
        .containsPattern(
            "goes on behind row [0-9,]+ at byte [0-9,]+; so far read [0-9,]+, written [0-9,]+, skipped 0, rejected [0-9]+");
    assertThat(
            database.ask(
                "select position->>'line' from batchyard.checkpoint where task = " + run.task))
        .isEqualTo(String.valueOf(text.chars().filter(c -> c == '\n').count() + 1));
  }

  @Test
  void bad_values_are_rejected_with_row_column_and_reason() throws Exception {
    database.execute(
        "create table checked (id int, amount numeric(5,2) not null, day date, flag boolean, short varchar(3))");
    Path file =
        file(
            "checked.csv",
            """
            id,amount,day,flag,short
            1,1.25,2024-02-29,yes,abc
            x,1,2024-01-01,t,a
            2,,2024-01-01,t,a
            3,1234.5,2024-01-01,t,a
            4,1.005,2024-01-01,t,a
            5,1,2023-02-29,t,a
            6,1,2024-01-01,maybe,a
            7,1,2024-01-01,f,中文字符
            8,1,2024-01-01,f,a\0b
            99999999999,1,2024-01-01,f,a
            9,1,2024-01-01
            10,1,2024-01-01,f,"a"b
            11,1,2024-01-01,f,"a
            b"
            """);
    ImportRun run = into("checked", file);

    Outcome.Completed done = run.attempt();

    assertThat(run.rejects())
        .isEqualTo(
            """
            2|id|'x' is not a whole number
            3|amount|no value, but the column must have one
            4|amount|'1234.5' is too large for numeric(5,2)
            5|amount|'1.005' has 3 decimals, more than numeric(5,2) keeps
            6|day|'2023-02-29' is not a date such as 2024-02-29
            7|flag|'maybe' is not true or false
            8|short|'中文字符' is too long for character varying(3)
            9|short|holds a NUL character (U+0000) at its character 2, which PostgreSQL cannot store
            10|id|'99999999999' is out of the range of integer
            11||expected 5 fields, found 3
            12||text behind a closing quote; double a quote inside quotes\
            """);
    assertThat(done.result()).containsEntry("written", 2L).containsEntry("rejected", 11L);
    assertThat(run.ledger()).isEqualTo("13 2 0 11");
    assertThat(
            database.ask(
                "select raw from batchyard.reject where number = 9 and task = " + run.task))
        .isEqualTo("8,1,2024-01-01,f,a␀b");
    assertThat(
            database.ask(
                "select raw from batchyard.reject where number = 12 and task = " + run.task))
        .isEqualTo("10,1,2024-01-01,f,\"a\"b");
  }

  @Test
  void rows_that_only_the_database_can_refuse_are_found_and_the_others_kept() throws Exception {
    database.execute("create type mood as enum ('good', 'bad')");
    database.execute("create table owner (id int primary key)");
    database.execute("insert into owner values (1)");
    database.execute(
        """
        create table refused (
          id int primary key, age int constraint grown check (age >= 18), mood mood,
          owner int references owner deferrable initially deferred)
        """);
    StringBuilder text = new StringBuilder("id,age,mood,owner\n");
    for (int i = 1; i <= 1000; i++) {
      text.append(i == 700 ? 7 : i).append(',').append(i == 3 ? 17 : 18);
      text.append(i == 500 ? ",ugly," : ",good,").append(i == 900 ? 2 : 1).append('\n');
    }
    ImportRun run = into("refused", file("refused.csv", text.toString()));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("1000 996 0 4");
    assertThat(database.ask("select count(*) from refused")).isEqualTo("996");
    assertThat(run.rejects())
        .contains("3|")
        .contains("grown")
        .contains("500|mood|invalid input value for enum mood: \"ugly\"")
        .contains("700|id|duplicate key value violates unique constraint \"refused_pkey\"")
        .contains("900|owner|");
  }

  @Test
  void rows_that_a_trigger_leaves_out_count_as_skipped() throws Exception {
    database.execute("create table picky (id int)");
    database.execute(
        """
        create function even_only() returns trigger language plpgsql as $$
        begin
          if new.id % 2 = 1 then return null; end if;
          return new;
        end $$
        """);
    database.execute(
        "create trigger even before insert on picky for each row execute function even_only()");
    ImportRun run = into("picky", file("picky.csv", "id\n1\n2\n3\n"));

    run.attempt();

    assertThat(run.ledger()).isEqualTo("3 1 2 0");
  }

  @Test
  void more_rejects_than_allowed_fail_the_task_and_the_ledger_stays_exact() throws Exception {
    database.execute("create table few (id int)");
    Path file = file("few.csv", "id\n1\nx\n2\ny\nz\n3\n4\n");
    ImportRun run =
        new ImportRun(
            database, ImportParamsBuilder.of(file, "few").chunkRows(2).rejectsMax(1).build());

    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageContaining("rejectsMax 1")
        .hasMessageContaining("row 2, column id: 'x' is not a whole number");
    assertThat(run.ledger()).isEqualTo("4 2 0 2");
    assertThat(database.ask("select count(*) from few")).isEqualTo("2");
  }

  @Test
  void an_attempt_that_lost_its_lease_writes_nothing() throws Exception {
    database.execute("create table lost (id int)");
    ImportRun run = into("lost", file("lost.csv", "id\n1\n"));
    database.execute(
        "create function take_away() returns trigger language plpgsql as $$ begin delete from batchyard.lease where ids @> %d::bigint; return null; end $$"
            .formatted(run.task));
    database.execute(
        "create trigger away after insert on lost for each statement execute function take_away()");

    assertThatThrownBy(run::attempt).isInstanceOf(dev.batchyard.api.LeaseLost.class);
    assertThat(database.ask("select count(*) from lost")).isEqualTo("0");
  }

  @Test
  void a_header_alone_makes_an_empty_table() throws Exception {
    ImportRun run = creating("only_header", file("header.csv", "a,b\n"));

    assertThat(run.attempt().result()).containsEntry("read", 0L);
    assertThat(database.ask("select count(*) from only_header")).isEqualTo("0");
    assertThat(run.attempt().result()).containsEntry("read", 0L);
  }

  @Test
  void a_file_without_header_is_read_by_declared_columns() throws Exception {
    database.execute("create table plain (a int, b text)");
    Path file = file("plain.csv", "1\tx\n2\ty\n");
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "plain").columns("a", "b").build());

    run.attempt();

    assertThat(database.ask("select string_agg(a || b, ',') from plain")).isEqualTo("1x,2y");
  }

  @Test
  void timestamps_without_a_zone_mean_utc_on_every_node() throws Exception {
    database.execute("create table moments (at timestamptz)");
    into("moments", file("moments.csv", "at\n2024-07-01 12:00\n2024-07-01T12:00:00+08\n"))
        .attempt();

    assertThat(
            database.ask(
                "select string_agg((at at time zone 'UTC')::text, ',' order by at desc) from moments"))
        .isEqualTo("2024-07-01 12:00:00,2024-07-01 04:00:00");
  }

  @Test
  void bytes_that_the_encoding_does_not_know_are_rejected_and_never_replaced() throws Exception {
    database.execute("create table bytes (id int, name text)");
    Path file = folder.resolve("bytes.csv");
    byte[] good = "id,name\n1,caf\u00e9\n2,\ufffd\n3,x".getBytes(UTF_8);
    byte[] all = java.util.Arrays.copyOf(good, good.length + 4);
    all[good.length] = (byte) 0xE9;
    all[good.length + 1] = (byte) 0xFF;
    all[good.length + 2] = 'y';
    all[good.length + 3] = '\n';
    Files.write(file, all);
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "bytes").encoding("UTF-8").build());

    run.attempt();

    assertThat(run.rejects())
        .isEqualTo(
            "3|name|holds bytes (0xE9 0xFF) at its character 2 that the encoding of the file does not know");
    assertThat(database.ask("select string_agg(name, ',') from bytes")).isEqualTo("café,\ufffd");
    assertThat(database.ask("select raw from batchyard.reject where task = " + run.task))
        .isEqualTo("3,x\\xE9\\xFFy");
  }

  @Test
  void a_changed_file_is_not_resumed() throws Exception {
    database.execute("create table changed (id int)");
    String good = "id\n" + "1\n".repeat(500);
    Path file = file("changed.csv", good);
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "changed").chunkRows(1).build());
    assertThat(run.attemptOf(1)).isInstanceOf(Outcome.Stopped.class);
    String stopped = run.ledger();
    assertThat(database.ask("select count(*) < 500 from changed")).isEqualTo("t");

    Files.writeString(file, "id\n" + "2\n".repeat(500));
    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("SHA-256")
        .hasMessageContaining("rerun");
    Files.writeString(file, good + "1\n");
    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageContaining("its size was 1003 bytes, now 1005");
    assertThat(run.ledger()).isEqualTo(stopped);
    Files.writeString(file, good);
    run.attempt();
    assertThat(run.ledger()).isEqualTo("500 500 0 0");
    assertThat(database.ask("select sum(id) from changed")).isEqualTo("500");
  }
}
