package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.Types;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.tasks.data.CsvImport;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import whose time is up in the middle of it. */
final class LimitedImportTest {

  private static final int ROWS = 500_000;

  /** Small enough that the whole file cannot be done in time: each chunk is a commit. */
  private static final int CHUNK = 20;

  /** Long enough that a busy machine commits a chunk before. */
  private static final Duration TIMEOUT = Duration.ofSeconds(6);

  @TempDir private Path folder;

  @Test
  void it_stops_at_a_chunk_and_fails_with_its_ledger_balanced() throws Exception {
    Path file = folder.resolve("编号.csv");
    NumberedRows.write(file, ROWS, 7);
    try (Yard yard = new Yard(folder, 1);
        Node _ = Node.start(yard.installation(), Types.of(yard.installation()))) {
      long task = submit(yard.installation(), file);
      yard.await("the end of the task", () -> yard.state(task).ended());

      TaskDetail detail = yard.detail(task);
      assertThat(detail.row().state()).isEqualTo(TaskState.FAILED);
      assertThat(detail.row().problem()).isEqualTo("its total timeout has passed");
      assertThat(detail.attempts()).hasSize(1);
      Ledger ledger = detail.ledger().orElseThrow();
      assertThat(ledger.read()).isPositive().isLessThan(ROWS);
      assertThat(ledger.read() % CHUNK).as("whole chunks").isZero();
      try (Connection db = yard.connect()) {
        ImportProof.balanced(db, task, "limited", ledger.read(), 0);
      }
    }
  }

  private static long submit(Installation installation, Path file) {
    JacksonParameters codec = new JacksonParameters();
    Submitter submitter =
        new Submitter(
            Types.of(installation),
            codec,
            installation.store().submissions(),
            installation.store().batches());
    String params =
        codec.write(
            Map.of(
                "file", file.toString(), "table", "limited", "create", true, "chunkRows", CHUNK));
    return submitter
        .submit(
            submitter
                .read(CsvImport.TYPE, params)
                .withLimits(Limits.NONE.withTotalTimeout(TIMEOUT)))
        .task();
  }
}
