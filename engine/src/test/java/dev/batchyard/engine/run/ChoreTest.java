package dev.batchyard.engine.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.StoreUnavailable;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class ChoreTest {

  @Test
  void its_failures_stay_its_own_but_for_the_absence_of_the_store() {
    StoreUnavailable away = new StoreUnavailable("away", new IllegalStateException("why"));
    Queue<RuntimeException> failures =
        new ArrayDeque<>(List.of(new IllegalStateException("mine"), away));
    Chore chore =
        new Chore(
            "test",
            () -> {
              if (!failures.isEmpty()) {
                throw failures.remove();
              }
            });
    assertThat(chore.run()).isEmpty();
    assertThat(chore.run()).containsSame(away);
    assertThat(chore.run()).isEmpty();
  }
}
