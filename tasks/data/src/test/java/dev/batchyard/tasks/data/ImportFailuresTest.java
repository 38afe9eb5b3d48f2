package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a person reads when an import cannot begin or cannot go on: all of these end the task for
 * good, name path or field, the value and the cure, and leave a ledger that says what is in the
 * table. They stand side by side to be read side by side.
 */
@PostgresTest
class ImportFailuresTest {
  private static final Charset GB18030 = Charset.forName("GB18030");
  private static final int MESSAGE_CHARS_MAX = 2000;

  private final TestDatabase database;
  @TempDir Path folder;

  ImportFailuresTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
    database.execute(
        """
        drop table if exists goods cascade;
        drop table if exists sums;
        create table goods (id int primary key, name text not null, price numeric(8,2));
        create view goods_seen as select * from goods;
        create table sums (a int, b int, twice int generated always as (a * 2) stored);
        create materialized view goods_kept as select * from goods;
        """);
  }

  /** Given a file's bytes, at a path, with parameters that may be changed: this is told. */
  record Case(String what, Given given, String message) {
    @Override
    public String toString() {
      return what;
    }
  }

  /** Prepares the path and gives the parameters. */
  interface Given {
    ImportParams at(Path file) throws Exception;
  }

  /** Changes the parameters of an import into the table goods. */
  private interface Change {
    ImportParamsBuilder of(ImportParamsBuilder params);
  }

  private static Case told(String what, Given given, String message) {
    return new Case(what, given, message.replace("\n", " ").strip());
  }

  private static Given text(String text) {
    return bytes(text.getBytes(UTF_8), params -> params);
  }

  private static Given text(String text, Change change) {
    return bytes(text.getBytes(UTF_8), change);
  }

  private static Given bytes(byte[] bytes, Change change) {
    return into("goods", bytes, change);
  }

  private static Given into(String table, byte[] bytes, Change change) {
    return file -> {
      Files.write(file, bytes);
      return change.of(ImportParamsBuilder.of(file, table)).build();
    };
  }

  private static Given into(String table, String text) {
    return into(table, text.getBytes(UTF_8), params -> params);
  }

  private static Given creating(String table, String text, Change change) {
    return into(table, text.getBytes(UTF_8), params -> change.of(params.create()));
  }

  static Stream<Case> files() {
    return Stream.of(
        told(
            "a missing file",
            file -> ImportParams.of(file.toString(), "goods"),
            """
            file: {file} does not exist on this node; put the file there and rerun the task: it goes on
            where it stopped. Or submit anew with the right path
            """),
        told(
            "a folder",
            file -> ImportParams.of(Files.createDirectory(file).toString(), "goods"),
            "file: {file} is a directory; give the path of one CSV file in it"),
        told(
            "a device",
            file -> ImportParams.of("/dev/zero", "goods"),
            """
            file: /dev/zero is not a regular file, so it cannot be read again from the middle; copy its
            content into a file and import that
            """),
        told(
            "a path through a file",
            file -> ImportParams.of(Files.writeString(file, "id\n") + "/rows.csv", "goods"),
            """
            file: {file}/rows.csv does not exist on this node; put the file there and rerun the task: it
            goes on where it stopped. Or submit anew with the right path
            """),
        told(
            "a link to itself",
            file -> ImportParams.of(Files.createSymbolicLink(file, file).toString(), "goods"),
            "file: {file} cannot be opened (Too many levels of symbolic links); check the path"),
        told(
            "a path that is too long",
            file -> ImportParams.of(file + "x".repeat(300), "goods"),
            "file: {file}"
                + "x".repeat(300)
                + " cannot be opened (File name too long); check the path"),
        told(
            "an empty file",
            text(""),
            "file: {file} is empty (0 bytes); give a file with a header or rows"),
        told(
            "only blank lines",
            text("\n\r\n\n"),
            """
            file: {file} holds no record (4 bytes: blank lines, or a quote " that is never closed); give
            a file with a header or rows
            """),
        told(
            "a header whose quote is never closed",
            text("\"id,name\n1,a\n"),
            """
            file: {file} holds no record (13 bytes: blank lines, or a quote " that is never closed); give
            a file with a header or rows
            """),
        told(
            "a quote that is never closed, in row 3",
            text("id,name\n1,a\n2,b\n3,\"c\n4,d\n"),
            """
            file: {file}: row 3, line 4, byte 16: a quote " is opened and not closed until the end of the
            file; close it, or declare another quote, then submit anew. What this task has written stays in
            public.goods (2 rows): delete it, empty the table or name another before you submit anew
            """),
        told(
            "a header without an end",
            text("id,name" + "x".repeat(2 * 1024 * 1024)),
            """
            file: {file}: row 1, byte 0: the first record does not end within 1,048,576 bytes; usually a
            quote " that is never closed, or a file without line ends. Close the quote, or declare quote
            """),
        told(
            "a row of five million characters",
            text("id,name\n1,a\n\n2," + "x".repeat(5_000_000) + "\n3,b\n"),
            """
            file: {file}: row 2, line 4, byte 13: the record has more than 4,194,304 characters, the most
            that a record may have; usually a quote " that is never closed, or a file without line ends.
            Mend the file, or declare quote, then submit anew. What this task has written stays in
            public.goods (1 row): delete it, empty the table or name another before you submit anew
            """),
        told(
            "a row of five million delimiters",
            text("id,name\n1,a\n" + ",".repeat(5_000_000) + "\n"),
            """
            file: {file}: row 2, line 3, byte 12: the record has more than 4,194,304 characters, the most
            that a record may have; usually a quote " that is never closed, or a file without line ends.
            Mend the file, or declare quote, then submit anew. What this task has written stays in
            public.goods (1 row): delete it, empty the table or name another before you submit anew
            """),
        told(
            "a quoted value of two million lines",
            text("id,name\n1,a\n2,\"" + "\n".repeat(2_000_000) + "\"\n"),
            """
            file: {file}: row 2, line 3, byte 12: the record has more than 1,048,576 lines, the most
            that a record may have; usually a quote " that is never closed, or a file without line ends.
            Mend the file, or declare quote, then submit anew. What this task has written stays in
            public.goods (1 row): delete it, empty the table or name another before you submit anew
            """));
  }

  static Stream<Case> encodingsAndDelimiters() {
    return Stream.of(
        told(
            "another encoding than the header's",
            bytes("编号,姓名\n1,王\n".getBytes(GB18030), params -> params.encoding("UTF-8")),
            """
            encoding: the header of {file} cannot be read as UTF-8; give the encoding it was written in,
            such as GB18030
            """),
        told(
            "UTF-16 declared as UTF-8",
            bytes("\uFEFFid,name\n1,a\n".getBytes(UTF_16LE), params -> params.encoding("UTF-8")),
            """
            encoding: the header of {file} cannot be read as UTF-8; give the encoding it was written in,
            such as GB18030
            """),
        told(
            "another delimiter than the file's",
            text("id;name\n1;a\n", params -> params.delimiter(",")),
            """
            delimiter: with ',' the first record of {file} is one column 'id;name', with ';' it would be 2
            columns; give -p 'delimiter=;' or leave delimiter out
            """),
        told(
            "another delimiter than the file's, and a long first line",
            text("id|name|" + "x".repeat(300) + "\n1|a|b\n", params -> params.delimiter("tab")),
            """
            delimiter: with tab the first record of {file} is one column 'id|name|%s…', with '|' it would
            be 3 columns; give -p 'delimiter=|' or leave delimiter out
            """
                .formatted("x".repeat(92))));
  }

  static Stream<Case> columns() {
    return Stream.of(
        told(
            "a column that the table does not have",
            text("id,name,colour\n1,a,red\n"),
            """
            columns: 'colour' of {file} is not a column of public.goods, which has id, name, price; rename
            it in the header, or declare columns
            """),
        told(
            "a declared column that the table does not have",
            text("1,a\n", params -> params.columns("id", "nom")),
            """
            columns: 'nom' of {file} is not a column of public.goods, which has id, name, price; rename it
            in the declared columns
            """),
        told(
            "a NUL and a line end in the name of a column",
            text("id,\"na\0\nme\"\n1,a\n"),
            """
            columns: 'na␀\\nme' of {file} is not a column of public.goods, which has id, name, price;
            rename it in the header, or declare columns
            """),
        told(
            "a name of half a million characters",
            text("id," + "名".repeat(300_000) + "\n1,a\n"),
            """
            columns: '%s…' of {file} is not a column of public.goods, which has id, name, price; rename it
            in the header, or declare columns
            """
                .formatted("名".repeat(100))),
        told(
            "more columns than a table may have",
            text("x,".repeat(400_000) + "x\n1\n"),
            """
            columns: the first record of {file} has 400,001 columns with delimiter ',', more than the
            1,600 that a table of PostgreSQL may have; declare another delimiter, or split the file
            """),
        told(
            "two equal names",
            text("id,name,ID\n1,a,2\n"),
            """
            columns: 'id' is there twice in {file}; give each column a name of its own, in the header or
            by columns
            """),
        told(
            "no column for a value that must be there",
            text("id,price\n1,2\n"),
            """
            columns: name of public.goods must have a value, but {file} has no such column (it has id,
            price); add it to the file, or give the column a default
            """),
        told(
            "a column that is computed",
            into("sums", "a,b,twice\n1,2,2\n"),
            """
            columns: twice of public.sums is computed by PostgreSQL and cannot be written; leave it out of
            the file
            """),
        told(
            "a column without a name",
            creating("fresh", "id,,x\n1,2,3\n", params -> params),
            """
            columns: column 2 '' of {file} cannot be made: the name is blank; rename it in the header, or
            declare columns
            """),
        told(
            "a name that PostgreSQL would cut",
            creating("fresh", "id," + "名".repeat(22) + "\n1,2\n", params -> params),
            """
            columns: column 2 '%s' of {file} cannot be made: the name has 66 bytes in UTF-8, more than 63;
            rename it in the header, or declare columns
            """
                .formatted("名".repeat(22))),
        told(
            "a name that PostgreSQL keeps for itself",
            creating("fresh", "id,ctid\n1,2\n", params -> params),
            """
            columns: public.fresh cannot be made (ERROR: column name "ctid" conflicts with a system column
            name); rename the column in the header, or declare columns, then submit anew
            """),
        told(
            "a type for a column that is not there",
            creating("fresh", "id,name\n1,a\n", params -> params.types(Map.of("nom", "text"))),
            """
            types: 'nom' is not a column of {file}, which has id, name; take it out or correct it
            """),
        told(
            "a type that does not exist",
            creating("fresh", "id,name\n1,a\n", params -> params.types(Map.of("id", "integr"))),
            """
            types: ERROR: type "integr" does not exist; give types that PostgreSQL knows, such as bigint
            or text, then submit anew
            """));
  }

  static Stream<Case> tables() {
    String rows = "id,name\n1,a\n";
    return Stream.of(
        told(
            "an unknown table",
            into("godos", rows),
            """
            table: public.godos does not exist; there are public.goods, public.sums. Give an existing
            table, or create=true to make it
            """),
        told(
            "an unknown schema",
            into("shop.goods", rows),
            """
            table: schema shop of shop.goods does not exist; run: create schema "shop"; then rerun the task
            """),
        told(
            "an unknown schema, for a table that is to be made",
            creating("shop.goods", rows, params -> params),
            """
            table: schema shop of shop.goods does not exist; run: create schema "shop"; then rerun the task
            """),
        told(
            "a view", into("goods_seen", rows), "table: public.goods_seen is a view; name a table"),
        told(
            "a materialised view",
            into("goods_kept", rows),
            "table: public.goods_kept is a materialised view; name a table"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({"files", "encodingsAndDelimiters", "columns", "tables"})
  void an_import_that_cannot_go_on_says_what_is_wrong_and_what_helps(Case one) throws Exception {
    Path file = Files.createTempDirectory(folder, "case").resolve("rows.csv");
    ImportRun run = new ImportRun(database, one.given().at(file));

    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessage(one.message().replace("{file}", file.toString()));
    assertThat(one.message()).hasSizeLessThan(MESSAGE_CHARS_MAX);
    run.requireLedgerTells("goods");
    assertThat(database.ask("select to_regclass('public.fresh') is null")).isEqualTo("t");
  }
}
