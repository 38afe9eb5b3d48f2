package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.FinalFailure;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailureTest {

  @Test
  void a_final_failure_is_its_message_alone() {
    FinalFailure plain = new FinalFailure("file: a is missing");
    for (FinalFailure failure :
        new FinalFailure[] {
          plain,
          new FinalFailure("file: a is missing", new NoSuchFileException("a")),
          new FinalFailure("file: a is missing", plain)
        }) {
      assertThat(Failure.of(failure)).isEqualTo(new Failure("", "file: a is missing", ""));
      assertThat(Failure.of(failure).told()).isEqualTo("file: a is missing");
    }
  }

  @Test
  void a_final_failure_that_a_mistake_has_caused_keeps_its_trace() {
    Exception mistake = new IllegalStateException("index 7");
    for (Throwable cause :
        new Throwable[] {mistake, new IOException(mistake), new AssertionError("never")}) {
      Failure failure = Failure.of(new FinalFailure("cannot be read", cause));
      assertThat(failure.told()).isEqualTo("FinalFailure: cannot be read");
      assertThat(failure.trace()).contains("FinalFailure: cannot be read", "FailureTest");
    }
  }

  @Test
  void what_else_is_thrown_is_told_with_kind_and_trace() {
    Failure failure = Failure.of(new IOException("disk"));
    assertThat(failure.told()).isEqualTo("IOException: disk");
    assertThat(failure.trace()).contains("FailureTest");
  }
}
