package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows that cannot be taken, one at a time, while the rest of their chunk goes in. */
@PostgresTest
class ImportRejectsTest {
  private final TestDatabase database;
  @TempDir Path folder;

  ImportRejectsTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
  }

  @BeforeEach
  void dropTables() throws Exception {
    database.execute("drop table if exists picky");
  }

  private ImportRun imported(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("picky.csv"), text, UTF_8);
    ImportRun run = new ImportRun(database, ImportParams.of(file.toString(), "picky"));
    run.attempt();
    run.requireLedgerTells("picky");
    return run;
  }

  @Test
  void rows_with_too_few_or_too_many_fields_are_told_with_both_counts() throws Exception {
    database.execute("create table picky (id int, name text)");

    ImportRun run = imported("id,name\n1\n2,b\n3,c,d\n4,d\n,,,,\n5,e" + ",".repeat(3000) + "\n");

    assertThat(run.rejects())
        .isEqualTo(
            """
            1||expected 2 fields, found 1
            3||expected 2 fields, found 3
            5||expected 2 fields, found 5
            6||expected 2 fields, found 3002\
            """);
    assertThat(run.ledger()).isEqualTo("6 2 0 4");
  }

  @Test
  void a_value_that_is_too_large_for_an_index_is_rejected_and_shown_in_part() throws Exception {
    database.execute("create table picky (id int, name text primary key)");
    SplittableRandom random = new SplittableRandom(3);
    StringBuilder large = new StringBuilder();
    for (int i = 0; i < 8000; i++) {
      large.append((char) random.nextInt('a', 'z')); // does not compress to a third
    }

    ImportRun run = imported("id,name\n1,a\n2," + large + "\n3,c\n");

    assertThat(run.rejects()).startsWith("2||index row size ").contains("picky_pkey");
    assertThat(run.ledger()).isEqualTo("3 2 0 1");
  }

  @Test
  void a_reason_shows_no_more_of_a_value_than_a_person_reads() throws Exception {
    database.execute("create table picky (id int, address inet)");
    String long_value = "not an address ".repeat(50_000);

    ImportRun run =
        imported("id,address\n1,10.0.0.1\n2," + long_value + "\nx" + long_value + ",\n");

    assertThat(run.rejects().lines())
        .satisfiesExactly(
            second ->
                assertThat(second)
                    .startsWith("2|address|invalid input syntax for type inet: \"not an address ")
                    .endsWith("…")
                    .hasSizeLessThan(520),
            third ->
                assertThat(third)
                    .startsWith("3|id|'xnot an address ")
                    .endsWith("…' is not a whole number")
                    .hasSizeLessThan(150));
    assertThat(
            database.ask("select max(length(raw)) from batchyard.reject where task = " + run.task))
        .isEqualTo("8192");
  }

  @Test
  void a_cut_never_halves_a_character() throws Exception {
    database.execute("create table picky (id int)");

    ImportRun run = imported("id\n1\n" + "x".repeat(99) + "😀😀\n");

    assertThat(run.rejects()).isEqualTo("2|id|'" + "x".repeat(99) + "…' is not a whole number");
  }

  @Test
  void a_row_that_a_trigger_refuses_is_found_by_the_line_that_the_server_names() throws Exception {
    database.execute(
        """
        create table picky (id int);
        create or replace function no_sevens() returns trigger language plpgsql as $$
        begin
          if new.id % 1000 = 7 then
            raise exception 'no %', new.id using errcode = 'assert_failure';
          end if;
          return new;
        end $$;
        create trigger sevens before insert on picky for each row execute function no_sevens();
        """);
    StringBuilder text = new StringBuilder("id\n");
    for (int i = 1; i <= 3000; i++) {
      text.append(i).append('\n');
    }

    ImportRun run = imported(text.toString());

    assertThat(run.rejects()).isEqualTo("7||no 7\n1007||no 1007\n2007||no 2007");
    assertThat(run.ledger()).isEqualTo("3000 2997 0 3");
  }

  @Test
  void numbers_with_an_exponent_are_not_rounded_either() throws Exception {
    database.execute("create table picky (id int, amount numeric(5,2))");

    ImportRun run =
        imported(
            "id,amount\n1,1.25e2\n2,1.005e0\n3,1e3\n4, 1500e-2 \n5,1e-9\n6,0e99\n7,1e99999999999\n8,-9.9999e2\n");

    assertThat(run.rejects())
        .isEqualTo(
            """
            2|amount|'1.005e0' has 3 decimals, more than numeric(5,2) keeps
            3|amount|'1e3' is too large for numeric(5,2)
            5|amount|'1e-9' has 9 decimals, more than numeric(5,2) keeps
            7|amount|'1e99999999999' is too large for numeric(5,2)\
            """);
    assertThat(database.ask("select string_agg(amount::text, ' ' order by id) from picky"))
        .isEqualTo("125.00 15.00 0.00 -999.99");
  }

  @Test
  void json_that_is_nested_without_end_is_rejected() throws Exception {
    database.execute("create table picky (id int, doc jsonb)");

    ImportRun run = imported("id;doc\n1;[1]\n2;" + "[".repeat(100_000) + "\n3;{\"a\": 1}\n");

    assertThat(run.rejects()).startsWith("2|doc|'[[[[").contains("nested deeper than 200");
    assertThat(run.ledger()).isEqualTo("3 2 0 1");
  }

  @Test
  void digits_of_other_scripts_are_no_numbers_and_stay_as_they_are_in_text() throws Exception {
    database.execute("create table picky (id int, day date, code text)");

    ImportRun run =
        imported("id,day,code\n1,2024-01-01,１２３\n２,2024-01-01,a\n3,２０２４-０１-０１,b\n٤,,c\n");

    assertThat(run.rejects())
        .isEqualTo(
            """
            2|id|'２' is not a whole number
            3|day|'２０２４-０１-０１' is not a date such as 2024-02-29
            4|id|'٤' is not a whole number\
            """);
    assertThat(database.ask("select code from picky")).isEqualTo("１２３");
  }

  @Test
  void the_limit_of_rejects_is_named_with_the_first_reasons_and_how_to_raise_it() throws Exception {
    database.execute("create table picky (id int)");
    Path file =
        Files.writeString(
            folder.resolve("picky.csv"), "id\n" + ("x".repeat(5000) + "\n").repeat(9) + "1\n");
    ImportRun run =
        new ImportRun(
            database, ImportParamsBuilder.of(file, "picky").chunkRows(4).rejectsMax(5).build());

    String shown = "'" + "x".repeat(100) + "…' is not a whole number";
    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessage(
            "rejectsMax: 8 of 8 rows were rejected, more than rejectsMax 5 allows; row 1, column id: %s; row 2, column id: %s; row 3, column id: %s. Mend the source or raise rejectsMax, then submit anew"
                .formatted(shown, shown, shown));
    run.requireLedgerTells("picky");
    assertThat(run.ledger()).isEqualTo("8 0 0 8");
  }

  @Test
  void the_reasons_of_postgresql_are_told_without_their_full_stop() throws Exception {
    database.execute("create table picky (id int primary key)");
    database.execute("insert into picky select generate_series(1, 1200)");
    String rows = IntStream.rangeClosed(1, 1200).mapToObj(i -> i + "\n").collect(joining());
    Path file = Files.writeString(folder.resolve("picky.csv"), "id\n" + rows);
    ImportRun run =
        new ImportRun(
            database,
            ImportParamsBuilder.of(file, "picky").chunkRows(1200).rejectsMax(1100).build());

    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageStartingWith(
            "rejectsMax: 1,200 of 1,200 rows were rejected, more than rejectsMax 1,100 allows; row 1")
        .hasMessageContaining("already exists; row 2")
        .hasMessageContaining("already exists. Mend the source")
        .hasMessageNotContaining("..");
  }

  @Test
  void who_is_to_submit_anew_is_told_of_the_rows_that_stay() throws Exception {
    database.execute("create table picky (id int)");
    Path file = Files.writeString(folder.resolve("picky.csv"), "id\n1\n2\nx\ny\n3\n\"4\n");
    ImportRun strict =
        new ImportRun(
            database, ImportParamsBuilder.of(file, "picky").chunkRows(2).rejectsMax(0).build());
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "picky").chunkRows(2).build());

    assertThatThrownBy(strict::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageEndingWith(
            "Mend the source or raise rejectsMax, then submit anew. What this task has written stays in public.picky (2 rows): delete it, empty the table or name another before you submit anew");
    assertThat(strict.ledger()).isEqualTo("4 2 0 2");
    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageEndingWith(
            "close it, or declare another quote, then submit anew. What this task has written stays in public.picky (3 rows): delete it, empty the table or name another before you submit anew");
    assertThat(run.ledger()).isEqualTo("5 3 0 2");
  }

  @Test
  void a_malformed_row_is_kept_as_it_stands_in_the_file() throws Exception {
    database.execute("create table picky (id int, name text)");

    ImportRun run =
        imported(
            "id,name\n1,\"a\"b \r\n\n2,\"x\"\"y\"z,\"\"\n3,c\n4,\"d\"%s\n5,\"e\"f"
                .formatted("龥😀".repeat(5000)));

    assertThat(run.ledger()).isEqualTo("5 1 0 4");
    assertThat(
            database.ask(
                "select string_agg(raw, '|' order by number) from batchyard.reject where number <> 4 and task = "
                    + run.task))
        .isEqualTo("1,\"a\"b |2,\"x\"\"y\"z,\"\"|5,\"e\"f");
    String cut =
        database.ask("select raw from batchyard.reject where number = 4 and task = " + run.task);
    assertThat(cut).startsWith("4,\"d\"龥😀龥").hasSizeBetween(8191, 8192);
    assertThat(
            database.ask(
                "select position->>'line' from batchyard.checkpoint where task = " + run.task))
        .as("the last line has no end")
        .isEqualTo("7");
  }

  @Test
  void a_time_with_more_decimals_than_its_column_keeps_is_rounded_as_postgresql_does()
      throws Exception {
    database.execute(
        "create table picky (id int, whole timestamp(0), milli timestamp(3), at time(3))");

    ImportRun run =
        imported(
            """
            id,whole,milli,at
            1,2024-12-31 23:59:59.5,2024-12-31 23:59:59.9996,23:59:59.9996
            2,2024-12-31 23:59:59.4,2024-12-31 23:59:59.9994,23:59:59.9994
            """);

    assertThat(run.ledger()).isEqualTo("2 2 0 0");
    assertThat(
            database.ask(
                "select string_agg(concat_ws(' ', whole, milli, at), ', ' order by id) from picky"))
        .isEqualTo(
            "2025-01-01 00:00:00 2025-01-01 00:00:00 24:00:00, 2024-12-31 23:59:59 2024-12-31 23:59:59.999 23:59:59.999");
  }

  @Test
  void signs_that_are_quotes_elsewhere_can_be_delimiters() throws Exception {
    database.execute("create table picky (id int, name text)");
    for (String delimiter : new String[] {"'", "\"", "^", "，"}) {
      Path file = folder.resolve("signs.csv");
      Files.writeString(file, "id%sname\n1%sa,b\n".formatted(delimiter, delimiter), UTF_8);
      ImportRun run =
          new ImportRun(
              database, ImportParamsBuilder.of(file, "picky").delimiter(delimiter).build());
      run.attempt();
    }
    for (String quote : new String[] {",", ";", "|"}) {
      Path file = folder.resolve("signs.csv");
      Files.writeString(file, "id\tname\n1\t%sa\tb%s\n".formatted(quote, quote), UTF_8);
      ImportRun run =
          new ImportRun(database, ImportParamsBuilder.of(file, "picky").quote(quote).build());
      run.attempt();
    }

    assertThat(database.ask("select string_agg(name, ' ' order by name collate \"C\") from picky"))
        .isEqualTo("a\tb a\tb a\tb a,b a,b a,b a,b");
  }
}
