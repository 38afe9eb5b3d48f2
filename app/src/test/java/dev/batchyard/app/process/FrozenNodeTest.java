package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import java.nio.file.Path;
import java.sql.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import on a real node process that freezes in the middle of it. */
final class FrozenNodeTest {

  /** The file must outlast the start of the other node. */
  private static final int BLOWS_WORTH = 20;

  @TempDir private Path folder;

  @Test
  void frozen_past_its_lease_a_node_writes_nothing_more_and_begins_a_new_boot() throws Exception {
    try (ImportYard imports = new ImportYard(folder, 0.2, ImportYard.SEED, BLOWS_WORTH)) {
      Yard yard = imports.yard();
      long task = yard.submitImport(imports.file(), "frozen");
      NodeProcess slow = yard.start("slow");
      try (Connection db = yard.connect()) {
        yard.awaitRead(db, task, ImportYard.CHUNK);
        NodeRow before = node(yard, "slow", true);
        slow.freeze(); // before the other starts, which may take longer than the import
        assertThat(yard.state(task)).as("frozen in the middle").isEqualTo(TaskState.RUNNING);
        yard.start("other");
        yard.await("the end of the task", () -> yard.state(task).ended());
        TaskDetail ended = yard.detail(task);
        assertThat(ended.row().state()).isEqualTo(TaskState.COMPLETED);
        assertThat(ended.row().node()).contains("other");

        slow.thaw();
        yard.await(
            "a new boot of the frozen node that counted what was refused",
            () ->
                yard.installation().store().nodeViews().nodes().stream()
                    .anyMatch(n ->
                        n.name().equals("slow")
                            && n.alive()
                            && !n.boot().equals(before.boot())
                            && n.refused() > 0));
        assertThat(node(yard, "slow", false).boot()).isEqualTo(before.boot());
        imports.proveImport(db, task, "frozen");
      }
    }
  }

  private static NodeRow node(Yard yard, String name, boolean alive) {
    return yard.installation().store().nodeViews().nodes().stream()
        .filter(n -> n.name().equals(name) && n.alive() == alive)
        .findFirst()
        .orElseThrow();
  }
}
