package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Check;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The command that looks for what should not be, on a server as an installation has it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DoctorCliTest {

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
  void what_is_sound_is_fine_and_what_is_not_is_told_and_repaired_only_if_asked()
      throws SQLException {
    String task = terminal.submitImport();
    String other = terminal.submitImport();
    Terminal.Said sound = terminal.run("doctor").fine();
    assertThat(sound.out()).contains("homes                     2      -", "\nall is fine\n");
    for (Check check : Check.values()) {
      assertThat(sound.out()).contains("\n" + check.word() + " ");
    }

    installation.sql(
        "insert into request values (%s, 'cancel', gen_random_uuid(), '韩梅梅', now())"
            .formatted(task));
    installation.sql("update task set retry = '没有' where id = " + other);
    Terminal.Said said = terminal.run("doctor");
    assertThat(said.exit()).isEqualTo(1);
    assertThat(said.err()).isEmpty();
    assertThat(said.out())
        .contains(
            "\nrequests: requests to pause or cancel tasks that do not run\n",
            "  task %s: 韩梅梅 asked at".formatted(task),
            "  cure: --repair deletes them; ask again",
            "  task %s: its retry policy is '没有'".formatted(other))
        .doesNotContain("repaired", "all is fine");
    assertThat(terminal.run("doctor", "homes", "batches").fine().out()).contains("all is fine");

    JsonNode document = terminal.run("doctor", "requests", "--json").document();
    assertThat(document.get("check").asString()).isEqualTo("requests");
    assertThat(document.get("fine").asBoolean()).isFalse();
    assertThat(document.get("found").asInt()).isEqualTo(1);
    assertThat(document.get("examples").get(0).get("subject").asString()).isEqualTo("task " + task);
    assertThat(document.get("repaired").asInt()).isZero();

    Terminal.Said repaired = terminal.run("doctor", "--repair");
    assertThat(repaired.exit()).as("a policy that is gone is left to a person").isEqualTo(1);
    assertThat(repaired.out()).contains("(repaired)", "repaired: 1 of 1");
    assertThat(terminal.run("doctor", "requests").fine().out()).contains("all is fine");
    installation.sql("update task set retry = 'default'");
    assertThat(terminal.run("doctor", "--rows", "0", "--json").fine().documents())
        .hasSize(Check.values().length)
        .allSatisfy(check -> assertThat(check.get("complete").asBoolean()).isTrue());
  }

  @Test
  void a_repair_that_has_not_met_all_is_not_fine_and_the_same_again_goes_on() throws SQLException {
    installation.sql(
        """
        insert into request
        select 1000000 + i, 'cancel', gen_random_uuid(), 'kim', now() from generate_series(1, 1200) i
        """);
    Terminal.Said part = terminal.run("doctor", "requests", "--repair");
    assertThat(part.exit()).isEqualTo(1);
    assertThat(part.out()).contains("repaired: 1,000 of 1,000; there may be more");
    Terminal.Said rest = terminal.run("doctor", "requests", "--repair");
    assertThat(rest.exit()).isZero();
    assertThat(rest.out()).contains("repaired: 200 of 200");
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal
        .run("doctor", "batchs")
        .refused(Exit.USAGE, "'batchs'", "did you mean batches?", "there are homes,");
    terminal.run("doctor", "--rows", "-1").refused(Exit.USAGE, "--rows", "-1");
  }
}
