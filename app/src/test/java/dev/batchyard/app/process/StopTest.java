package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.engine.port.Cordons;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.Attempt;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person sees who stops a process in the middle of its work. */
final class StopTest {

  /** What Ctrl-C makes of any program: 128 and the number of SIGINT. */
  private static final int INTERRUPTED = 130;

  /** Far less than the grace of 30 s, which a demo that heeds the signal needs nothing of. */
  private static final Duration PROMPTLY = Duration.ofSeconds(10);

  @TempDir private Path folder;

  @Test
  void a_demo_ends_promptly_at_ctrl_c_and_the_next_node_goes_on() throws Exception {
    try (Yard yard = new Yard(folder, 0.5);
        Connection db = yard.connect()) {
      NodeProcess demo = yard.startDemo();
      yard.await("the task of the demo", () -> newest(yard).isPresent());
      long task = newest(yard).orElseThrow().id();
      yard.awaitRead(db, task, 1);
      assertThat(demo.interrupt(PROMPTLY)).hasValue(INTERRUPTED);
      assertThat(Files.readString(demo.log()))
          .contains("stopping at the next checkpoint, within 30 s: task " + task + " ...\n")
          .endsWith("stopped; released, to go on when a node runs: task " + task + "\n");
      assertThat(yard.state(task)).isEqualTo(TaskState.READY);

      NodeProcess server = yard.start("next");
      yard.await("the end of the task", () -> yard.state(task).ended());
      TaskDetail ended = yard.detail(task);
      assertThat(ended.row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(ended.ledger()).contains(new Ledger(138_335, 138_329, 0, 6));
      assertThat(ended.attempts()).extracting(Attempt::ended).containsOnlyOnce("released");
      server.terminate();
      assertThat(Files.readString(server.log()))
          .containsPattern("stopping.* \\.\\.\\.\n")
          .endsWith("stopped\n");
    }
  }

  @Test
  void a_server_that_is_drained_to_end_ends_by_itself_and_shows_its_machine_till_then()
      throws Exception {
    try (Yard yard = new Yard(folder, 0.5)) {
      NodeProcess server = yard.start("leaves");
      yard.await("a look at its machine", () -> node(yard).flatMap(NodeRow::load).isPresent());
      assertThat(node(yard).orElseThrow().traits().capacity().cores())
          .isEqualTo(Runtime.getRuntime().availableProcessors());
      assertThat(yard.installation().store().cordons().drain("leaves", true, "kim"))
          .isEqualTo(Cordons.Change.DONE);
      assertThat(server.awaitEnd()).isZero();
      assertThat(Files.readString(server.log())).endsWith("stopped\n");
      assertThat(node(yard).orElseThrow().fencedWhy()).isEqualTo("stopped");
    }
  }

  private static Optional<NodeRow> node(Yard yard) {
    return yard.installation().store().nodeViews().nodes().stream()
        .filter(node -> node.name().equals("leaves"))
        .findFirst();
  }

  private static Optional<TaskRow> newest(Yard yard) {
    return yard
        .installation()
        .store()
        .taskViews()
        .list(TaskViews.Filter.ALL, OptionalLong.empty(), 1)
        .rows()
        .stream()
        .findFirst();
  }
}
