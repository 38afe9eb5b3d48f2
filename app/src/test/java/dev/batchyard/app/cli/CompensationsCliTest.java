package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.store.Store;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The command about compensations, and what the page of a task says of its steps. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CompensationsCliTest {

  private static final Verdict FAIL = new Verdict.Fail(new Failure("Bad", "铁路没有应答", ""));
  private static final UUID BOOT = new UUID(7, 7);

  private TestInstallation installation;
  private Store store;
  private Terminal terminal;

  @BeforeAll
  void open(@TempDir Path temp) throws Exception {
    installation = TestInstallation.in(temp);
    store = installation.store();
    store
        .sessions()
        .open(new NodeRegistration(BOOT, "n", "host", 1, "0", List.of("trip", "back"), 8))
        .close();
    terminal = installation.terminal();
  }

  @AfterAll
  void close() {
    installation.close();
  }

  @Test
  void what_needs_a_person_is_listed_until_it_is_undone() {
    assertThat(terminal.run("compensations").fine().out()).isEqualTo("no undo needs a person\n");
    long task = fail();
    long undo = undo(FAIL);
    JsonNode row = terminal.run("compensations", "--json").fine().document();
    assertThat(row.get("task").asLong()).isEqualTo(task);
    assertThat(row.get("state").asString()).isEqualTo("needs_person");
    assertThat(row.get("turn").get("problem").asString()).isEqualTo("铁路没有应答");
    assertThat(terminal.run("compensations").fine().out())
        .contains("task  type  state", "needs_person", "座位", "failed  铁路没有应答", "去杭州");
    assertThat(terminal.run("task", Long.toString(task)).fine().out())
        .contains(
            "round  step  name",
            "not recorded",
            "needs a person: task %d, which undoes '座位', is failed: 铁路没有应答; after the cure, './batchyard rerun %d'"
                .formatted(undo, undo));
    assertThat(terminal.run("task", Long.toString(undo)).fine().out())
        .contains("it undoes step '座位' of task " + task);
    JsonNode shown = terminal.run("task", Long.toString(task), "--json").fine().document();
    assertThat(shown.get("steps").get(0).get("undo").get("task").asLong()).isEqualTo(undo);
    assertThat(shown.get("compensation").get("state").asString()).isEqualTo("needs_person");
    terminal
        .run("rerun", Long.toString(task))
        .refused(Exit.FAILED, "task " + undo, "needs a person");

    assertThat(terminal.run("rerun", Long.toString(undo)).fine().out()).contains("runs again");
    assertThat(terminal.run("compensations").fine().out()).isEqualTo("no undo needs a person\n");
    assertThat(terminal.run("compensations", "--undoing").fine().out()).contains("undoing");
    undo(new Verdict.Complete("{}"));
    assertThat(terminal.run("compensations", "--undoing").fine().out())
        .isEqualTo("no steps are being undone\n");
    assertThat(terminal.run("compensations", "--all").fine().out()).contains("undone");
    assertThat(terminal.run("task", Long.toString(task)).fine().out())
        .contains("its steps are undone");
    assertThat(terminal.run("rerun", Long.toString(task)).fine().out()).contains("runs again");
  }

  @Test
  void a_person_says_of_an_unknown_step_what_is_so() {
    String task = Long.toString(retry());
    assertThat(terminal.run("task", task).fine().out()).contains("not recorded");
    assertThat(
            terminal
                .run("step", task, "座位", "--done", "{\"号\":\"12A\"}", "--why", "问过铁路")
                .fine()
                .out())
        .isEqualTo("task %s: step '座位' is done; attempts skip its action\n".formatted(task));
    assertThat(terminal.run("task", task).fine().out())
        .contains("step '座位' is done by the word of ", "问过铁路");
    JsonNode shown = terminal.run("task", task, "--json").fine().document();
    JsonNode step = shown.get("steps").get(shown.get("steps").size() - 1);
    assertThat(step.get("result").get("号").asString()).isEqualTo("12A");
    assertThat(step.get("settled").get("why").asString()).isEqualTo("问过铁路");
    assertThat(terminal.run("step", task, "座位", "--not-done", "--why", "no").fine().out())
        .contains("has not happened");

    terminal.run("step", task, "房间", "--done", "--why", "x").refused(Exit.FAILED, "'座位'");
    terminal.run("step", "4711", "座位", "--done", "--why", "x").refused(Exit.NOT_FOUND, "4711");
    terminal
        .run("step", task, "座位", "--done", "12", "--why", "x")
        .refused(Exit.USAGE, "--done: '12'");
    terminal
        .run("step", task, "座位", "--done", "{", "--why", "x")
        .refused(Exit.USAGE, "--done: not JSON");
    terminal.run("step", task, "座位", "--why", "x").refused(Exit.USAGE, "--done");
    terminal.run("cancel", task).fine();
    finish(claim("back"), new Verdict.Complete("{}"));
  }

  @Test
  void a_limit_that_is_none_is_refused() {
    terminal.run("compensations", "--limit", "0").refused(Exit.USAGE, "--limit: 0", "1 to 200");
  }

  /** A task with one step that nobody recorded as done fails. */
  private long fail() {
    return end(FAIL);
  }

  /** One waits to be tried again. */
  private long retry() {
    return end(new Verdict.Retry(Duration.ofHours(1), new Failure("Bad", "铁路没有应答", "")));
  }

  private long end(Verdict verdict) {
    var _ =
        store
            .submissions()
            .submit(
                List.of(
                    new TaskDraft(
                        "trip",
                        "{}",
                        "去杭州",
                        "default",
                        4,
                        Optional.empty(),
                        TaskKeys.NONE,
                        OptionalLong.empty(),
                        "default")));
    Claim claim = claim("trip");
    var _ =
        store
            .steps()
            .begin(
                new LeaseToken(claim.task(), 1, claim.token()),
                new Steps.Draft("座位", Optional.of(new Steps.Undo("back", "{}", "default"))),
                false);
    finish(claim, verdict);
    return claim.task();
  }

  private long undo(Verdict verdict) {
    Claim claim = claim("back");
    finish(claim, verdict);
    return claim.task();
  }

  private Claim claim(String type) {
    return store.claims().claim(BOOT, UUID.randomUUID(), Map.of(type, 1), 1, true).getFirst();
  }

  private void finish(Claim claim, Verdict verdict) {
    var _ = store.finishes().finish(List.of(new Finish(claim, verdict, "n", Duration.ofMillis(3))));
  }
}
