package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about checkpoints. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CheckpointsCliTest {

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
  void checkpoints_are_listed_and_an_import_goes_back_over_no_row_that_it_has_written()
      throws SQLException {
    String task = terminal.submitImport();
    terminal.run("cancel", task).fine();
    assertThat(terminal.run("checkpoints", task).fine().out()).contains("has no checkpoint");
    installation.sql(
        """
        insert into checkpoint (task, shard, position, read, written, skipped, rejected, lease, attempt, kept)
        values (%1$s, 0, '{"row": 3000}', 3000, 2000, 0, 1000, 1, 2, 2);
        insert into checkpoint_log values
          (%1$s, 0, 1, '{"row": 1000}', 1000, 1000, 0, 0, 1, '2026-01-01 00:00+00'),
          (%1$s, 0, 2, '{"row": 2000}', 2000, 2000, 0, 0, 1, '2026-01-01 00:10+00')
        """
            .formatted(task));
    assertThat(terminal.run("checkpoints", task).fine().out())
        .contains("3 (last)", "2,000", "{\"row\": 1000}");
    List<JsonNode> all = terminal.run("checkpoints", task, "--json").fine().documents();
    assertThat(all)
        .extracting(document -> document.get("checkpoint").asInt())
        .containsExactly(3, 2, 1);
    assertThat(all.getFirst().get("last").asBoolean()).isTrue();
    assertThat(all.getLast().get("position").get("row").asInt()).isEqualTo(1000);
    assertThat(all.getLast().get("ledger").get("read").asInt()).isEqualTo(1000);
    assertThat(terminal.run("task", task).fine().out())
        .contains("checkpoints 2 earlier; './batchyard checkpoints %s'".formatted(task));

    terminal
        .run("rerun", task, "--from-checkpoint", "1")
        .refused(Exit.FAILED, "since checkpoint 1 it has written 1,000 items", "submit anew");
    terminal
        .run("rerun", task, "--from-checkpoint", "9")
        .refused(Exit.FAILED, "no checkpoint 9", "'./batchyard checkpoints " + task + "'");
    assertThat(terminal.run("rerun", task, "--from-checkpoint", "2").fine().out())
        .contains("runs again");
    assertThat(terminal.run("checkpoints", task, "--json").fine().documents())
        .extracting(document -> document.get("checkpoint").asInt())
        .containsExactly(2, 1);
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal
        .run("pause", "1", "--from-checkpoint", "1")
        .refused(Exit.USAGE, "--from-checkpoint", "resume and rerun");
    terminal
        .run("rerun", "1", "2", "--from-checkpoint", "1")
        .refused(Exit.USAGE, "--from-checkpoint", "2 are given");
    terminal.run("checkpoints", "999999").refused(Exit.NOT_FOUND, "task 999999");
  }
}
