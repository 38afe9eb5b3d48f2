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
  void a_limit_that_is_none_is_refused() {
    terminal.run("compensations", "--limit", "0").refused(Exit.USAGE, "--limit: 0", "1 to 200");
  }

  /** A task with one step that nobody recorded as done fails. */
  private long fail() {
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
    finish(claim, FAIL);
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
