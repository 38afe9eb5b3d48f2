package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.batchyard.app.Installation;
import dev.batchyard.app.cli.Terminal.Said;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.store.server.SharedPrograms;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Every command on one data folder, whose PostgreSQL runs all the while. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CliTest {

  private Path folder;
  private Path data;
  private Installation installation;
  private Terminal terminal;

  @BeforeAll
  void open(@TempDir Path temp) throws Exception {
    folder = temp;
    data = folder.resolve("data");
    var _ = SharedPrograms.in(data);
    installation =
        Installation.open(ConfigReader.read(Map.of(Key.DATA, data.toString()), Map.of(), folder));
    terminal = new Terminal(data, folder);
    Files.writeString(folder.resolve("rows.csv"), "id,name\n1,one\n2,two\n");
  }

  @AfterAll
  void close() {
    installation.close();
  }

  @Test
  void demo_imports_the_shipped_file_and_says_what_to_try_next() {
    Said demo = terminal.run("demo");
    assertThat(demo.exit()).isZero();
    assertThat(demo.out())
        .contains("read 138,335 = written 138,329 + skipped 0 + rejected 6")
        .contains("'many' is not a whole number")
        .contains("./batchyard --data '" + data + "' logs ");
    assertThat(
            Stream.of("attempts, rejects", "what the import said", "a node with pages")
                .map(text -> column(demo.out(), text)))
        .as("where the second column of what to try next begins")
        .doesNotContain(-1)
        .containsOnly(column(demo.out(), "what the import said"));
    JsonNode task =
        terminal.run("tasks", "--json", "--state", "completed").fine().documents().getFirst();
    assertThat(task.get("label").asString()).startsWith("demo");
    String id = task.get("id").asString();
    JsonNode whole = terminal.run("task", id, "--json", "--rejects", "10").fine().document();
    assertThat(whole.at("/ledger/read").asLong()).isEqualTo(138_335);
    assertThat(whole.get("rejects")).hasSize(6);
    assertThat(terminal.run("task", id).fine().out()).contains("attempt  node", "completed");
    assertThat(terminal.run("watch", id).fine().out()).contains("100.0 %", "written 138,329");
    assertThat(terminal.run("logs", id).fine().out()).contains("babynames.csv: 2,338,973 bytes");
    assertThat(terminal.run("logs", "-f", id, "--json").fine().documents())
        .allMatch(line -> line.get("task").asString().equals(id));
    assertThat(terminal.run("task", id).fine().out()).endsWith(" + rejected 6\n");
    assertThat(terminal.run("pause", id, "--json").out())
        .isEqualTo(
            "{\"id\":%s,\"move\":\"pause\",\"answer\":\"refused\",\"state\":\"completed\"}\n"
                .formatted(id));
    terminal.run("pause", id).refused(Exit.FAILED, "task " + id + " is completed");
    terminal.run("resume", id).refused(Exit.FAILED, "completed", "only a paused task");
    terminal.run("cancel", id).refused(Exit.FAILED, "completed", "that has not ended");
    terminal.run("rerun", id).refused(Exit.FAILED, "completed", "only a failed");
  }

  @Test
  void a_waiting_task_is_paused_resumed_cancelled_and_run_again() {
    String id = terminal.submitImport();
    assertThat(terminal.run("pause", id).fine().out()).isEqualTo("task " + id + " paused\n");
    assertThat(terminal.run("pause", id).fine().out()).contains("paused already");
    assertThat(state(id)).isEqualTo("paused");
    assertThat(terminal.run("resume", id).fine().out()).contains("resumed");
    assertThat(terminal.run("resume", id).fine().out()).contains("is ready already");
    assertThat(state(id)).isEqualTo("ready");
    JsonNode moved = terminal.run("cancel", id, "--json").fine().document();
    assertThat(moved.get("answer").asString()).isEqualTo("done");
    assertThat(state(id)).isEqualTo("cancelled");
    assertThat(terminal.run("rerun", id).fine().out()).contains("runs again");
    assertThat(state(id)).isEqualTo("ready");
    assertThat(terminal.run("task", id).fine().out())
        .contains("李雷")
        .contains("waits       No live node serves data.import;");
    terminal.run("cancel", id).fine();
  }

  @Test
  void what_is_run_again_before_it_was_due_says_that_it_starts_now() {
    String id = terminal.submitImport("--due", "2099-12-31T22:00:00Z");
    terminal.run("cancel", id).fine();
    assertThat(terminal.run("rerun", id).fine().out())
        .contains("runs again and starts now, though it was due at 2099-12-31 22:00:00", "--due");
    assertThat(state(id)).isEqualTo("ready");
    terminal.run("cancel", id).fine();
    JsonNode again = terminal.run("rerun", id, "--json").fine().document();
    assertThat(again.get("wasDue").asString()).isEqualTo("2099-12-31T22:00:00Z");
    terminal.run("cancel", id).fine();
  }

  @Test
  void unique_keys_answer_with_the_task_that_holds_them_and_a_batch_counts_its_members() {
    String batch =
        terminal
            .run("batch", "--open", "--label", "夜", "--json")
            .fine()
            .document()
            .get("id")
            .asString();
    String[] submit = {
      "submit",
      "data.import",
      "-p",
      "file=rows.csv",
      "-p",
      "table=uniq",
      "--unique-live",
      "u1",
      "--unique-within",
      "10m:w1",
      "--batch",
      batch,
      "--json"
    };
    JsonNode first = terminal.run(submit).fine().document();
    JsonNode second = terminal.run(submit).fine().document();
    String id = first.get("id").asString();
    assertThat(second.get("id").asString()).isEqualTo(id);
    assertThat(second.get("fresh").asBoolean()).isFalse();
    assertThat(terminal.run("task", id).fine().out())
        .contains("u1 among live tasks", "w1 until ", "batch");
    terminal.run("cancel", id).fine();
    assertThat(terminal.run("batch", batch, "--seal").fine().out())
        .contains("batch " + batch + " sealed")
        .contains(batch + "   ended  1      0          0       1          0");
    terminal.run(submit).fine(); // its key for a period is held still
    terminal
        .run("submit", "data.import", "-p", "file=rows.csv", "-p", "table=u", "--batch", batch)
        .refused(Exit.USAGE, "batch " + batch + " is sealed");
    terminal
        .run(
            "submit",
            "data.import",
            "-p",
            "file=rows.csv",
            "-p",
            "table=u",
            "--unique-within",
            "soon:k")
        .refused(Exit.USAGE, "--unique-within: 'soon:k' must begin with a period", "10m:KEY");
    terminal.run("batch", "999999").refused(Exit.NOT_FOUND, "batch 999999: there is none");
  }

  @Test
  void several_tasks_move_at_once_and_the_worst_exit_code_counts() {
    String one = terminal.submitImport();
    String two = terminal.submitImport();
    Said said = terminal.run("cancel", one, "999999999", two);
    assertThat(said.exit()).isEqualTo(Exit.NOT_FOUND.code());
    assertThat(state(one)).isEqualTo("cancelled");
    assertThat(state(two)).isEqualTo("cancelled");
  }

  @Test
  void a_task_that_does_not_exist_is_exit_4_for_every_command() {
    for (String command :
        new String[] {"watch", "task", "logs", "pause", "resume", "cancel", "rerun"}) {
      terminal.run(command, "999999999").refused(Exit.NOT_FOUND, "task 999999999", "there is none");
    }
  }

  @Test
  void a_key_makes_a_submit_repeatable() {
    String first = terminal.submitImport("--key", "夜间导入");
    Said again =
        terminal.run(
            "submit", "data.import", "-p", "file=rows.csv", "-p", "table=rows", "--key", "夜间导入");
    assertThat(again.fine().out())
        .isEqualTo("task " + first + " holds this key already; nothing was submitted\n");
    terminal.run("cancel", first).fine();
  }

  @Test
  void parameters_come_from_flags_over_a_file_over_standard_input() throws Exception {
    Files.writeString(
        folder.resolve("参数.json"), "{\"file\": \"/a.csv\", \"table\": \"a\", \"chunkRows\": 7}");
    String id =
        terminal
            .run(
                "submit",
                "data.import",
                "--params",
                "参数.json",
                "-p",
                "table=b",
                "-p",
                "columns=a,b",
                "-p",
                "types={\"a\": \"bigint\"}",
                "-p",
                "create=true",
                "-p",
                "rejectsMax=0",
                "--due",
                "2999-12-31T22:00:00+08:00",
                "--json")
            .fine()
            .document()
            .get("id")
            .asString();
    JsonNode task = terminal.run("task", id, "--json").fine().document();
    JsonNode params = task.get("params");
    assertThat(params.get("file").asString()).isEqualTo("/a.csv");
    assertThat(params.get("table").asString()).isEqualTo("b");
    assertThat(params.get("chunkRows").asInt()).isEqualTo(7);
    assertThat(params.get("columns")).hasSize(2);
    assertThat(params.at("/types/a").asString()).isEqualTo("bigint");
    assertThat(params.get("create").asBoolean()).isTrue();
    assertThat(task.get("state").asString()).isEqualTo("scheduled");
    assertThat(task.get("due").asString()).isEqualTo("2999-12-31T14:00:00Z");
    terminal.run("cancel", id).fine();

    String piped =
        terminal
            .runWithInput(
                "{\"file\": \"/a.csv\", \"table\": \"a\"}",
                "submit",
                "data.import",
                "--params",
                "-",
                "--json")
            .fine()
            .document()
            .get("id")
            .asString();
    terminal.run("cancel", piped).fine();
  }

  @Test
  void a_file_is_found_from_the_current_folder() {
    String id = terminal.submitImport();
    assertThat(terminal.run("task", id, "--json").fine().document().at("/params/file").asString())
        .isEqualTo(folder.resolve("rows.csv").toString());
    terminal.run("cancel", id).fine();
  }

  @Test
  void labels_are_cut_in_lists_and_whole_in_json() {
    String label = "每日订单导入".repeat(33);
    String id = terminal.submitImport("--label", label);
    String row =
        terminal
            .run("tasks")
            .fine()
            .out()
            .lines()
            .filter(l -> l.startsWith(id + " "))
            .findFirst()
            .orElseThrow();
    assertThat(row).endsWith("  " + "每日订单导入".repeat(3) + "每…");
    assertThat(terminal.run("tasks", "--json").fine().documents())
        .filteredOn(task -> task.get("id").asString().equals(id))
        .extracting(task -> task.get("label").asString())
        .containsExactly(label);
    terminal.run("cancel", id).fine();
    String batch =
        terminal
            .run("batch", "--open", "--label", label, "--json")
            .fine()
            .document()
            .get("id")
            .asString();
    assertThat(terminal.run("batch", batch).fine().out()).contains("每…\n").doesNotContain(label);
    assertThat(terminal.run("batch", batch, "--json").fine().document().get("label").asString())
        .isEqualTo(label);
  }

  @Test
  void what_keeps_it_from_starting_is_exit_3() throws Exception {
    Path occupied = Files.writeString(folder.resolve("a-file"), "");
    new Terminal(occupied, folder).run("tasks").refused(Exit.CANNOT_START, "a-file");
    new Terminal(Path.of("/proc/batchyard"), folder)
        .run("demo")
        .refused(Exit.CANNOT_START, "/proc/batchyard");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = String.valueOf(taken.getLocalPort());
      Said said = terminal.run("server", "--port", port);
      assertThat(said.exit()).isEqualTo(Exit.CANNOT_START.code());
      assertThat(said.err()).contains("127.0.0.1:" + port, "--port");
      assertThat(said.err().lines().filter(line -> !line.contains(" INFO "))).hasSize(1);
    }
    terminal
        .with(Map.of("BATCHYARD_PROT", "1"))
        .run("tasks")
        .refused(Exit.CANNOT_START, "BATCHYARD_PROT", "BATCHYARD_PORT");
    terminal
        .with(Map.of("BATCHYARD_DB_USER", "batchyard", "BATCHYARD_DB_PASSWORD", "wrong"))
        .run("--db", url(), "tasks")
        .refused(Exit.CANNOT_START, "password", "batchyard");
    terminal
        .with(Map.of("BATCHYARD_DB_USER", "nobody"))
        .run("--db", "jdbc:postgresql://127.0.0.1:1/none", "tasks")
        .refused(Exit.CANNOT_START, "127.0.0.1:1");
    terminal
        .with(Map.of("BATCHYARD_DB", "mysql://127.0.0.1/none"))
        .run("tasks")
        .refused(Exit.CANNOT_START, "mysql://", "jdbc:postgresql://");
    terminal
        .with(Map.of("BATCHYARD_PORT", "abc"))
        .run("server")
        .refused(Exit.CANNOT_START, "port: 'abc'", "from 0 to 65535");
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("batchyard.yaml"), "slots: 0\n");
    new Terminal(other, folder).run("server").refused(Exit.CANNOT_START, "slots: '0'");
  }

  @Test
  void what_the_database_refuses_is_one_line_with_its_cure() throws Exception {
    sql(
        """
        create role limited login password 'limited';
        grant usage on schema batchyard to limited;
        grant select on batchyard.flyway_schema_history to limited;
        create function full_disk() returns trigger language plpgsql as $$
          begin raise exception 'could not extend file' using errcode = '53100'; end $$;
        create trigger full_disk before insert on batchyard.task for each row
          when (current_user = 'limited') execute function full_disk()\
        """);
    Terminal limited =
        terminal.with(Map.of("BATCHYARD_DB_USER", "limited", "BATCHYARD_DB_PASSWORD", "limited"));
    String[] tasks = {"--db", url(), "tasks"};
    String[] submit = {
      "--db", url(), "submit", "data.import", "-p", "file=rows.csv", "-p", "table=rows"
    };
    limited.run(tasks).refused(Exit.CANNOT_START, "GRANT", "42501");
    sql(
        "grant all on all tables in schema batchyard to limited; grant all on all sequences in schema batchyard to limited");
    limited.run(tasks).fine();
    limited.run(submit).refused(Exit.CANNOT_START, "disk is full", "53100");
    sql("alter role limited set default_transaction_read_only = on");
    limited.run(submit).refused(Exit.CANNOT_START, "read-only", "25006");
    sql("drop trigger full_disk on batchyard.task; drop owned by limited; drop role limited");
  }

  @Test
  void control_characters_of_data_do_not_reach_the_terminal() {
    String id = terminal.submitImport("--key", "紅\u001B[31m\u202E\r\n夜");
    assertThat(terminal.run("task", id).fine().out())
        .contains("紅\uFFFD[31m")
        .doesNotContain("\u001B");
    assertThat(terminal.run("task", id, "--json").fine().document().get("key").asString())
        .isEqualTo("紅\u001B[31m\u202E\r\n夜");
    terminal.run("cancel", id).fine();
  }

  @Test
  void lists_are_paged_and_filtered() throws Exception {
    String lowest = terminal.submitImport();
    String low = terminal.submitImport();
    String high = terminal.submitImport();
    Said page = terminal.run("tasks", "--limit", "1", "--before", high);
    assertThat(page.fine().out()).contains("\n" + low + " ").contains("more: --before " + low);
    assertThat(
            terminal
                .run("tasks", "--type", "data.import", "--state", "ready", "--json")
                .documents())
        .extracting(task -> task.get("id").asString())
        .contains(low, high);
    assertThat(terminal.run("tasks", "--type", "no.such").fine().out())
        .isEqualTo("no tasks like that\n");
    terminal.run("cancel", lowest, low, high).fine();

    leaveGap(3 * TaskViews.SCAN_MAX);
    String rare = terminal.submitImport();
    assertThat(terminal.run("tasks", "--state", "cancelled", "--limit", "2", "--json").documents())
        .extracting(task -> task.path("id").asString(""), task -> task.path("next").asString(""))
        .as("a look further down than one scan, and where the next page begins")
        .containsExactly(tuple(high, ""), tuple(low, ""), tuple("", low));

    terminal.run("cancel", rare).fine();
    assertThat(terminal.run("tasks", "--type", "no.such").fine().out())
        .isEqualTo("no tasks like that\n");
  }

  @Test
  void help_names_every_command_and_exit_code() {
    assertThat(terminal.run("--help").fine().out())
        .contains(
            "demo", "server", "submit", "watch", "tasks", "task", "logs", "pause", "resume",
            "cancel", "rerun")
        .contains("4 no such task");
    assertThat(terminal.run("rerun", "--help").fine().out())
        .contains("again, from their checkpoint");
    assertThat(terminal.run("--version").fine().out()).startsWith("batchyard ");
  }

  private void leaveGap(long ids) throws Exception {
    sql(
        "select setval('batchyard.task_id', last_value + %d) from batchyard.task_id"
            .formatted(ids));
  }

  private void sql(String text) throws Exception {
    try (Connection db = installation.database().handlers().getConnection();
        Statement statement = db.createStatement()) {
      statement.execute(text);
    }
  }

  private String url() throws Exception {
    return "jdbc:postgresql://127.0.0.1:%s/postgres"
        .formatted(Files.readString(data.resolve("run/port")).strip());
  }

  private static int column(String page, String text) {
    return page.lines()
        .filter(line -> line.startsWith("  ./batchyard"))
        .mapToInt(line -> line.indexOf(text))
        .max()
        .orElse(-1);
  }

  private String state(String id) {
    return terminal.run("task", id, "--json").fine().document().get("state").asString();
  }
}
