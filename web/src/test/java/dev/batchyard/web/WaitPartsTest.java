package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Requirement;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Why a task that was split does not go on, and its parts do not begin. */
@PostgresTest
final class WaitPartsTest {

  private final TestDatabase database;
  private WaitFixture f;

  WaitPartsTest(TestDatabase database) {
    this.database = database;
  }

  @BeforeEach
  void open() throws SQLException {
    f = new WaitFixture(database);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_parent_names_its_parts_that_have_not_ended() {
    long parent = f.submit();
    long first = split(parent, false);
    f.finish(f.claimOne(), new Verdict.Complete("{}"));
    long batch = f.store.splits().find(parent).orElseThrow().batch();

    assertThat(f.waits(parent))
        .containsExactly(new Wait.AfterParts(batch, 2, 3, List.of(first + 1, first + 2)));
    f.says(
        parent,
        "It goes on when its parts have ended (Batch %d); to go: 2 of 3. Not ended: %d, %d."
            .formatted(batch, first + 1, first + 2),
        "它在其子任务（批 %d）结束后继续；3 个子任务中还有 2 个未结束。未结束的有：%d、%d。".formatted(batch, first + 1, first + 2));
  }

  @Test
  void a_part_in_turn_names_the_one_at_its_turn_and_whether_that_stopped_them_all() {
    long parent = f.submit();
    long first = split(parent, true);

    assertThat(f.reasons(first)).containsExactly("line");
    assertThat(f.waits(first + 2)).containsExactly(new Wait.InTurn(parent, 2, first, false));
    f.says(
        first + 2,
        "It is part 2 of task %d, whose parts go one after the other; at its turn is task %d."
            .formatted(parent, first),
        "它是任务 %d 的子任务 2，各子任务依次进行；现在轮到任务 %d。".formatted(parent, first));

    f.finish(f.claimOne(), new Verdict.Complete("{}"));
    f.finish(f.claimOne(), new Verdict.Fail(new Failure("Oops", "坏了", "")));
    assertThat(f.waits(first + 2)).containsExactly(new Wait.InTurn(parent, 2, first + 1, true));
    f.says(
        first + 2,
        "It is part 2 of task %d, whose parts go one after the other; one before it, task %d, has not completed: './batchyard rerun %d' goes on there."
            .formatted(parent, first + 1, parent),
        "它是任务 %d 的子任务 2，各子任务依次进行；其前的任务 %d 未完成：'./batchyard rerun %d' 可从该处继续。"
            .formatted(parent, first + 1, parent));
    assertThat(f.reasons(parent)).containsExactly("line");
  }

  /** Splits a task that is first in line into three; {@return the first part} */
  private long split(long parent, boolean inTurn) {
    Claim claim = f.claimOne();
    assertThat(claim.task()).isEqualTo(parent);
    Splits.Draft draft =
        new Splits.Draft(
            WaitFixture.TYPE,
            List.of("{}", "{}", "{}"),
            List.of(),
            inTurn,
            false,
            Optional.empty(),
            Map.of(),
            Requirement.NONE);
    LeaseToken lease = new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
    assertThat(f.store.splits().split(lease, draft, new Splits.End("节点一", Duration.ZERO)))
        .isEqualTo(Splits.Done.WAITS);
    return f.store.splits().find(parent).orElseThrow().first();
  }
}
