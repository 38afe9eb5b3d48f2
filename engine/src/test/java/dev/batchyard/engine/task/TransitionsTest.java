package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import java.util.List;
import org.junit.jupiter.api.Test;

class TransitionsTest {

  @Test
  void a_history_may_run_fail_and_run_again() {
    assertThat(
            Transitions.firstIllegal(
                List.of(
                    TaskState.SCHEDULED,
                    TaskState.READY,
                    TaskState.RUNNING,
                    TaskState.RETRYING,
                    TaskState.READY,
                    TaskState.RUNNING,
                    TaskState.FAILED,
                    TaskState.READY)))
        .isEqualTo(-1);
  }

  @Test
  void completed_and_skipped_absorb() {
    assertThat(Transitions.from(TaskState.COMPLETED)).isEmpty();
    assertThat(Transitions.from(TaskState.SKIPPED)).isEmpty();
    assertThat(
            Transitions.firstIllegal(
                List.of(TaskState.READY, TaskState.RUNNING, TaskState.COMPLETED, TaskState.READY)))
        .isEqualTo(3);
  }

  @Test
  void no_state_follows_itself() {
    for (TaskState state : TaskState.values()) {
      assertThat(Transitions.legal(state, state)).as(state.word()).isFalse();
    }
  }

  @Test
  void a_task_is_never_born_running() {
    assertThat(Transitions.firstIllegal(List.of(TaskState.RUNNING))).isZero();
  }
}
