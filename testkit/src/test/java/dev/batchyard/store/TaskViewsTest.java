package dev.batchyard.store;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.LogLines.Line;
import dev.batchyard.engine.port.RunningRows.RunningRow;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.Filter;
import dev.batchyard.engine.port.TaskViews.Page;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class TaskViewsTest {

  private static final Set<TaskState> ALL = Set.of();

  private StoreFixture f;
  private TaskViews views;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    views = f.store.taskViews();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void pages_come_newest_first_and_meet_without_gap_or_repeat() {
    List<Long> ids = f.submit(25);
    List<Long> seen = new ArrayList<>();
    OptionalLong before = OptionalLong.empty();
    do {
      Page page = views.list(Filter.ALL, before, 10);
      page.rows().forEach(r -> seen.add(r.id()));
      before = page.next();
    } while (before.isPresent());
    assertThat(seen).isEqualTo(ids.reversed());
  }

  @Test
  void each_state_is_found_by_its_filter() {
    List<Long> ids = f.submit(6);
    long scheduled = f.submit(StoreFixture.due(f.now.plusSeconds(9)));
    List<Claim> c = f.claim(node, 4);
    f.finish(c.get(0), StoreFixture.complete());
    f.finish(c.get(1), new Verdict.Fail(StoreFixture.failure()));
    f.finish(c.get(2), StoreFixture.retry(Duration.ofSeconds(9)));
    f.store.operatorMoves().pause(ids.get(4), "kim");

    assertThat(listed(TaskState.COMPLETED)).containsExactly(ids.get(0));
    assertThat(listed(TaskState.FAILED)).containsExactly(ids.get(1));
    assertThat(listed(TaskState.RETRYING)).containsExactly(ids.get(2));
    assertThat(listed(TaskState.RUNNING)).containsExactly(ids.get(3));
    assertThat(listed(TaskState.PAUSED)).containsExactly(ids.get(4));
    assertThat(listed(TaskState.READY)).containsExactly(ids.get(5));
    assertThat(listed(TaskState.SCHEDULED)).containsExactly(scheduled);
    assertThat(listed(TaskState.READY, TaskState.FAILED)).containsExactly(ids.get(5), ids.get(1));
    assertThat(
            views
                .list(Filter.of(ALL, Optional.of(StoreFixture.TYPE)), OptionalLong.empty(), 9)
                .rows())
        .hasSize(7);
    assertThat(views.list(Filter.of(ALL, Optional.of("other")), OptionalLong.empty(), 9).rows())
        .isEmpty();
    assertThat(views.counts())
        .containsOnlyKeys(
            TaskState.COMPLETED,
            TaskState.FAILED,
            TaskState.RETRYING,
            TaskState.RUNNING,
            TaskState.PAUSED,
            TaskState.READY,
            TaskState.SCHEDULED)
        .containsValues(1L);
  }

  @Test
  void a_filter_that_matches_little_gives_a_cursor_after_its_walk() {
    long ended = f.submit();
    f.finish(f.claimOne(node), StoreFixture.complete());
    long paused = f.submit();
    f.store.operatorMoves().pause(paused, "kim");
    long ready = f.submit();
    History others = new History(f, "test.other");
    long last = others.ended(ready + 1_000_000, 2 * TaskViews.SCAN_MAX);
    last = others.parked(last + 1_000_000, 2 * TaskViews.SCAN_MAX);
    others.waiting(last + 1_000_000, 2 * TaskViews.SCAN_MAX, 1);

    assertThat(looks(Set.of(TaskState.COMPLETED))).containsExactly(0L, 0L, ended);
    assertThat(looks(Set.of(TaskState.PAUSED))).containsExactly(0L, 0L, paused);
    assertThat(looks(Set.of(TaskState.READY))).containsExactly(0L, 0L, ready);
    assertThat(looks(Set.of(TaskState.FAILED))).as("never cut short").containsExactly(0L);
    assertThat(looks(Set.of(TaskState.RUNNING))).as("never cut short").containsExactly(0L);
    assertThat(looks(ALL)).containsExactly(0L, 0L, 0L, 0L, 0L, 0L, ready);
    assertThat(looks(Set.of(TaskState.COMPLETED, TaskState.READY, TaskState.PAUSED)))
        .as("one after the other, whose ids are apart")
        .containsExactly(0L, 0L, 0L, 0L, 0L, 0L, ready);
    assertThat(views.list(Filter.of(ALL, Optional.of("no.such")), OptionalLong.empty(), 9))
        .isEqualTo(new Page(List.of(), OptionalLong.empty()));
  }

  @Test
  void what_one_queue_holds_is_found_however_much_is_in_others() {
    f.store.queues().create("夜间");
    long failed = f.submit(StoreFixture.in("夜间"));
    f.finish(f.claimOne(node), new Verdict.Fail(StoreFixture.failure()));
    long ready = f.submit(StoreFixture.in("夜间"));
    History others = new History(f, StoreFixture.TYPE);
    History otherType = new History(f, "test.other", "夜间");
    long last = others.failed(ready + 1_000_000, 2 * TaskViews.SCAN_MAX);
    long other = otherType.failed(last + 1, 1);

    assertThat(looks(Set.of(TaskState.FAILED), "夜间")).containsExactly(0L, 0L, failed);
    assertThat(looks(Set.of(TaskState.FAILED, TaskState.CANCELLED), "夜间"))
        .as("each of the two states has half of a walk")
        .containsExactly(0L, 0L, 0L, 0L, failed);
    assertThat(looks(Set.of(TaskState.READY), "夜间")).containsExactly(ready);
    assertThat(looks(ALL, "夜间")).containsExactly(0L, 0L, ready);
    assertThat(looks(Set.of(TaskState.FAILED), "no.such")).containsExactly(0L);

    Filter anyType =
        new Filter(
            Set.of(TaskState.FAILED), Optional.empty(), Optional.of("夜间"), OptionalLong.empty());
    assertThat(ids(views.list(anyType, OptionalLong.empty(), 9)))
        .as("of the other type, whose run is not cut short")
        .containsExactly(other);
    for (String sql : List.of(TaskPages.ENDED_BADLY, TaskPages.BADLY_FLOOR)) {
      assertThat(f.plan(sql.replace("id < ?", "id < 999999"))) // null would prune all partitions
          .contains("outcome_0_state_type_id_idx")
          .doesNotContain("Seq Scan on outcome");
    }
  }

  /** The first id of each page until one has any, or the last; 0 of an empty one. */
  private List<Long> looks(Set<TaskState> states) {
    return looks(Filter.of(states, Optional.of(StoreFixture.TYPE)));
  }

  private List<Long> looks(Set<TaskState> states, String queue) {
    return looks(
        new Filter(
            states, Optional.of(StoreFixture.TYPE), Optional.of(queue), OptionalLong.empty()));
  }

  private List<Long> looks(Filter filter) {
    List<Long> first = new ArrayList<>();
    OptionalLong from = OptionalLong.empty();
    Page page;
    do {
      page = views.list(filter, from, 9);
      first.add(page.rows().isEmpty() ? 0 : page.rows().getFirst().id());
      from = page.next();
    } while (page.rows().isEmpty() && from.isPresent());
    return first;
  }

  @Test
  void pages_of_all_homes_join_without_a_gap() {
    Random random = new Random(7);
    List<Long> ids = f.submit(700);
    List<Claim> claims = new ArrayList<>(f.claim(node, 400));
    Collections.shuffle(claims, random);
    f.finish(claims.subList(0, 100), StoreFixture.complete());
    f.finish(claims.subList(100, 150), new Verdict.Fail(StoreFixture.failure()));
    f.finish(claims.subList(150, 250), StoreFixture.retry(Duration.ofHours(1)));
    f.finish(claims.subList(250, 300), new Verdict.Release());
    for (int i = 400; i < 700; i += 7) {
      f.store.operatorMoves().pause(ids.get(i), "kim");
    }
    for (int i = 0; i < 40; i++) {
      List<TaskState> shuffled = new ArrayList<>(EnumSet.allOf(TaskState.class));
      Collections.shuffle(shuffled, random);
      Set<TaskState> states = EnumSet.copyOf(shuffled.subList(0, 3));
      List<TaskRow> all = new ArrayList<>();
      OptionalLong from = OptionalLong.empty();
      do {
        Page page =
            views.list(
                Filter.of(states, Optional.of(StoreFixture.TYPE)), from, 1 + random.nextInt(60));
        all.addAll(page.rows());
        from = page.next();
      } while (from.isPresent());
      assertThat(all).extracting(TaskRow::id).isSortedAccordingTo(Comparator.reverseOrder());
      Map<TaskState, Long> counts = views.counts();
      assertThat(all.stream().collect(groupingBy(TaskRow::state, counting())))
          .as("%s", states)
          .isEqualTo(
              counts.entrySet().stream()
                  .filter(e -> states.contains(e.getKey()))
                  .collect(toMap(Map.Entry::getKey, Map.Entry::getValue)));
      assertThat(all).extracting(TaskRow::id).doesNotHaveDuplicates();
    }
  }

  @Test
  void pages_of_one_queue_join_without_a_gap_and_hold_nothing_of_others() {
    f.store.queues().create("a");
    for (int i = 0; i < 60; i++) {
      f.submit(StoreFixture.in(i % 3 == 0 ? "a" : "default"));
    }
    List<Claim> claims = new ArrayList<>();
    while (claims.size() < 40) {
      claims.addAll(f.claim(node, 40 - claims.size())); // one lane at a time
    }
    Collections.shuffle(claims, new Random(7));
    f.finish(claims.subList(0, 10), StoreFixture.complete());
    f.finish(claims.subList(10, 20), new Verdict.Fail(StoreFixture.failure()));
    f.finish(claims.subList(20, 30), StoreFixture.retry(Duration.ofHours(1)));
    List<TaskRow> everything = views.list(Filter.ALL, OptionalLong.empty(), 200).rows();
    everything.stream()
        .filter(row -> row.state() == TaskState.READY && row.id() % 2 == 0)
        .forEach(row -> f.store.operatorMoves().pause(row.id(), "kim"));
    List<TaskRow> rows = views.list(Filter.ALL, OptionalLong.empty(), 200).rows();

    List<Set<TaskState>> wanted = new ArrayList<>(List.of(ALL, EnumSet.allOf(TaskState.class)));
    for (TaskState state : TaskState.values()) {
      wanted.add(Set.of(state));
    }
    for (Set<TaskState> states : wanted) {
      Filter filter = new Filter(states, Optional.empty(), Optional.of("a"), OptionalLong.empty());
      List<Long> found = new ArrayList<>();
      OptionalLong from = OptionalLong.empty();
      do {
        Page page = views.list(filter, from, 3);
        found.addAll(ids(page));
        from = page.next();
      } while (from.isPresent());
      assertThat(found)
          .as("%s", states)
          .isEqualTo(
              rows.stream()
                  .filter(row -> row.queue().equals("a"))
                  .filter(row -> states.isEmpty() || states.contains(row.state()))
                  .map(TaskRow::id)
                  .toList());
    }
  }

  private static List<Long> ids(Page page) {
    return page.rows().stream().map(TaskRow::id).toList();
  }

  @Test
  void a_running_task_shows_its_progress_and_a_lost_lease_shows_nothing() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    f.pass(Duration.ofSeconds(4));
    f.store
        .runningRows()
        .record(
            "n1",
            List.of(
                new RunningRow(
                    claim, Duration.ofSeconds(3), 750, 0.25, 250.0, OptionalLong.of(9_000))));
    TaskRow row = f.detail(task).row();
    assertThat(row.items()).isEqualTo(750);
    assertThat(row.fraction()).isEqualTo(0.25);
    assertThat(row.rate()).isEqualTo(250);
    assertThat(row.remainingMs()).hasValue(9_000);
    assertThat(row.node()).contains("n1");
    assertThat(row.started()).contains(f.now.minusSeconds(3));

    f.kill(node);
    assertThat(f.count("select count(*) from running")).isZero();
    f.store
        .runningRows()
        .record(
            "n1",
            List.of(new RunningRow(claim, Duration.ofSeconds(3), 9, 0.9, 1, OptionalLong.empty())));
    assertThat(f.count("select count(*) from running")).isZero();
    assertThat(f.detail(task).row().rate()).isZero();
  }

  @Test
  void what_is_done_is_the_checkpoints_whether_an_attempt_runs_or_not() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    commit(claim, "{\"offset\": 50, \"size\": 200}");
    assertThat(f.detail(task).row().fraction()).as("nothing told yet").isEqualTo(0.25);
    tell(claim, 2, 0.2);
    assertThat(f.detail(task).row().fraction()).as("told before the commit").isEqualTo(0.25);
    assertThat(f.detail(task).row().items()).isEqualTo(3);
    f.finish(claim, StoreFixture.retry(Duration.ofSeconds(9)));
    f.store.operatorMoves().pause(task, "kim");
    TaskRow paused = f.detail(task).row();
    assertThat(paused.state()).isEqualTo(TaskState.PAUSED);
    assertThat(paused.fraction()).isEqualTo(0.25);
    assertThat(paused.items()).isEqualTo(3);
    f.store.operatorMoves().resume(task, "kim");
    f.pass(Duration.ofSeconds(10));
    Claim again = f.claimOne(node);
    assertThat(again.begun().items()).isEqualTo(3);
    assertThat(again.begun().fraction()).as("where the attempt begins").isEqualTo(0.25);
  }

  @Test
  void a_checkpoint_that_says_no_share_leaves_items_and_share_to_the_attempt() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    commit(claim, "{\"offset\": \"half\", \"size\": 200}");
    assertThat(f.detail(task).row().fraction()).isNegative();
    assertThat(f.detail(task).row().items()).isEqualTo(3);
    tell(claim, 2, 0.5);
    assertThat(f.detail(task).row().fraction()).isEqualTo(0.5);
    assertThat(f.detail(task).row().items()).as("of the same moment").isEqualTo(2);
  }

  @Test
  void the_pace_of_a_silent_node_is_not_shown() {
    long task = f.submit();
    Claim claim = f.claimOne(node);
    tell(claim, 9, 0.9);
    assertThat(f.detail(task).row().rate()).isEqualTo(250);
    f.pass(Store.Settings.DEFAULT.nodeLease().dividedBy(2).plusMillis(1));
    TaskRow silent = f.detail(task).row();
    assertThat(silent.state()).isEqualTo(TaskState.RUNNING);
    assertThat(silent.fraction()).as("what was done stays").isCloseTo(0.9, within(1e-6));
    assertThat(silent.rate()).isZero();
    assertThat(silent.remainingMs()).isEmpty();
  }

  /** One chunk of three items. */
  private void commit(Claim claim, String position) {
    f.sql(
        "select commit_chunk(%d, '%s', 0, 1, '%s', 3, 3, 0, 0, '[]')"
            .formatted(claim.task(), claim.token(), position));
  }

  private void tell(Claim claim, long items, double fraction) {
    f.store
        .runningRows()
        .record(
            "n1",
            List.of(
                new RunningRow(
                    claim, Duration.ofSeconds(3), items, fraction, 250, OptionalLong.of(9_000))));
  }

  @Test
  void one_task_shows_its_parameters_ledger_and_rejects() {
    long task =
        f.submit(
            new dev.batchyard.engine.port.TaskDraft(
                StoreFixture.TYPE,
                "{\"文件\": \"数据.csv\"}",
                "导入",
                "default",
                1,
                Optional.empty(),
                TaskKeys.NONE
                    .withIdempotency("键")
                    .withLive("活")
                    .withWithin("期", Duration.ofMinutes(90)),
                OptionalLong.empty(),
                "critical"));
    Claim claim = f.claimOne(node);
    f.sql(
        """
        select commit_chunk(%d, '%s', 0, 1, '{"row": 3}', 3, 1, 0, 2,
          '[{"number": 2, "column": "年龄", "reason": "不是数字: 七", "raw": "张,七"},
            {"number": 3, "column": "", "reason": "too few columns", "raw": "x"}]')
        """
            .formatted(claim.task(), claim.token()));

    TaskViews.TaskDetail detail = f.detail(task);

    assertThat(detail.paramsJson()).isEqualTo("{\"文件\": \"数据.csv\"}");
    assertThat(detail.row().label()).isEqualTo("导入");
    assertThat(detail.row().priority()).isEqualTo(1);
    assertThat(detail.keys().idempotency()).contains("键");
    assertThat(detail.keys().live()).contains("活");
    assertThat(detail.keys().within()).contains(new TaskKeys.Within("期", Duration.ofMinutes(90)));
    assertThat(detail.retry()).isEqualTo("critical");
    assertThat(detail.ledger()).contains(new Ledger(3, 1, 0, 2));
    assertThat(detail.positionJson()).contains("{\"row\": 3}");
    assertThat(views.rejects(task, 0, 10)).extracting(r -> r.column()).containsExactly("年龄", "");
    assertThat(views.rejects(task, 2, 10)).extracting(r -> r.number()).containsExactly(3L);
    assertThat(views.find(404)).isEmpty();
  }

  @Test
  void log_lines_come_back_in_order_page_by_page_and_old_days_are_dropped() {
    f.store.upkeep().runOnce();
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      lines.add(new Line(0, 7, 1, f.now.plusMillis(i), "info", "行 " + i));
    }
    f.store.logLines().append(lines);
    f.store.logLines().append(List.of(new Line(0, 8, 1, f.now, "error", "other")));

    List<Line> first = f.store.logLines().read(7, 0, 20);
    List<Line> rest = f.store.logLines().read(7, first.getLast().id(), 20);

    assertThat(first).hasSize(20);
    assertThat(rest).extracting(Line::text).startsWith("行 20").endsWith("行 29").hasSize(10);
    assertThat(f.store.logLines().tail(7, 3))
        .extracting(Line::text)
        .containsExactly("行 27", "行 28", "行 29");
    assertThat(f.store.logLines().tail(9, 3)).isEmpty();
    f.pass(Duration.ofDays(31));
    f.store.upkeep().runOnce();
    assertThat(f.store.logLines().read(7, 0, 20)).isEmpty();
  }

  @Test
  void lines_that_came_before_their_day_was_made_move_into_it() {
    f.pass(Duration.ofDays(400));
    f.store.logLines().append(List.of(new Line(0, 7, 1, f.now, "info", "early")));
    assertThat(f.count("select count(*) from log_line_default")).isEqualTo(1);
    f.store.upkeep().runOnce();
    assertThat(f.count("select count(*) from log_line_default")).isZero();
    assertThat(f.store.logLines().read(7, 0, 20)).hasSize(1);
    f.store.logLines().append(List.of(new Line(0, 7, 1, f.now, "info", "later")));
    assertThat(f.store.logLines().read(7, 0, 20))
        .extracting(Line::text)
        .containsExactly("early", "later");
  }

  @Test
  void lines_of_a_wrong_clock_are_pruned_like_others() {
    f.store.upkeep().runOnce();
    f.store
        .logLines()
        .append(
            List.of(
                new Line(0, 7, 1, f.now.minus(Duration.ofDays(3_000)), "info", "behind"),
                new Line(0, 7, 1, f.now.minus(Duration.ofDays(29)), "info", "waited"),
                new Line(0, 7, 1, f.now.plus(Duration.ofDays(3_000)), "info", "ahead"),
                new Line(0, 7, 1, f.now.plusSeconds(30), "info", "a little ahead")));
    assertThat(f.count("select count(*) from log_line_default"))
        .as("no day of its own")
        .isEqualTo(2);
    assertThat(f.store.logLines().read(7, 0, 20).get(2).at()).isEqualTo(f.now);
    assertThat(f.store.logLines().read(7, 0, 20).get(3).at()).isEqualTo(f.now.plusSeconds(30));

    f.store.upkeep().runOnce();
    assertThat(f.store.logLines().read(7, 0, 20))
        .extracting(Line::text)
        .containsExactly("waited", "ahead", "a little ahead");

    f.pass(Duration.ofDays(2));
    f.store.upkeep().runOnce();
    assertThat(f.store.logLines().read(7, 0, 20))
        .extracting(Line::text)
        .containsExactly("ahead", "a little ahead");
    f.pass(Duration.ofDays(30));
    f.store.upkeep().runOnce();
    assertThat(f.store.logLines().read(7, 0, 20)).isEmpty();
  }

  private List<Long> listed(TaskState... states) {
    return views
        .list(Filter.of(Set.of(states), Optional.empty()), OptionalLong.empty(), 9)
        .rows()
        .stream()
        .map(TaskRow::id)
        .toList();
  }
}
