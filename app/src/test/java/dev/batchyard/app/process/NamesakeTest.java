package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.NodeViews.NodeRow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two node processes of one name on one data folder. */
final class NamesakeTest {

  private static final int CANNOT_START = 3;

  @TempDir private Path folder;

  @Test
  void a_second_one_is_refused_while_the_first_lives_and_starts_at_once_when_it_is_dead()
      throws Exception {
    try (Yard yard = new Yard(folder, 0.5)) {
      NodeProcess first = started(yard);
      NodeProcess second = yard.start("twin");
      assertThat(second.awaitEnd()).isEqualTo(CANNOT_START);
      assertThat(Files.readAllLines(second.log()).getLast())
          .matches(
              "batchyard: node 'twin' runs already, as process %d on .+; stop that one, or give this one a name of its own \\(--name\\)"
                  .formatted(first.pid()));
      assertThat(living(yard)).map(NodeRow::pid).contains(first.pid());

      first.kill();
      NodeProcess next = started(yard);
      assertThat(yard.installation().store().nodeViews().nodes())
          .filteredOn(node -> node.pid() == first.pid())
          .singleElement()
          .satisfies(node -> assertThat(node.fencedWhy()).contains("twin started again"));
      var _ = next.terminate();
      assertThat(started(yard).isAlive()).isTrue();
    }
  }

  @Test
  void one_takes_the_place_of_a_frozen_one_which_waits_for_its_name_when_it_wakes_up()
      throws Exception {
    try (Yard yard = new Yard(folder, 0.2)) {
      NodeProcess frozen = started(yard);
      frozen.freeze();
      NodeProcess next = started(yard);
      frozen.thaw();
      yard.await(
          "the frozen one notices that its name is taken",
          () -> says(frozen, "node 'twin' runs already, as process " + next.pid()));
      assertThat(living(yard)).map(NodeRow::pid).contains(next.pid());
      next.kill();
      yard.await(
          "it has its name again",
          () -> living(yard).filter(node -> node.pid() == frozen.pid()).isPresent());
    }
  }

  /** A twin that serves. */
  private static NodeProcess started(Yard yard) throws Exception {
    NodeProcess process = yard.start("twin");
    yard.await(
        "process " + process.pid(),
        () -> living(yard).filter(node -> node.pid() == process.pid()).isPresent());
    return process;
  }

  private static Optional<NodeRow> living(Yard yard) {
    return yard.installation().store().nodeViews().nodes().stream()
        .filter(node -> node.name().equals("twin") && node.alive())
        .findFirst();
  }

  private static boolean says(NodeProcess process, String text) {
    try {
      return Files.readString(process.log()).contains(text);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
