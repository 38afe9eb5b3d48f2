package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The sums of ended tasks are those of the outcomes, whoever ends or revives them. */
@PostgresTest
class TallyTest {

  private static final Path STORE = Path.of("..", "store", "src", "main");

  private static final String WRONG =
      """
      select count(*)
        from (select day, lane, state, sum(n) as n from tally group by day, lane, state) t
        full join (select (finished_at at time zone 'UTC')::date as day, lane, state, count(*) as n
                     from outcome
                    group by 1, 2, 3) o using (day, lane, state)
       where coalesce(t.n, 0) <> coalesce(o.n, 0)
      """;

  private StoreFixture f;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  /** {@return how many days, lanes and states have another sum than outcomes} */
  static long wrong(StoreFixture f) {
    return f.count(WRONG);
  }

  static void rollUp(StoreFixture f) {
    boolean _ =
        new Db(f.source, f.random)
            .transaction(c -> {
              Tally.rollUp(c, 0);
              return true;
            });
  }

  @Test
  void whatever_ends_a_task_is_counted_by_state_and_day() {
    List<Long> ids = f.submit(12);
    f.store.operatorMoves().cancel(ids.get(11), "kim");
    f.store.operatorMoves().pause(ids.get(10), "kim");
    f.store.operatorMoves().cancel(ids.get(10), "kim");
    List<Claim> claims = f.claim(node, 10);
    f.finish(claims.subList(0, 4), StoreFixture.complete());
    f.pass(Duration.ofDays(1));
    f.finish(claims.subList(4, 7), new Verdict.Fail(StoreFixture.failure()));
    f.finish(claims.get(7), StoreFixture.retry(Duration.ofHours(1)));
    f.store.operatorMoves().cancel(claims.get(8).task(), "kim");
    f.kill(node);

    assertThat(f.store.taskViews().counts())
        .containsEntry(TaskState.CANCELLED, 3L)
        .containsEntry(TaskState.COMPLETED, 4L)
        .containsEntry(TaskState.FAILED, 3L)
        .containsEntry(TaskState.RETRYING, 1L)
        .containsEntry(TaskState.READY, 1L)
        .hasSize(5);
    assertThat(wrong(f)).isZero();

    f.store.operatorMoves().rerun(ids.get(5), "kim");
    assertThat(f.store.taskViews().counts())
        .containsEntry(TaskState.FAILED, 2L)
        .containsEntry(TaskState.READY, 2L);
    assertThat(wrong(f)).isZero();
  }

  @Test
  void a_task_that_kills_its_nodes_is_counted_as_quarantined() {
    f.submit();
    for (int i = 0; i < Decisions.CRASHES_MAX; i++) {
      UUID other = f.node();
      f.claimOne(other);
      f.kill(other);
    }
    assertThat(f.store.taskViews().counts()).containsEntry(TaskState.QUARANTINED, 1L).hasSize(1);
    assertThat(wrong(f)).isZero();
  }

  @Test
  void a_roll_up_keeps_the_sums_and_one_row_of_each() {
    for (int i = 0; i < 20; i++) {
      f.submit();
      f.finish(
          f.claimOne(node),
          i % 2 == 0 ? StoreFixture.complete() : new Verdict.Fail(StoreFixture.failure()));
    }
    assertThat(f.count("select count(*) from tally")).isEqualTo(20);

    rollUp(f);

    assertThat(f.count("select count(*) from tally")).isEqualTo(2);
    assertThat(wrong(f)).isZero();
    f.store.upkeep().rollUp();
    f.sql("update outcome set state = 'cancelled' where id = 1");
    assertThat(wrong(f)).as("the check sees a wrong sum").isEqualTo(2);
  }

  @Test
  void every_statement_that_adds_or_takes_outcomes_counts_them() throws IOException {
    List<String> all = new ArrayList<>();
    try (Stream<Path> files = Files.walk(STORE)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String end = file.toString().endsWith(".sql") ? "\n\n" : "\"\"\"";
        all.addAll(List.of(Files.readString(file).split(end)));
      }
    }
    List<String> touching =
        all.stream()
            .filter(s -> s.matches("(?s).*(insert into|delete from) outcome\\b.*"))
            .toList();
    assertThat(touching).hasSizeGreaterThan(4);
    assertThat(touching).allSatisfy(s -> assertThat(s).contains("insert into tally"));
  }
}
