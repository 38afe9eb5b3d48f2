package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What is done to tasks that have ended: many run again by what they are; marks. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RerunCliTest {

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
  void cancelled_tasks_of_a_queue_run_again_after_a_dry_run() {
    terminal.run("queue", "夜间", "--create").fine();
    String holder = terminal.submitImport("--queue", "夜间", "--unique-live", "k");
    terminal.run("cancel", holder).fine();
    String second = terminal.submitImport("--queue", "夜间", "--unique-live", "k");
    String plain = terminal.submitImport("--queue", "夜间");
    String elsewhere = terminal.submitImport();
    terminal.run("cancel", plain, elsewhere).fine();
    String[] filter = {"rerun", "--state", "cancelled", "--queue", "夜间", "--since", "1h"};

    Terminal.Said dry = with(filter, "--dry-run");
    assertThat(dry.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(dry.out())
        .startsWith("1 task would run again, 1 would be refused; nothing is changed\n")
        .contains("task " + holder + ": task " + second + " holds its key 'k'");
    assertThat(state(plain)).isEqualTo("cancelled");

    JsonNode done = with(filter, "--json").document();
    assertThat(done.get("moved").asLong()).isEqualTo(1);
    assertThat(done.get("refused").asLong()).isEqualTo(1);
    assertThat(done.get("reasons").get(0).get("task").asString()).isEqualTo(holder);
    assertThat(done.get("dryRun").asBoolean()).isFalse();
    assertThat(state(plain)).isEqualTo("ready");
    assertThat(state(elsewhere)).isEqualTo("cancelled");
    assertThat(terminal.run("task", plain).fine().out())
        .contains("李雷  run again: all cancelled, queue 夜间, since 1h\n");
    terminal.run("cancel", second).fine();
    assertThat(with(filter, "--limit", "1", "--why", "钥匙空了").out())
        .contains("1 task runs again, 0 refused\n", "there may be more: the same again goes on\n");
    assertThat(terminal.run("task", holder).fine().out()).contains("run again: 钥匙空了\n");
  }

  @Test
  void what_a_filter_finds_is_cancelled_after_a_dry_run() {
    terminal.run("queue", "清理", "--create").fine();
    String ready = terminal.submitImport("--queue", "清理");
    String later = terminal.submitImport("--queue", "清理", "--due", "2h");
    String elsewhere = terminal.submitImport();
    String[] filter = {"cancel", "--queue", "清理"};
    assertThat(with(filter, "--dry-run").fine().out())
        .isEqualTo("2 tasks would be cancelled, 0 would be refused; nothing is changed\n");
    assertThat(state(ready)).isEqualTo("ready");

    assertThat(with(filter, "--limit", "1").fine().out())
        .isEqualTo(
            """
            1 task cancelled, 0 asked to end at the next checkpoint, 0 refused
            there may be more: the same again goes on
            """);
    assertThat(state(later)).as("the newest first").isEqualTo("cancelled");
    JsonNode done = with(filter, "--state", "ready,paused", "--json").fine().document();
    assertThat(done.get("move").asString()).isEqualTo("CANCEL");
    assertThat(done.get("cancelled").asLong()).isEqualTo(1);
    assertThat(done.get("more").asBoolean()).isFalse();
    assertThat(state(ready)).isEqualTo("cancelled");
    assertThat(state(elsewhere)).isEqualTo("ready");
    terminal.run("cancel", elsewhere).fine();
  }

  @Test
  void a_failed_task_is_marked_as_completed() {
    String task = terminal.submitImport("--total-timeout", "1ms");
    await("the limit").until(() -> installation.store().expiries().expire() > 0);
    terminal.run("mark", task, "--completed").refused(Exit.USAGE, "--why");
    terminal.run("mark", task, "--why", "x").refused(Exit.USAGE, "--completed");
    terminal
        .run("mark", task, "--completed", "--why", " ")
        .refused(Exit.USAGE, "--why: ' ' must have 1 to 500 characters");
    assertThat(terminal.run("mark", task, "--completed", "--why", "手工处理").fine().out())
        .isEqualTo("task " + task + " counts as completed\n");
    assertThat(terminal.run("mark", task, "--completed", "--why", "x").fine().out())
        .contains("is completed already");
    assertThat(terminal.run("task", task).fine().out())
        .contains("failed  completed  李雷", "marked as completed: 手工处理\n");
    String waiting = terminal.submitImport();
    terminal
        .run("mark", waiting, "--completed", "--why", "x")
        .refused(Exit.FAILED, "task " + waiting + " is ready; only a failed task can be marked");
    terminal
        .run("mark", "999999999", "--completed", "--why", "x")
        .refused(Exit.NOT_FOUND, "task 999999999");
    terminal.run("cancel", waiting).fine();
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal.run("rerun").refused(Exit.USAGE, "rerun: which tasks?", "--state");
    terminal.run("pause").refused(Exit.USAGE, "pause: which tasks?", "ids");
    terminal.run("cancel").refused(Exit.USAGE, "cancel: which tasks?", "--batch");
    terminal.run("cancel", "--limit", "3").refused(Exit.USAGE, "cancel: which tasks?", "--queue");
    terminal.run("cancel", "1", "--batch", "2").refused(Exit.USAGE, "cancel: give ids or filters");
    terminal
        .run("cancel", "--state", "ready,failed")
        .refused(Exit.USAGE, "--state: [failed]; only a task that has not ended");
    terminal
        .run("cancel", "--type", "x", "--limit", "1000001")
        .refused(Exit.USAGE, "--limit: 1000001 is not in 1 to 1,000,000");
    terminal.run("rerun", "--dry-run").refused(Exit.USAGE, "rerun: which tasks?", "--error");
    terminal.run("rerun", "1", "--type", "x").refused(Exit.USAGE, "ids or filters, not both");
    terminal.run("pause", "1", "--dry-run").refused(Exit.USAGE, "unknown option '--dry-run'");
    terminal
        .run("rerun", "--state", "completed")
        .refused(Exit.USAGE, "state: [completed]; only failed, cancelled and quarantined");
    terminal.run("rerun", "--state", "gone").refused(Exit.USAGE, "'gone' is no state");
    terminal.run("rerun", "--error", "a b").refused(Exit.USAGE, "'a b' is no kind of failure");
    terminal
        .run("rerun", "--since", "yesterday")
        .refused(Exit.USAGE, "--since 'yesterday'", "+08:00", "2h");
    terminal
        .run("rerun", "--since", "2026-12-31T22:00:00")
        .refused(Exit.USAGE, "--since '2026-12-31T22:00:00'", "+08:00");
    terminal
        .run("rerun", "--type", "x", "--limit", "0")
        .refused(Exit.USAGE, "--limit: 0 is not in 1 to 1,000,000");
    terminal
        .run("rerun", "--type", "x", "--why", " ")
        .refused(Exit.USAGE, "--why: ' ' must have 1 to 500 characters");
    assertThat(terminal.run("rerun", "--type", "no.such").fine().out())
        .isEqualTo("0 tasks run again, 0 refused\n");
  }

  private Terminal.Said with(String[] words, String... more) {
    List<String> all = new ArrayList<>(List.of(words));
    all.addAll(List.of(more));
    return terminal.run(all.toArray(String[]::new));
  }

  private String state(String task) {
    return terminal.run("task", task, "--json").fine().document().get("state").asString();
  }
}
