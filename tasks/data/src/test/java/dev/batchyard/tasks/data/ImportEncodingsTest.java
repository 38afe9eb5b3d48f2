package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Outcome;
import dev.batchyard.tasks.pipeline.Shown;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Encodings, declared and found, with Chinese names everywhere that names can be. */
@PostgresTest
class ImportEncodingsTest {
  private static final Charset GB18030 = Charset.forName("GB18030");
  private static final Charset BIG5 = Charset.forName("Big5");

  private final TestDatabase database;
  @TempDir Path folder;

  ImportEncodingsTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
  }

  @Test
  void the_name_of_an_encoding_that_is_not_known_is_refused_with_those_near_it() {
    for (String name : List.of("GB18O30", "utf-7", "UTF-32", "", "IBM037", "x".repeat(100_000))) {
      ImportParamsBuilder params = ImportParamsBuilder.of("/a.csv", "t").encoding(name);

      assertThatThrownBy(params::build)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("encoding: " + Shown.value(name) + " is not known; near are ")
          .message()
          .hasSizeLessThan(300);
    }
    assertThatThrownBy(ImportParamsBuilder.of("/a.csv", "t").encoding("GB18O30")::build)
        .hasMessageContaining("GB18030");
  }

  @BeforeEach
  void dropTables() throws Exception {
    database.execute("drop schema if exists 仓库 cascade; create schema 仓库");
  }

  /** A file in one encoding, with what is declared of it and what the import says it read. */
  record Case(String what, Charset charset, String mark, String declared, String read) {
    @Override
    public String toString() {
      return what;
    }
  }

  static Stream<Case> encodings() {
    return Stream.of(
        new Case("UTF-8", UTF_8, "", "", "UTF-8"),
        new Case("UTF-8 declared", UTF_8, "", "utf8", "UTF-8"),
        new Case("UTF-8 with a mark", UTF_8, "\uFEFF", "", "UTF-8"),
        new Case("UTF-8 with a mark, declared", UTF_8, "\uFEFF", "UTF-8", "UTF-8"),
        new Case("GB18030", GB18030, "", "", "GB18030"),
        new Case("GB18030 declared", GB18030, "", "GB18030", "GB18030"),
        new Case("GB18030 declared as GBK", GB18030, "", "gbk", "GB18030"),
        new Case("GB18030 with a mark", GB18030, "\uFEFF", "", "GB18030"),
        new Case("UTF-16LE with a mark", UTF_16LE, "\uFEFF", "", "UTF-16LE"),
        new Case("UTF-16LE without a mark", UTF_16LE, "", "", "UTF-16LE"),
        new Case("UTF-16LE declared, with a mark", UTF_16LE, "\uFEFF", "UTF-16LE", "UTF-16LE"),
        new Case("UTF-16BE with a mark", UTF_16BE, "\uFEFF", "", "UTF-16BE"),
        new Case("UTF-16BE without a mark", UTF_16BE, "", "", "UTF-16BE"),
        new Case("UTF-16BE declared", UTF_16BE, "", "UTF-16BE", "UTF-16BE"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("encodings")
  void a_chinese_file_comes_out_of_a_chinese_table_as_it_was_written(Case one) throws Exception {
    database.execute("create table 仓库.\"货物 表\" (编号 int, \"名称（全）\" text, 备注 text)");
    StringBuilder text = new StringBuilder(one.mark()).append("编号,名称（全）,备注\r\n");
    for (int i = 1; i <= 40; i++) {
      text.append(i).append(",上海市浦东新区的货物,\"他说：“好，”\n再见\"\n");
    }
    text.append("41,１２３，４５６,㐀𠀀龥😀👨‍👩‍👧é\r\n");
    Path file =
        Files.write(folder.resolve("货物 清单（二月）.csv"), text.toString().getBytes(one.charset()));
    ImportParamsBuilder params = ImportParamsBuilder.of(file, "仓库.货物 表");
    if (!one.declared().isEmpty()) {
      params.encoding(one.declared());
    }
    ImportRun run = new ImportRun(database, params.build());

    Outcome.Completed done = run.attempt();

    assertThat(done.result())
        .containsEntry("encoding", one.read())
        .containsEntry("file", file.toString())
        .containsEntry("table", "仓库.货物 表");
    run.requireLedgerTells("仓库.\"货物 表\"");
    assertThat(
            database.ask(
                "select string_agg(t::text, ' ' order by 编号) from 仓库.\"货物 表\" t where 编号 in (7, 41)"))
        .isEqualTo("(7,上海市浦东新区的货物,\"他说：“好，”\n再见\") (41,１２３，４５６,㐀𠀀龥😀👨‍👩‍👧é)");
    assertThat(run.rejects()).isEmpty();
  }

  @Test
  void a_few_hanzi_are_enough_to_tell_gb18030() throws Exception {
    Path file = Files.write(folder.resolve("少.csv"), "姓名,城市\n王小明,北京\n".getBytes(GB18030));
    ImportRun run = new ImportRun(database, ImportParamsBuilder.of(file, "仓库.少").create().build());

    assertThat(run.attempt().result()).containsEntry("encoding", "GB18030");
    assertThat(database.ask("select 姓名 || 城市 from 仓库.少")).isEqualTo("王小明北京");
  }

  @Test
  void hanzi_that_come_after_megabytes_of_ascii_are_found() throws Exception {
    StringBuilder text = new StringBuilder("id,name\n");
    for (int i = 0; i < 150_000; i++) {
      text.append(i).append(",plain name\n");
    }
    text.append("-1,王小明\n");
    Path file = Files.write(folder.resolve("late.csv"), text.toString().getBytes(GB18030));
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "仓库.late").create().build());

    assertThat(run.attempt().result()).containsEntry("encoding", "GB18030");
    assertThat(database.ask("select name from 仓库.late where id = -1")).isEqualTo("王小明");
  }

  @Test
  void a_nul_or_two_do_not_make_a_file_utf_16() throws Exception {
    database.execute("create table 仓库.nuls (id int, name text)");
    Path file =
        Files.write(folder.resolve("nuls.csv"), "id,name\n1,a\0\n2,b\n".getBytes(ISO_8859_1));
    ImportRun run = new ImportRun(database, ImportParamsBuilder.of(file, "仓库.nuls").build());

    assertThat(run.attempt().result()).containsEntry("encoding", "UTF-8");
    assertThat(run.rejects())
        .startsWith("1|name|holds a NUL character (U+0000) at its character 2");
    assertThat(run.ledger()).isEqualTo("2 1 0 1");
  }

  @Test
  void values_in_another_encoding_than_declared_are_rejected_and_never_replaced() throws Exception {
    database.execute("create table 仓库.mixed (id int, name text)");
    byte[] good = "id,name\n1,王\n2,".getBytes(UTF_8);
    byte[] bad = "王小明\n".getBytes(GB18030);
    byte[] rest = "3,李\n".getBytes(UTF_8);
    Path file = folder.resolve("mixed.csv");
    Files.write(file, join(good, bad, rest));
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "仓库.mixed").encoding("UTF-8").build());

    run.attempt();

    assertThat(run.rejects())
        .isEqualTo(
            "2|name|holds bytes (0xCD 0xF5) at its character 1 that the encoding of the file does not know");
    run.requireLedgerTells("仓库.mixed");
    assertThat(database.ask("select string_agg(name, '' order by id) from 仓库.mixed"))
        .isEqualTo("王李");
  }

  private static byte[] join(byte[]... parts) {
    List<Byte> all = new ArrayList<>();
    for (byte[] part : parts) {
      for (byte b : part) {
        all.add(b);
      }
    }
    byte[] joined = new byte[all.size()];
    for (int i = 0; i < joined.length; i++) {
      joined[i] = all.get(i);
    }
    return joined;
  }

  /** The reader's buffer is 64 KB: each of these begins a four-byte character at another place. */
  @Test
  void a_character_of_four_bytes_may_lie_across_the_end_of_a_buffer() throws Exception {
    for (int shift = 0; shift < 5; shift++) {
      String table = "仓库.shift" + shift;
      StringBuilder text = new StringBuilder("id,name\n0," + "x".repeat(shift) + "\n");
      for (int i = 1; i <= 5000; i++) {
        text.append(i).append(",𠀀㐀😀ḿ").append("é\r\n"); // four bytes each but the last one
      }
      Path file = Files.write(folder.resolve("shift.csv"), text.toString().getBytes(GB18030));
      ImportRun run =
          new ImportRun(
              database,
              ImportParamsBuilder.of(file, table)
                  .create()
                  .encoding("GB18030")
                  .chunkRows(700)
                  .build());

      assertThat(run.attemptOf(1 + shift)).isInstanceOf(Outcome.Stopped.class);
      run.requireLedgerTells(table);
      run.attempt();

      run.requireLedgerTells(table);
      assertThat(database.ask("select count(*) from " + table + " where name = '𠀀㐀😀ḿé'"))
          .isEqualTo("5000");
    }
  }

  @Test
  void line_ends_may_be_mixed_within_one_file() throws Exception {
    database.execute("create table 仓库.ends (id int, name text)");
    Path file = folder.resolve("ends.csv");
    Files.writeString(
        file, "id,name\r\n1,a\n2,b\r\r\n\n3,\"c\r\nd\"\r\n4,\"e\rf\"\r5,\"\ng\n\"", UTF_8);
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "仓库.ends").chunkRows(1).build());

    while (run.attemptOf(1) instanceof Outcome.Stopped) {
      run.requireLedgerTells("仓库.ends");
    }

    assertThat(run.ledger()).isEqualTo("5 5 0 0");
    assertThat(database.ask("select string_agg(name, '|' order by id) from 仓库.ends"))
        .isEqualTo("a|b|c\r\nd|e\rf|\ng\n");
  }

  @Test
  void declared_columns_may_stand_for_a_header_or_agree_with_it() throws Exception {
    database.execute("create table 仓库.声明 (编号 int, 名称 text)");
    Path without = Files.writeString(folder.resolve("without.csv"), "1,甲\n", UTF_8);
    Path with = Files.writeString(folder.resolve("with.csv"), "\uFEFF编号, 名称 \n2,乙\n", UTF_8);
    Path other = Files.writeString(folder.resolve("other.csv"), "id,name\n3,丙\n", UTF_8);
    ImportRun first = declared(ImportParamsBuilder.of(without, "仓库.声明"));
    ImportRun second = declared(ImportParamsBuilder.of(with, "仓库.声明"));
    ImportRun third = declared(ImportParamsBuilder.of(other, "仓库.声明").header(true));
    ImportRun fourth = declared(ImportParamsBuilder.of(other, "仓库.声明"));

    for (ImportRun run : List.of(first, second, third, fourth)) {
      run.attempt();
    }

    assertThat(database.ask("select string_agg(编号 || 名称, ' ' order by ctid) from 仓库.声明"))
        .isEqualTo("1甲 2乙 3丙 3丙");
    assertThat(fourth.rejects()).isEqualTo("1|编号|'id' is not a whole number");
  }

  private ImportRun declared(ImportParamsBuilder params) {
    return new ImportRun(database, params.columns("编号", "名称").build());
  }

  @Test
  void full_width_digits_and_signs_stay_text_in_a_table_that_is_made() throws Exception {
    Path file =
        Files.writeString(folder.resolve("全角.csv"), "数,日,真,空\n１２３,２０２４-０２-２９,ｔｒｕｅ,　\n", UTF_8);
    ImportRun run = new ImportRun(database, ImportParamsBuilder.of(file, "仓库.全角").create().build());

    run.attempt();

    assertThat(database.ask("select t::text from 仓库.全角 t")).isEqualTo("(１２３,２０２４-０２-２９,ｔｒｕｅ,　)");
    assertThat(
            database.ask(
                "select string_agg(data_type, ' ') from information_schema.columns where table_name = '全角'"))
        .isEqualTo("text text text text");
  }

  @Test
  void big5_is_told_from_gb18030() throws Exception {
    StringBuilder text = new StringBuilder("編號,說明\n");
    for (int i = 0; i < 60; i++) {
      text.append(i).append(",臺灣地區的資料處理與統計，這是第一筆記錄\n");
    }
    Path file = Files.write(folder.resolve("繁體.csv"), text.toString().getBytes(BIG5));
    ImportRun run = new ImportRun(database, ImportParamsBuilder.of(file, "仓库.繁體").create().build());

    assertThat(run.attempt().result()).containsEntry("encoding", "Big5");
    assertThat(database.ask("select 說明 from 仓库.繁體 where 編號 = 1")).isEqualTo("臺灣地區的資料處理與統計，這是第一筆記錄");
  }
}
