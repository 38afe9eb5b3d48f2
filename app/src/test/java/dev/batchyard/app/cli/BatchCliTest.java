package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Types;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.store.server.SharedPrograms;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about batches. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class BatchCliTest {

  private Path data;
  private Installation installation;
  private Terminal terminal;
  private Path rows;

  @BeforeAll
  void open(@TempDir Path temp) throws Exception {
    data = temp.resolve("data");
    var _ = SharedPrograms.in(data);
    installation = installed(data);
    terminal = new Terminal(data, temp);
    rows = temp.resolve("rows.csv");
    Files.writeString(rows, "id,name\n1,one\n");
  }

  private static Installation installed(Path data) {
    return Installation.open(ConfigReader.read(Map.of(Key.DATA, data.toString()), Map.of(), data));
  }

  @AfterAll
  void close() {
    installation.close();
  }

  @Test
  void a_batch_that_its_client_left_open_is_seen_and_sealed() {
    assertThat(terminal.run("batches").fine().out()).isEqualTo("no batches yet\n");
    JsonNode opened =
        terminal
            .run(
                "batch",
                "--open",
                "--label",
                "夜间",
                "--then",
                "data.import",
                "-p",
                "file=rows.csv",
                "-p",
                "table=sums",
                "--json")
            .fine()
            .document();
    String batch = opened.get("id").asString();
    String then = opened.get("then").asString();
    String one = terminal.submitImport("--batch", batch);
    String two = terminal.submitImport("--batch", batch);
    terminal.submitImport();

    assertThat(terminal.run("batch", batch).fine().out())
        .contains(
            "id  state  total  completed  failed  cancelled  to go  then    opened",
            batch + "   open   2      0          0       0          2      task " + then,
            "夜间",
            "until './batchyard batch " + batch + " --seal'");
    assertThat(terminal.run("tasks", "--batch", batch).fine().out())
        .contains("\n" + one + " ", "\n" + two + " ")
        .doesNotContain("in all")
        .hasLineCount(3);
    assertThat(terminal.run("task", then).fine().out())
        .contains(
            ("waits       It runs when Batch %s has ended; to go: 2 of 2 tasks. "
                    + "Not ended: %s, %s. The batch is open and ends only once './batchyard batch %s --seal'")
                .formatted(batch, one, two, batch));
    terminal.run("cancel", one).fine();
    List<JsonNode> cancelled =
        terminal
            .run("tasks", "--batch", batch, "--state", "cancelled", "--json")
            .fine()
            .documents();
    assertThat(cancelled).hasSize(1);
    assertThat(cancelled.getFirst().get("id").asString()).isEqualTo(one);
    assertThat(terminal.run("tasks", "--batch", "99").fine().out()).contains("no tasks like that");

    assertThat(terminal.run("batch", batch, "--seal").fine().out())
        .contains("batch " + batch + " sealed\n", "   sealed  2 ")
        .doesNotContain("--seal");
    assertThat(terminal.run("batch", batch, "--seal").fine().out()).contains("sealed already");
    assertThat(terminal.run("task", then).fine().out())
        .contains(
            "state       blocked",
            "waits       It runs when Batch "
                + batch
                + " has ended; to go: 1 of 2 tasks. Not ended: ");
    JsonNode after = terminal.run("task", then, "--json").fine().document().get("after");
    assertThat(after.get("id").asString()).isEqualTo(batch);
    assertThat(after.get("state").asString()).isEqualTo("sealed");
    assertThat(after.get("total").asLong()).isEqualTo(2);
    assertThat(after.get("cancelled").asLong()).isEqualTo(1);
    terminal.run("cancel", two).fine();
    assertThat(terminal.run("task", then).fine().out())
        .contains("state       ready", "after       batch " + batch + "\n")
        .doesNotContain("for batch");
    JsonNode ended = terminal.run("batch", batch, "--json").fine().document();
    assertThat(ended.get("state").asString()).isEqualTo("ended");
    assertThat(ended.get("cancelled").asLong()).isEqualTo(2);

    terminal.run("batch", "--open").fine();
    assertThat(terminal.run("batches").fine().out())
        .contains("  open ", "  ended ")
        .hasLineCount(3);
    List<JsonNode> page = terminal.run("batches", "--limit", "1", "--json").fine().documents();
    assertThat(page).hasSize(2);
    String next = page.getLast().get("next").asString();
    assertThat(next).isEqualTo(page.getFirst().get("id").asString());
    assertThat(terminal.run("batches", "--before", next).fine().out())
        .contains("夜间")
        .doesNotContain("more:");
    assertThat(terminal.run("batches", "--before", batch).fine().out())
        .isEqualTo("no batches below " + batch + "\n");
  }

  @Test
  void a_batch_outlives_the_server_and_its_client() throws Exception {
    NewTask sums =
        NewTask.of("data.import", params("sums"))
            .withLimits(Limits.NONE.withAttemptTimeout(Duration.ofHours(1)));
    Submitter client = submitter();
    Batches.Opened opened = client.openBatch("left open", Optional.of(sums));
    long member =
        client.submit(NewTask.of("data.import", params("rows")).withBatch(opened.batch())).task();
    installation.close(); // and with it the embedded server
    installation = installed(data);

    String batch = Long.toString(opened.batch());
    String then = Long.toString(opened.then().orElseThrow());
    assertThat(terminal.run("batches").fine().out()).contains("left open", "task " + then);
    terminal.run("cancel", Long.toString(member)).fine();
    assertThat(terminal.run("task", then).fine().out())
        .contains("state       blocked", "attempt timeout 1h");
    assertThat(terminal.run("batch", batch, "--seal").fine().out())
        .contains("batch " + batch + " sealed\n", "ended");
    assertThat(terminal.run("task", then).fine().out()).contains("state       ready");
    assertThat(submitter().seal(opened.batch())).as("once is enough").isFalse();
  }

  private Submitter submitter() {
    return new Submitter(
        Types.of(installation),
        new JacksonParameters(),
        installation.store().submissions(),
        installation.store().batches());
  }

  private Record params(String table) {
    return submitter()
        .read("data.import", "{\"file\":\"%s\",\"table\":\"%s\"}".formatted(rows, table))
        .params();
  }

  @Test
  void the_then_task_is_placed_like_any_other() throws Exception {
    terminal.run("queue", "夜间", "--create").fine();
    Files.writeString(
        rows.resolveSibling("sums.json"), "{\"file\": \"/s.csv\", \"table\": \"from_file\"}");
    JsonNode opened =
        openWithThen(
                "--params",
                "sums.json",
                "--queue",
                "夜间",
                "--priority",
                "1",
                "--retry",
                "default",
                "--attempt-timeout",
                "90s",
                "--json")
            .fine()
            .document();
    JsonNode then = terminal.run("task", opened.get("then").asString(), "--json").document();
    assertThat(then.get("queue").asString()).isEqualTo("夜间");
    assertThat(then.get("priority").asInt()).isEqualTo(1);
    assertThat(then.get("retry").asString()).isEqualTo("default");
    assertThat(then.get("attemptTimeoutMs").asLong()).isEqualTo(90_000);
    assertThat(then.at("/params/table").asString()).as("-p wins").isEqualTo("sums");
    assertThat(then.at("/params/file").asString()).isEqualTo("/s.csv");
  }

  private Terminal.Said openWithThen(String... more) {
    return terminal.run(
        Stream.concat(
                Stream.of("batch", "--open", "--then", "data.import", "-p", "table=sums"),
                Stream.of(more.length > 2 ? more : withFile(more)))
            .toArray(String[]::new));
  }

  private static String[] withFile(String... more) {
    return Stream.concat(Stream.of("-p", "file=rows.csv"), Stream.of(more)).toArray(String[]::new);
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal.run("batch", "999").refused(Exit.NOT_FOUND, "batch 999", "batchyard batches");
    terminal.run("batch", "999", "--seal").refused(Exit.NOT_FOUND, "batch 999");
    terminal.run("batch").refused(Exit.USAGE, "the id of a batch is missing", "batches");
    terminal.run("batch", "nightly").refused(Exit.USAGE, "'nightly'");
    terminal.run("batch", "--open", "1").refused(Exit.USAGE, "--open", "no id");
    terminal.run("batch", "--open", "--seal").refused(Exit.USAGE, "--seal");
    terminal.run("batch", "1", "--label", "x").refused(Exit.USAGE, "--label", "--open");
    terminal.run("batch", "--open", "-p", "a=b").refused(Exit.USAGE, "parameters", "--then");
    terminal
        .run("batch", "--open", "--attempt-timeout", "1h")
        .refused(Exit.USAGE, "limits", "--then");
    terminal
        .run("batch", "--open", "--then", "data.import", "--total-timeout", "0s")
        .refused(Exit.USAGE, "--total-timeout: '0s' is not from 1ms to 3650d");
    terminal
        .run(
            "batch",
            "--open",
            "--then",
            "data.import",
            "-p",
            "file=rows.csv",
            "-p",
            "table=rows",
            "--deadline",
            "2020-01-01T00:00:00Z")
        .refused(Exit.USAGE, "then.deadline: 2020-01-01T00:00:00Z has passed", "a later");
    terminal
        .run("batch", "--open", "--priority", "1")
        .refused(Exit.USAGE, "priority", "--then TYPE, which is missing");
    terminal
        .run("batch", "1", "--queue", "default")
        .refused(Exit.USAGE, "belong to --open", "keeps what it has");
    terminal
        .run("batch", "--open", "--then", "data.import", "--priority", "8")
        .refused(Exit.USAGE, "--priority: '8'", "0 (urgent) to 7");
    openWithThen("--queue", "none").refused(Exit.USAGE, "queue 'none' does not exist");
    openWithThen("--retry", "none").refused(Exit.USAGE, "retry policy 'none' does not exist");
    terminal.run("batch", "--open", "--then", "no.such").refused(Exit.USAGE, "'no.such'");
    terminal.run("batches", "--limit", "0").refused(Exit.USAGE, "--limit", "1 to 200");
  }
}
