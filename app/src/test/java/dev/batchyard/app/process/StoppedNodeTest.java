package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import on real node processes that are told to end in the middle of it. */
final class StoppedNodeTest {

  /** 128 and the number of SIGTERM, as shells have it. */
  private static final int TERMINATED = 143;

  @TempDir private Path folder;

  @Test
  void stopped_twenty_times_it_is_charged_nothing() throws Exception {
    try (ImportYard imports = new ImportYard(folder, 0.5)) {
      TaskDetail task =
          imports.importUnderBlows(node -> assertThat(node.terminate()).isEqualTo(TERMINATED));
      assertThat(task.row().counters().failures()).as("charged failures").isZero();
      assertThat(task.row().counters().crashes()).as("charged crashes").isZero();
      assertThat(task.attempts())
          .as(ImportYard.told(task))
          .extracting(Attempt::ended)
          .containsOnlyOnce("completed")
          .filteredOn(ended -> ended.equals("released"))
          .hasSize(ImportYard.BLOWS);
    }
  }
}
