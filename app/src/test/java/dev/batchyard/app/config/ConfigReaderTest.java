package dev.batchyard.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.store.server.CannotStart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigReaderTest {

  private static final String DB = "jdbc:postgresql://db.example:6432/work";

  @TempDir Path home;

  private Path file;

  @BeforeEach
  void folder() throws IOException {
    file = Files.createDirectory(home.resolve(".batchyard")).resolve("batchyard.yaml");
  }

  @Test
  void nothing_set_gives_the_defaults() {
    assertThat(read(Map.of(), Map.of()))
        .isEqualTo(
            new Settings(
                home.resolve(".batchyard"),
                Optional.empty(),
                "",
                "",
                Optional.empty(),
                8470,
                8,
                Collections.emptySortedSet(),
                Collections.emptySortedSet(),
                Duration.ofSeconds(30),
                Duration.ofDays(30),
                Duration.ofDays(30)));
  }

  private static SortedSet<String> set(String... words) {
    return new TreeSet<>(List.of(words));
  }

  /** A value that is no default, and the settings that it alone gives. */
  private record Example(String value, Settings settings) {}

  private Example example(Key key) {
    Settings d = read(Map.of(), Map.of());
    SortedSet<String> none = Collections.emptySortedSet();
    Duration grace = d.stopGrace();
    Duration logs = d.logRetention();
    Duration tasks = d.taskRetention();
    return switch (key) {
      case DATA ->
          new Example(
              home.resolve("数据 2").toString(),
              new Settings(
                  home.resolve("数据 2"),
                  d.db(),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  none,
                  none,
                  grace,
                  logs,
                  tasks));
      case DB ->
          new Example(
              DB,
              new Settings(
                  d.data(),
                  Optional.of(DB),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  none,
                  none,
                  grace,
                  logs,
                  tasks));
      case DB_USER ->
          new Example(
              "loader",
              new Settings(
                  d.data(), d.db(), "loader", "", d.name(), 8470, 8, none, none, grace, logs,
                  tasks));
      case DB_PASSWORD ->
          new Example(
              "0123",
              new Settings(
                  d.data(), d.db(), "", "0123", d.name(), 8470, 8, none, none, grace, logs, tasks));
      case NAME ->
          new Example(
              "节点-1",
              new Settings(
                  d.data(),
                  d.db(),
                  "",
                  "",
                  Optional.of("节点-1"),
                  8470,
                  8,
                  none,
                  none,
                  grace,
                  logs,
                  tasks));
      case PORT ->
          new Example(
              "0",
              new Settings(
                  d.data(), d.db(), "", "", d.name(), 0, 8, none, none, grace, logs, tasks));
      case SLOTS ->
          new Example(
              "1000",
              new Settings(
                  d.data(), d.db(), "", "", d.name(), 8470, 1000, none, none, grace, logs, tasks));
      case LABELS ->
          new Example(
              "区=东, gpu",
              new Settings(
                  d.data(),
                  d.db(),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  set("gpu", "区=东"),
                  none,
                  grace,
                  logs,
                  tasks));
      case QUEUES ->
          new Example(
              "夜间, default",
              new Settings(
                  d.data(),
                  d.db(),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  none,
                  set("default", "夜间"),
                  grace,
                  logs,
                  tasks));
      case STOP_GRACE_S ->
          new Example(
              "7",
              new Settings(
                  d.data(),
                  d.db(),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  none,
                  none,
                  Duration.ofSeconds(7),
                  logs,
                  tasks));
      case LOG_DAYS ->
          new Example(
              "3650",
              new Settings(
                  d.data(),
                  d.db(),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  none,
                  none,
                  grace,
                  Duration.ofDays(3650),
                  tasks));
      case TASK_DAYS ->
          new Example(
              "1",
              new Settings(
                  d.data(),
                  d.db(),
                  "",
                  "",
                  d.name(),
                  8470,
                  8,
                  none,
                  none,
                  grace,
                  logs,
                  Duration.ofDays(1)));
    };
  }

  @ParameterizedTest
  @EnumSource(Key.class)
  void every_key_is_read_from_flag_variable_and_files(Key key) throws IOException {
    Example example = example(key);
    assertThat(example.settings()).isNotEqualTo(read(Map.of(), Map.of()));
    assertThat(read(Map.of(key, example.value()), Map.of())).isEqualTo(example.settings());
    assertThat(read(Map.of(), Map.of(key.variable(), example.value())))
        .isEqualTo(example.settings());

    Path secret = Files.writeString(home.resolve("secret"), example.value() + "\n");
    Map<String, String> inFile = Map.of(key.variable() + "_FILE", secret.toString());
    if (key.hasFileVariable()) {
      assertThat(read(Map.of(), inFile)).isEqualTo(example.settings());
    } else {
      assertThat(refusal(Map.of(), inFile)).contains(key.variable() + "_FILE' is unknown");
    }

    Files.writeString(file, key.word() + ": " + example.value() + "\n");
    if (key.mayBeInFolder()) {
      assertThat(read(Map.of(), Map.of())).isEqualTo(example.settings());
    } else {
      assertThat(refusal(Map.of(), Map.of()))
          .isEqualTo(
              "%s: 'data' cannot be set in a file that lies in the data folder itself; use --data or BATCHYARD_DATA",
              file);
    }
  }

  @Test
  void secrets_alone_have_variables_that_name_a_file() {
    assertThat(Key.values())
        .filteredOn(Key::hasFileVariable)
        .containsExactly(Key.DB, Key.DB_USER, Key.DB_PASSWORD);
    assertThat(Key.values()).filteredOn(Key::hasFlag).doesNotContain(Key.DB_PASSWORD);
  }

  @Test
  void a_flag_beats_a_variable_which_beats_the_file() throws IOException {
    Map<Key, String> flags = new EnumMap<>(Map.of(Key.SLOTS, "1"));
    Map<String, String> environment = Map.of("BATCHYARD_SLOTS", "2", "BATCHYARD_PORT", "2");
    Files.writeString(file, "slots: 3\nport: 3\nlog-days: 3\n");
    Settings settings = read(flags, environment);
    assertThat(settings.slots()).isEqualTo(1);
    assertThat(settings.port()).isEqualTo(2);
    assertThat(settings.logRetention()).isEqualTo(Duration.ofDays(3));
  }

  @Test
  void the_file_is_that_of_the_folder_that_was_chosen() throws IOException {
    Path other = Files.createDirectory(home.resolve("other"));
    Files.writeString(other.resolve("batchyard.yaml"), "slots: 3\n");
    Files.writeString(file, "slots: 4\n");
    assertThat(read(Map.of(), Map.of()).slots()).isEqualTo(4);
    assertThat(read(Map.of(), Map.of("BATCHYARD_DATA", other.toString())).slots()).isEqualTo(3);
    assertThat(read(Map.of(Key.DATA, "~/other"), Map.of()).slots()).isEqualTo(3);
    assertThat(read(Map.of(Key.DATA, "~"), Map.of()).data()).isEqualTo(home);
  }

  @ParameterizedTest
  @CsvSource({
    "BATCHYARD_PROT, BATCHYARD_PORT",
    "BATCHYARD_DB_PASWORD_FILE, BATCHYARD_DB_PASSWORD_FILE",
    "BATCHYARD_LOGS_DAYS, BATCHYARD_LOG_DAYS",
  })
  void an_unknown_variable_is_refused_with_the_nearest(String variable, String near) {
    assertThat(refusal(Map.of(), Map.of(variable, "1")))
        .isEqualTo(
            "environment variable '%s' is unknown; did you mean %s?".formatted(variable, near));
  }

  @Test
  void a_variable_like_none_is_refused_with_all_of_them_and_others_are_left_alone() {
    assertThat(refusal(Map.of(), Map.of("BATCHYARD_COLOUR_OF_THE_SKY", "blue")))
        .contains("'BATCHYARD_COLOUR_OF_THE_SKY' is unknown; known: ", "BATCHYARD_DB_USER_FILE");
    assertThat(read(Map.of(), Map.of("BATCHYARD_JAVA_OPTS", "-Xmx1g", "PATH", "/", "PGHOST", "x")))
        .isEqualTo(read(Map.of(), Map.of()));
  }

  @Test
  void an_empty_variable_is_one_that_is_not_set() {
    assertThat(read(Map.of(), Map.of("BATCHYARD_DB", "", "BATCHYARD_PORT", "")))
        .isEqualTo(read(Map.of(), Map.of()));
    assertThat(refusal(Map.of(), Map.of("BATCHYARD_DB", " "))).startsWith("db: has no value");
    assertThat(refusal(Map.of(Key.NAME, ""), Map.of())).startsWith("name: has no value");
  }

  @ParameterizedTest
  @CsvSource({
    "PORT, -1, 0, 65535",
    "PORT, 65536, 0, 65535",
    "PORT, http, 0, 65535",
    "SLOTS, 0, 1, 1000",
    "SLOTS, 1001, 1, 1000",
    "SLOTS, 8.0, 1, 1000",
    "STOP_GRACE_S, -1, 0, 3600",
    "STOP_GRACE_S, 3601, 0, 3600",
    "STOP_GRACE_S, 30s, 0, 3600",
    "LOG_DAYS, 0, 1, 3650",
    "LOG_DAYS, 3651, 1, 3650",
    "LOG_DAYS, 99999999999999999999, 1, 3650",
    "TASK_DAYS, 0, 1, 3650",
  })
  void a_number_that_cannot_be_is_refused_with_its_range(Key key, String value, int least, int most)
      throws IOException {
    String expected =
        "%s: '%s' must be a whole number from %d to %d".formatted(key.word(), value, least, most);
    assertThat(refusal(Map.of(key, value), Map.of())).isEqualTo(expected);
    assertThat(refusal(Map.of(), Map.of(key.variable(), value))).isEqualTo(expected);
    Files.writeString(file, key.word() + ": " + value + "\n");
    assertThat(refusal(Map.of(), Map.of())).isEqualTo(expected);
    assertThat(read(Map.of(key, " " + least + " "), Map.of())).isNotNull();
    assertThat(read(Map.of(key, Integer.toString(most)), Map.of())).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a/b", "../x", "-x", ".", "a b", "a\nb", "x\u0000", "\uD83D\uDE00"})
  void a_name_that_cannot_be_one_of_a_file_is_refused(String name) {
    assertThat(refusal(Map.of(Key.NAME, name), Map.of())).startsWith("name: '").contains("must be");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "gpu,|'' is no label; write key or key=value",
        "gpu=|'gpu=' is no label",
        "node=a|'node' is a label that every node has, with its name; take another key",
        "a b|'a b' is no label",
        "gpu=a,gpu=b|'gpu=b': the key is there twice; keep one",
        "cores=4|'cores=4': cores, memory, disk stand for the machine itself; take another key",
      })
  void a_label_that_cannot_be_is_refused_with_the_cure(String labels, String problem) {
    assertThat(refusal(Map.of(Key.LABELS, labels), Map.of())).startsWith("labels: " + problem);
    assertThat(refusal(Map.of(Key.LABELS, "x\n".repeat(9_000)), Map.of())).hasSizeLessThan(300);
  }

  @Test
  void queues_that_are_no_list_are_refused() {
    assertThat(refusal(Map.of(Key.QUEUES, "a,,b"), Map.of()))
        .isEqualTo("queues: 'a,,b' must be names of queues with commas between, each once");
    assertThat(refusal(Map.of(Key.QUEUES, "a,a"), Map.of())).contains("each once");
  }

  @Test
  void a_long_value_is_not_repeated_whole() {
    assertThat(refusal(Map.of(Key.PORT, "1\n".repeat(100_000)), Map.of())).hasSizeLessThan(200);
    assertThat(refusal(Map.of(Key.NAME, "x".repeat(64)), Map.of())).hasSizeLessThan(200);
  }

  @Test
  void a_folder_that_is_no_path_is_named() {
    assertThat(refusal(Map.of(Key.DATA, "a\u0000b"), Map.of()))
        .startsWith("data: 'a b' is no path here (");
  }

  @Test
  void a_secret_is_the_one_line_of_its_file_to_the_character() throws IOException {
    Path secret = home.resolve("secret");
    Map<String, String> environment = Map.of("BATCHYARD_DB_PASSWORD_FILE", secret.toString());
    for (String end : new String[] {"", "\n", "\r\n"}) {
      Files.writeString(secret, " 密码 " + end);
      assertThat(read(Map.of(), environment).dbPassword()).isEqualTo(" 密码 ");
    }
    Files.writeString(secret, "\uFEFF密码\r\n");
    assertThat(read(Map.of(), environment).dbPassword()).as("from an editor").isEqualTo("密码");
    for (String wrong :
        new String[] {"", "\n", "geheim\nzwei\n", "geheim\n\n", "g".repeat(4_097)}) {
      Files.writeString(secret, wrong);
      assertThat(refusal(Map.of(), environment))
          .startsWith("BATCHYARD_DB_PASSWORD_FILE: " + OneLine.of(secret.toString()))
          .contains("one line of UTF-8")
          .doesNotContain("geheim", "ggg");
    }
    Files.write(secret, new byte[] {(byte) 0xff});
    assertThat(refusal(Map.of(), environment)).contains("one line of UTF-8");
    Files.delete(secret);
    assertThat(refusal(Map.of(), environment)).contains("cannot read", "readable file");
    Files.createDirectory(secret);
    assertThat(refusal(Map.of(), environment)).contains("cannot read", "readable file");
  }

  @Test
  void a_value_and_a_file_with_it_are_not_taken_together() throws IOException {
    Path secret = Files.writeString(home.resolve("secret"), "zwei");
    assertThat(
            refusal(
                Map.of(),
                Map.of(
                    "BATCHYARD_DB_PASSWORD",
                    "geheim",
                    "BATCHYARD_DB_PASSWORD_FILE",
                    secret.toString())))
        .isEqualTo(
            "BATCHYARD_DB_PASSWORD and BATCHYARD_DB_PASSWORD_FILE are both set; unset one of them");
  }

  @Test
  void a_flag_that_cannot_be_is_told_though_something_else_is_wrong_too() throws IOException {
    Files.writeString(file, "port: no\n");
    assertThat(refusal(Map.of(Key.SLOTS, "0"), Map.of("BATCHYARD_PROT", "1")))
        .startsWith("slots: '0'");
    assertThat(refusal(Map.of(Key.DB, "mysql://h/d"), Map.of())).startsWith("db: 'mysql://h/d'");
    assertThat(refusal(Map.of(), Map.of())).startsWith("port: 'no'");
  }

  @Test
  void the_password_is_never_printed() {
    Settings settings =
        read(Map.of(Key.DB, DB, Key.DB_USER, "loader"), Map.of("BATCHYARD_DB_PASSWORD", "geheim"));
    assertThat(settings.dbPassword()).isEqualTo("geheim");
    assertThat(settings.toString())
        .contains("db-password=***", "db-user=loader", DB)
        .doesNotContain("geheim");
    for (Key key : Key.values()) {
      assertThat(settings.toString()).contains(key.word() + "=");
    }
  }

  private Settings read(Map<Key, String> flags, Map<String, String> environment) {
    return ConfigReader.read(flags, environment, home);
  }

  private String refusal(Map<Key, String> flags, Map<String, String> environment) {
    boolean typed = !flags.isEmpty();
    var thrown =
        assertThatThrownBy(() -> read(flags, environment))
            .isInstanceOf(typed ? WrongFlag.class : CannotStart.class);
    StringBuilder message = new StringBuilder();
    thrown.satisfies(e -> message.append(e.getMessage()));
    assertThat(message.toString()).doesNotContain("\n").startsWith(typed ? "--" : "");
    return message.substring(typed ? 2 : 0);
  }
}
