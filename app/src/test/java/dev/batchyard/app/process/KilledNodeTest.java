package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import on real node processes that are killed in the middle of it. */
final class KilledNodeTest {

  @TempDir private Path folder;

  @Test
  void killed_twenty_times_it_loses_and_doubles_nothing() throws Exception {
    try (ImportYard imports = new ImportYard(folder, 0.5)) {
      TaskDetail task = imports.importUnderBlows(NodeProcess::kill);
      assertThat(task.row().counters().failures()).as("charged failures").isZero();
      assertThat(task.attempts())
          .as(ImportYard.told(task))
          .extracting(Attempt::ended)
          .containsOnlyOnce("completed")
          .filteredOn(ended -> ended.equals("lost"))
          .hasSize(ImportYard.BLOWS);
    }
  }
}
