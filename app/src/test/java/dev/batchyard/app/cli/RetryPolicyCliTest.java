package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about retry policies. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RetryPolicyCliTest {

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
  void a_policy_is_made_used_changed_and_removed() {
    submitBy("夜间").refused(Exit.USAGE, "'夜间' does not exist", "retry-policy 夜间 --create");
    assertThat(
            terminal
                .run("retry-policy", "夜间", "--create", "--retries", "7", "--max-delay", "1h30m")
                .fine()
                .out())
        .contains("retry policy 夜间 made\n", "夜间          7        exponential  1s           1h30m");
    assertThat(
            terminal
                .run("retry-policy", "夜间", "--backoff", "linear", "--first-delay", "PT10S")
                .fine()
                .out())
        .contains("changed\n");
    assertThat(terminal.run("retry-policy", "夜间", "--backoff", "linear").fine().out())
        .contains("is so already\n");
    JsonNode shown = terminal.run("retry-policy", "夜间", "--json").fine().document();
    assertThat(shown.toString())
        .isEqualTo(
            "{\"name\":\"夜间\",\"retries\":7,\"backoff\":\"linear\",\"firstDelayMs\":10000,"
                + "\"maxDelayMs\":5400000,\"finalOn\":[],\"slowOnMs\":{}}");
    assertThat(terminal.run("retry-policies", "--json").fine().documents()).hasSize(3);
    assertThat(terminal.run("retry-policies").fine().out())
        .contains("critical      5        linear       5s           5m         -\n");

    String task = submitBy("夜间").fine().document().get("id").asString();
    assertThat(terminal.run("task", task).fine().out()).contains("retry policy 夜间");
    terminal
        .run("retry-policy", "夜间", "--remove")
        .refused(Exit.FAILED, "task " + task + " uses it");
    terminal.run("cancel", task).fine();
    assertThat(terminal.run("retry-policy", "夜间", "--remove").fine().out())
        .isEqualTo("retry policy 夜间 removed\n");
  }

  @Test
  void rules_for_kinds_of_failures_are_set_shown_and_taken_away() {
    assertThat(
            terminal
                .run(
                    "retry-policy",
                    "ruled",
                    "--create",
                    "--final-on",
                    "IllegalArgument*,失败",
                    "--slow-on",
                    "SocketTimeoutException=10m")
                .fine()
                .out())
        .contains("IllegalArgument* final, SocketTimeoutException from 10m, 失败 final\n");
    assertThat(
            terminal
                .run("retry-policy", "ruled", "--no-rule", "IllegalArgument*", "--slow-on", "失败=1h")
                .fine()
                .out())
        .contains("SocketTimeoutException from 10m, 失败 from 1h\n");
    assertThat(
            terminal
                .run("retry-policy", "ruled", "--final-on", "*", "--json")
                .fine()
                .document()
                .toString())
        .endsWith(
            "\"finalOn\":[\"*\"],\"slowOnMs\":{\"SocketTimeoutException\":600000,\"失败\":3600000}}");
    terminal
        .run("retry-policy", "ruled", "--no-rule", "Boom")
        .refused(Exit.USAGE, "no rule for 'Boom'; it has: *, SocketTimeoutException, 失败");
    terminal
        .run("retry-policy", "ruled", "--final-on", "a b")
        .refused(Exit.USAGE, "'a b' is no kind of failure");
    terminal
        .run("retry-policy", "ruled", "--slow-on", "Boom")
        .refused(Exit.USAGE, "--slow-on: 'Boom' must be a kind, = and a time");
    terminal
        .run("retry-policy", "ruled", "--slow-on", "Boom=soon")
        .refused(Exit.USAGE, "--slow-on: 'soon'", "1h30m");
    terminal
        .run("retry-policy", "ruled", "--slow-on", "Boom=31d")
        .refused(Exit.USAGE, "'Boom' is not from 1 ms to 30 days");
    terminal.run("retry-policy", "ruled", "--remove").fine();
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal.run("retry-policy", "none").refused(Exit.NOT_FOUND, "'none'", "--create");
    terminal.run("retry-policy", "none", "--remove").refused(Exit.NOT_FOUND, "'none'");
    terminal
        .run("retry-policy", "none", "--retries", "1")
        .refused(Exit.NOT_FOUND, "'none'", "--create");
    terminal.run("retry-policy", "a b", "--create").refused(Exit.USAGE, "'a b'", "letters");
    terminal.run("retry-policy", "default", "--remove").refused(Exit.USAGE, "'default'", "stays");
    terminal
        .run("retry-policy", "default", "--remove", "--retries", "3")
        .refused(Exit.USAGE, "--remove takes no other option");
    terminal
        .run("retry-policy", "default", "--retries", "101")
        .refused(Exit.USAGE, "retries: 101 is not in 0 to 100");
    terminal
        .run("retry-policy", "default", "--first-delay", "2m")
        .refused(Exit.USAGE, "first-delay: PT2M is not from 0 to the longest delay, PT1M");
    terminal
        .run("retry-policy", "default", "--max-delay", "31d")
        .refused(Exit.USAGE, "max-delay: PT744H is longer than 30 days");
    terminal
        .run("retry-policy", "default", "--backoff", "none")
        .refused(Exit.USAGE, "--backoff", "'none'");
    submitBy("defualt").refused(Exit.USAGE, "did you mean 'default'?");
  }

  private Terminal.Said submitBy(String policy) {
    return terminal.run(
        "submit",
        "data.import",
        "-p",
        "file=rows.csv",
        "-p",
        "table=t",
        "--retry",
        policy,
        "--json");
  }
}
