package dev.batchyard.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.store.server.CannotStart;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsFileTest {

  @TempDir Path folder;

  private Path path;

  @BeforeEach
  void name() {
    path = folder.resolve("batchyard.yaml");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# a comment\n", "---\n", "\uFEFF# from an editor\n"})
  void a_file_that_says_nothing_sets_nothing(String text) throws IOException {
    assertThat(new SettingsFile(path).read()).isEmpty();
    Files.writeString(path, text);
    assertThat(new SettingsFile(path).read()).isEmpty();
  }

  @Test
  void values_are_taken_as_they_are_written() throws IOException {
    Files.writeString(
        path,
        """
        # 设置
        db: "jdbc:postgresql://h:1/d"
        db-user: on
        db-password: 0123   # no octal number
        name: 2026-01-01
        port: 0x1F
        slots: '8'
        log-days: 1_0
        stop-grace-s: 1e3
        """);
    assertThat(new SettingsFile(path).read())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                Key.DB, "jdbc:postgresql://h:1/d",
                Key.DB_USER, "on",
                Key.DB_PASSWORD, "0123",
                Key.NAME, "2026-01-01",
                Key.PORT, "0x1F",
                Key.SLOTS, "8",
                Key.LOG_DAYS, "1_0",
                Key.STOP_GRACE_S, "1e3"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "- port: 1 | must be lines of the form 'key: value'",
        "port | must be lines of the form 'key: value'",
        "ports: 1 | key 'ports' is unknown; did you mean port?",
        "Port: 1 | key 'Port' is unknown; did you mean port?",
        "db_user: x | key 'db_user' is unknown; did you mean db-user?",
        "colour-of-the-sky: 1 | is unknown; known: db, db-user,",
        "? [port] : 1 | key 'a list' is unknown",
        "<<: {port: 1} | key '<<' is unknown",
        "port: [1] | key 'port' must have one value, not a list or more keys",
        "port: {a: 1} | key 'port' must have one value, not a list or more keys",
        "port: [[[[[[[[1]]]]]]]] | Nesting Depth exceeded max 4; write lines 'key: value'",
        "port: | key 'port' has no value; give one, or delete the line",
        "port: ~ | key 'port' has no value",
        "name: null | key 'name' has no value",
        "db-password: '  ' | key 'db-password' has no value",
        "data: /x | 'data' cannot be set in a file that lies in the data folder itself; use --data",
      })
  void what_cannot_be_a_setting_is_refused(String text, String message) throws IOException {
    Files.writeString(path, text + "\n");
    assertThat(refusal()).contains(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "db-password: geheim: x",
        "db-password: *geheim",
        "db-password: 'geheim",
        "db-password: @geheim",
        "db-password: %geheim",
        "db-password: \"geheim\\q\"",
        "db-password: !<geheim",
        "db-password: geheim\n\tport: 1",
        "db-password: geheim\n---\nport: 1",
      })
  void what_is_no_yaml_is_refused_by_its_place_without_its_text(String text) throws IOException {
    Files.writeString(path, text + "\n");
    assertThat(refusal())
        .containsPattern("line \\d+, column \\d+ is not YAML")
        .contains("in quotes")
        .doesNotContain("geheim");
  }

  @Test
  void a_key_that_is_there_twice_is_refused() throws IOException {
    Files.writeString(path, "port: 1\nslots: 2\nport: 1\n");
    assertThat(refusal()).endsWith("key 'port' is there twice; keep one");
  }

  @Test
  void tags_make_no_objects_and_aliases_do_not_multiply() throws IOException {
    Files.writeString(path, "port: !!java.net.URL [\"http://127.0.0.1/\"]\n");
    assertThat(refusal()).contains("line 1, column 7 is not YAML");
    Files.writeString(path, "port: !!int \"5x\"\n");
    assertThat(new SettingsFile(path).read()).containsExactly(Map.entry(Key.PORT, "5x"));
    Files.writeString(path, "port: &a [1,1,1]\nslots: &b [*a,*a,*a]\nname: [*b,*b,*b]\n");
    assertThat(refusal()).contains("key 'port' must have one value");
    Files.writeString(path, "port: &a {port: *a}\n");
    assertThat(refusal()).contains("key 'port' must have one value");
  }

  @Test
  void a_file_that_is_too_large_or_no_text_is_refused() throws IOException {
    Files.writeString(path, "# " + "x".repeat(64 * 1024));
    assertThat(refusal()).endsWith("is larger than 65536 bytes; settings need less");
    Files.writeString(path, "a".repeat(60_000) + ": 1\n");
    assertThat(refusal()).hasSizeLessThan(folder.toString().length() + 400);
    Files.writeString(path, "# 设置\n", Charset.forName("GB18030"));
    assertThat(refusal()).endsWith("is not UTF-8 text; save it as UTF-8");
    Files.write(path, new byte[] {'a', 0, 'b'});
    assertThat(refusal()).contains("special characters are not allowed");
    Files.delete(path);
    Files.createDirectory(path);
    assertThat(refusal()).contains("cannot be read", "it must be a text file");
  }

  private String refusal() {
    StringBuilder message = new StringBuilder();
    assertThatThrownBy(() -> new SettingsFile(path).read())
        .isInstanceOf(CannotStart.class)
        .satisfies(e -> message.append(e.getMessage()));
    assertThat(message.toString()).startsWith(path.toString()).doesNotContain("\n");
    return message.toString();
  }
}
