package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.app.cli.Terminal.Said;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a person is told who typed something wrong. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class WrongUseTest {

  private Path folder;
  private TestInstallation installation;
  private Terminal terminal;

  @BeforeAll
  void open(@TempDir Path temp) throws Exception {
    folder = temp;
    installation = TestInstallation.in(folder);
    terminal = installation.terminal();
  }

  @AfterAll
  void close() {
    installation.close();
  }

  @Test
  void wrong_use_is_exit_2_and_names_field_value_and_cure() throws Exception {
    terminal.run().refused(Exit.USAGE, "a command is missing", "submit");
    terminal.run("sumbit").refused(Exit.USAGE, "unknown command 'sumbit'", "submit");
    terminal
        .run("tasks", "--stat", "x")
        .refused(Exit.USAGE, "unknown option '--stat'", "--state", "--help");
    submit("-p", "file=a", "table=t").refused(Exit.USAGE, "'table=t'", "-p name=value");
    terminal.run("tasks", "all").refused(Exit.USAGE, "'all' is a word too many", "--help");
    terminal
        .run("tasks", "--state", "runing")
        .refused(Exit.USAGE, "'runing' is no state", "running, ");
    terminal.run("tasks", "--limit", "201").refused(Exit.USAGE, "--limit", "201", "1 to 200");
    terminal.run("task", "x").refused(Exit.USAGE, "'x'");
    terminal.run("submit").refused(Exit.USAGE, "TYPE");
    terminal.run("submit", "data.imprt").refused(Exit.USAGE, "data.imprt", "data.import");
    submit("--deadline", "2020-01-01T00:00:00Z", "-p", "file=a", "-p", "table=t")
        .refused(Exit.USAGE, "deadline: 2020-01-01T00:00:00Z has passed", "a later instant");
    submit("--label", "a\nb", "-p", "file=a", "-p", "table=t")
        .refused(Exit.USAGE, "--label: 'a\\u000ab' holds a line break", "on one line");
    terminal
        .run("batch", "--open", "--label", "x".repeat(201))
        .refused(Exit.USAGE, "label: 201 characters; at most 200");
    submit("-p", "table").refused(Exit.USAGE, "-p 'table'", "name=value");
    submit("-p", "tabel=x").refused(Exit.USAGE, "tabel: is unknown", "file: is missing");
    submit("-p", "file=a", "-p", "table=t", "-p", "chunkRows=many")
        .refused(Exit.USAGE, "chunkRows", "many", "whole number");
    submit("-p", "file=a", "-p", "table=t", "-p", "chunkRows=0")
        .refused(Exit.USAGE, "chunkRows", "'0'");
    submit("-p", "file=a", "-p", "table=t", "-p", "create=perhaps")
        .refused(Exit.USAGE, "create", "perhaps");
    submit("-p", "file=a", "-p", "table=t", "-p", "types=bigint")
        .refused(Exit.USAGE, "types", "JSON");
    submit("--params", "none.json").refused(Exit.USAGE, "none.json", "there is no such file");
    Files.writeString(folder.resolve("broken.json"), "{\"file\": }");
    submit("--params", "broken.json").refused(Exit.USAGE, "broken.json", "line 1, column");
    submit("-p", "file=a", "-p", "table=t", "--priority", "9")
        .refused(Exit.USAGE, "--priority", "9", "0 (urgent) to 7");
    submit("-p", "file=a", "-p", "table=t", "--due", "tomorrow")
        .refused(Exit.USAGE, "--due", "tomorrow", "PT15M");
    submit("-p", "file=a", "-p", "table=t", "--retry", "never")
        .refused(Exit.USAGE, "never", "default");
    submit("-p", "file=a", "-p", "table=t", "--queue", "fast")
        .refused(Exit.USAGE, "fast", "default");
  }

  @Test
  void a_flag_of_a_node_that_cannot_be_is_wrong_use_too() {
    for (String command : new String[] {"server", "demo"}) {
      for (String port : new String[] {"abc", "-1", "70000", "99999999999", "80.5", ""}) {
        terminal.run(command, "--port", port).refused(Exit.USAGE, "--port: ");
      }
    }
    terminal.run("server", "--slots", "0").refused(Exit.USAGE, "--slots: '0'", "from 1 to 1000");
    terminal.run("server", "--name", "a b").refused(Exit.USAGE, "--name: 'a b'", "letters");
    terminal
        .run("--db", "mysql://127.0.0.1/none", "tasks")
        .refused(Exit.USAGE, "--db: 'mysql://", "jdbc:postgresql://");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "tasks --limit abc | --limit: 'abc' must be a whole number from 1 to 200",
        "tasks --limit 99999999999 | --limit: '99999999999' must be a whole number from 1 to 200",
        "tasks --before x | --before: 'x' is no id; it must be a whole number from 1 on",
        "tasks --batch 0 | --batch: '0' is no id",
        "batches --limit 1.5 | --limit: '1.5' must be a whole number from 1 to 200",
        "batches --before -1 | --before: '-1' is no id",
        "batch nightly | ID: 'nightly' is no id",
        "task 0 | ID: '0' is no id",
        "task 1 --rejects many | --rejects: 'many' must be a whole number from 0 to 1000",
        "task 1 --rejects 1001 | --rejects: '1001' must be a whole number from 0 to 1000",
        "task 1 --rejects-after -1 | --rejects-after: '-1' must be a whole number from 0 on",
        "watch 99999999999999999999 | ID: '99999999999999999999' is no id",
        "logs x | ID: 'x' is no id",
        "pause 1 x | 'x' is no id, or one too many; up to 1000 ids, each a whole number from 1 on",
        "pause x | 'x' is no id",
        "rerun 1 0x10 | '0x10' is no id, or one too many",
        "submit t --priority high | --priority: 'high' must be a whole number from 0 (urgent) to 7",
        "submit t --priority 8 | --priority: '8' must be a whole number from 0 (urgent) to 7",
        "submit t --batch none | --batch: 'none' is no id",
        "submit t --queue-timeout 9999999d | --queue-timeout: '9999999d' is not from 1ms to 3650d",
        "submit t --queue-timeout 5 | --queue-timeout: '5' is no length of time; write it as 90s",
        "submit t --due 2026-12-31T22:00:00 | --due: '2026-12-31T22:00:00' must be an instant with",
        "submit t --due PT9999999999999H | --due: 'PT9999999999999H' must be an instant",
        "submit t --due +999999999-12-31T23:59:59Z | before the year 10000",
        "submit data.import --deadline 99999999999d | --deadline: '99999999999d' must be an instant",
        "submit data.import -p file=a -p table=t --unique-within 367d:k | '367d:k' must begin with",
        "submit data.import -p file=a -p table=t --unique-within k | period from 1ms to 366d",
        "submit data.import -p file=a -p table=t --queue a/b | queue 'a/b' does not exist",
        "submit data.import -p file=a -p table=t -p chunkRows=1e400 | chunkRows: 1E+400 does not fit",
        "submit data.import -p file=a -p table=t -p chunkRows=1.5 | chunkRows: 1.5 does not fit",
        "queue default --age-step 31d | --age-step: '31d' is not from 0s to 30d",
        "tasks --limit | --limit needs a value: N;",
        "tasks --limit --json | --limit needs a value: N;",
        "tasks --limit 5 --limit 6 | --limit is given twice; give it once;",
        "tasks --json=yes | --json takes no value; write it alone;",
        "tasks --state | --state needs a value: STATE;",
        "tasks --state done | --state: 'done' is no state; give some of scheduled",
        "server --no-web=yes | --no-web takes no value",
        "queue default --pause --resume | --pause, --resume are mutually exclusive",
        "submit | TYPE is missing; './batchyard submit --help' explains",
      })
  void what_is_typed_wrongly_is_one_clear_sentence(String line, String expected) {
    Said said = terminal.run(line.split(" ", -1)).refused(Exit.USAGE, expected);
    assertThat(said.err())
        .doesNotContainPattern("\\b(int|long|Integer|Long|Boolean|Duration|Optional)\\b")
        .doesNotContainPattern("Exception|java\\.|Invalid value|positional|Error");
  }

  @Test
  void a_parameter_file_of_any_editor_is_read_or_told_how_to_save_it() throws Exception {
    String json = "{\"file\": \"/订单.csv\", \"table\": \"订单\"}";
    Files.writeString(folder.resolve("marked.json"), "\uFEFF" + json);
    for (String[] way : new String[][] {{"marked.json", ""}, {"-", "\uFEFF" + json}}) {
      String id =
          terminal
              .runWithInput(way[1], "submit", "data.import", "--params", way[0], "--json")
              .fine()
              .document()
              .get("id")
              .asString();
      assertThat(
              terminal.run("task", id, "--json").fine().document().at("/params/table").asString())
          .isEqualTo("订单");
      terminal.run("cancel", id).fine();
    }
    for (String charset : new String[] {"GB18030", "UTF-16", "UTF-16LE", "UTF-16BE"}) {
      String likely = charset.replaceFirst("[BL]E$", "");
      Files.write(folder.resolve("other.json"), json.getBytes(Charset.forName(charset)));
      submit("--params", "other.json")
          .refused(Exit.USAGE, "--params other.json", "probably " + likely, "save it as UTF-8");
    }
    Files.createDirectory(folder.resolve("a-folder"));
    submit("--params", "a-folder").refused(Exit.USAGE, "--params a-folder", "name a JSON file");
  }

  private Said submit(String... words) {
    String[] all = new String[words.length + 2];
    all[0] = "submit";
    all[1] = "data.import";
    System.arraycopy(words, 0, all, 2, words.length);
    return terminal.run(all);
  }
}
