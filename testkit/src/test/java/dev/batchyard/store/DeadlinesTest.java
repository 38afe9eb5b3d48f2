package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Deadlines that have passed before their task is stored. */
@PostgresTest
class DeadlinesTest {

  private StoreFixture f;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_deadline_that_has_passed_refuses_its_submit_and_nothing_of_it_is_stored() {
    TaskDraft late = StoreFixture.limited(Limits.NONE.withDeadline(f.now));
    assertThatThrownBy(
            () -> f.store.submissions().submit(List.of(StoreFixture.draft(), late, late)))
        .isInstanceOfSatisfying(InvalidParameters.class, e -> assertThat(e.place()).hasValue(1))
        .hasMessageContainingAll("deadline: ", f.now.toString() + " has passed", "name a later");
    assertThatThrownBy(() -> f.store.batches().open("late", Optional.of(late)))
        .isInstanceOf(InvalidParameters.class)
        .hasMessageContainingAll("then.deadline: ", f.now.toString() + " has passed");
    assertThat(f.count("select count(*) from task")).isZero();
    assertThat(f.count("select count(*) from batch")).isZero();
    assertThat(f.count("select count(*) from expiry")).isZero();
    f.submit(StoreFixture.limited(Limits.NONE.withDeadline(f.now.plusMillis(1))));
  }

  @Test
  void a_repeated_submit_is_told_its_task_though_its_deadline_has_passed_meanwhile() {
    Limits limits = Limits.NONE.withDeadline(f.now.plusSeconds(60));
    TaskDraft draft =
        new TaskDraft(
            StoreFixture.TYPE,
            "{}",
            "",
            "default",
            4,
            Optional.empty(),
            TaskKeys.NONE.withIdempotency("once"),
            OptionalLong.empty(),
            "default",
            limits);
    long first = f.submit(draft);
    f.pass(Duration.ofHours(1));
    assertThat(f.submit(draft)).isEqualTo(first);
  }
}
