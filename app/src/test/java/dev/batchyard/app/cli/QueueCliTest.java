package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about queues. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class QueueCliTest {

  private TestInstallation installation;
  private Terminal terminal;

  @BeforeAll
  void open(@TempDir Path temp) throws Exception {
    installation = TestInstallation.in(temp);
    terminal = installation.terminal();
  }

  @AfterAll
  void close() {
    installation.close();
  }

  @Test
  void a_queue_is_made_filled_paused_and_resumed() {
    submitTo("夜间").refused(Exit.USAGE, "'夜间' does not exist", "queue 夜间 --create");
    assertThat(terminal.run("queue", "夜间", "--create", "--age-step", "1h30m").fine().out())
        .contains("queue 夜间 made\n", "has the new age step", "1h30m");
    String task = submitTo("夜间").fine().document().get("id").asString();
    assertThat(terminal.run("queue", "夜间", "--pause").fine().out())
        .contains("paused\n", "by 李雷, 20");
    assertThat(terminal.run("queue", "夜间", "--pause").fine().out()).contains("paused already");
    JsonNode paused = terminal.run("queue", "夜间", "--json").fine().document();
    assertThat(paused.get("waiting").asLong()).isEqualTo(1);
    assertThat(paused.get("pausedBy").asString()).isEqualTo("李雷");
    assertThat(terminal.run("queues").fine().out())
        .contains("default  0", "夜间     1        0      0        1h30m     by 李雷");
    assertThat(terminal.run("queues", "--json").fine().documents())
        .extracting(queue -> queue.get("name").asString())
        .contains("default", "夜间");
    assertThat(terminal.run("task", task).fine().out())
        .contains("waits       Queue 夜间 is paused, by 李雷 since ");
    assertThat(terminal.run("queue", "夜间", "--resume").fine().out()).contains("resumed\n");
    assertThat(terminal.run("queue", "夜间", "--resume").fine().out()).contains("is not paused");
    assertThat(terminal.run("task", task).fine().out()).doesNotContain("is paused");
  }

  @Test
  void tasks_are_listed_by_queue() {
    terminal.run("queue", "night", "--create").fine();
    String plain = submitTo("default").fine().document().get("id").asString();
    String first = submitTo("night").fine().document().get("id").asString();
    String second = submitTo("night").fine().document().get("id").asString();
    assertThat(ids("tasks", "--queue", "night")).containsExactly(second, first);
    assertThat(ids("tasks", "--queue", "night", "--before", second)).containsExactly(first);
    assertThat(ids("tasks", "--queue", "default")).contains(plain).doesNotContain(first, second);
    assertThat(terminal.run("tasks", "--queue", "night").fine().out())
        .as("counts are of all queues")
        .doesNotContain("in all");
    terminal.run("cancel", first).fine();
    assertThat(ids("tasks", "--queue", "night", "--state", "cancelled")).containsExactly(first);
    assertThat(terminal.run("tasks", "--queue", "night", "--state", "failed").fine().out())
        .isEqualTo("no tasks like that\n");
    terminal
        .run("tasks", "--queue", "nigth")
        .refused(Exit.NOT_FOUND, "there is no 'nigth'", "default, night");
    terminal.run("cancel", plain, second).fine();
  }

  private List<String> ids(String... words) {
    return terminal
        .run(Stream.concat(Stream.of(words), Stream.of("--json")).toArray(String[]::new))
        .fine()
        .documents()
        .stream()
        .map(task -> task.get("id").asString())
        .toList();
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal.run("queue", "none").refused(Exit.NOT_FOUND, "'none'", "--create");
    terminal.run("queue", "none", "--pause").refused(Exit.NOT_FOUND, "'none'", "--create");
    terminal.run("queue", "a b", "--create").refused(Exit.USAGE, "'a b'", "letters");
    terminal
        .run("queue", "default", "--age-step", "soon")
        .refused(Exit.USAGE, "--age-step", "'soon'", "1h30m");
    terminal
        .run("queue", "default", "--age-step", "31d")
        .refused(Exit.USAGE, "--age-step: '31d' is not from 0s to 30d");
    terminal.run("queue", "default", "--pause", "--resume").refused(Exit.USAGE, "--pause");
    terminal.run("queue").refused(Exit.USAGE, "NAME");
  }

  @Test
  void limits_are_given_as_flags_and_shown() {
    String[] submit = {"submit", "data.import", "-p", "file=rows.csv", "-p", "table=t"};
    String task =
        limited(
                submit,
                "--queue-timeout",
                "10m",
                "--attempt-timeout",
                "1h30m",
                "--total-timeout",
                "PT36H",
                "--deadline",
                "2099-12-31T22:00:00+08:00",
                "--json")
            .fine()
            .document()
            .get("id")
            .asString();
    assertThat(terminal.run("task", task).fine().out())
        .contains(
            "limits      queue timeout 10m, attempt timeout 1h30m, total timeout 1d12h,"
                + " deadline 2099-12-31 14:00:00");
    JsonNode shown = terminal.run("task", task, "--json").fine().document();
    assertThat(shown.path("queueTimeoutMs").asLong()).isEqualTo(600_000);
    assertThat(shown.path("attemptTimeoutMs").asLong()).isEqualTo(5_400_000);
    assertThat(shown.path("totalTimeoutMs").asLong()).isEqualTo(129_600_000);
    assertThat(shown.path("deadline").asString()).isEqualTo("2099-12-31T14:00:00Z");
    String plain = submitTo("default").fine().document().get("id").asString();
    assertThat(terminal.run("task", plain).fine().out()).doesNotContain("limits");
    terminal.run("cancel", task, plain).fine();

    limited(submit, "--queue-timeout", "soon").refused(Exit.USAGE, "--queue-timeout", "'soon'");
    limited(submit, "--attempt-timeout", "0s")
        .refused(Exit.USAGE, "--attempt-timeout: '0s' is not from 1ms to 3650d");
    limited(submit, "--total-timeout", "3651d").refused(Exit.USAGE, "--total-timeout", "3651d");
    limited(submit, "--deadline", "tomorrow")
        .refused(Exit.USAGE, "--deadline: 'tomorrow'", "+08:00", "15m");
  }

  private Terminal.Said limited(String[] submit, String... limits) {
    return terminal.run(Stream.concat(Stream.of(submit), Stream.of(limits)).toArray(String[]::new));
  }

  private Terminal.Said submitTo(String queue) {
    return terminal.run(
        "submit",
        "data.import",
        "-p",
        "file=rows.csv",
        "-p",
        "table=t",
        "--queue",
        queue,
        "--json");
  }
}
