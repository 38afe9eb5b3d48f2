package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.app.process.Journal.Call;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A short mix of everything finds nothing; whatever is then planted is found. */
final class HistoryCheckerTest {

  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private static final QueueProof.Plan MIX =
      new QueueProof.Plan(SEED, 2, 8, 40, Blow.Counts.NONE, Duration.ofSeconds(4), 1);

  private static final String ONE_LANE =
      " where lane = (select lane from batchyard.task group by lane order by count(*) desc limit"
          + " 1)";

  private static final String NEWEST_PLAIN =
      " where id = (select max(id) from batchyard.task where flags = 0 and key is null)";

  @TempDir private static Path folder;

  private static QueueProof proof;
  private static Aftermath.Report report;

  /** What is changed, by SQL, and the invariant that must see it. */
  record Plant(String invariant, String sql) {}

  @BeforeAll
  static void mix() throws Exception {
    proof = new QueueProof(folder, MIX);
    report = proof.run();
  }

  @AfterAll
  static void close() throws Exception {
    proof.close();
  }

  @Test
  void a_mix_of_everything_violates_nothing() {
    assertThat(report.violations()).as(report.figures()).isEmpty();
    assertThat(proof.journal().numbers()).as(report.figures()).isGreaterThan(500);
  }

  @ParameterizedTest
  @MethodSource
  void what_is_planted_is_found(Plant plant) throws Exception {
    try (Connection db = proof.connect();
        Statement statement = db.createStatement()) {
      db.setAutoCommit(false);
      assertThat(statement.executeUpdate(plant.sql())).as("planted").isPositive();
      assertThat(check(db, plant.invariant())).as(report.figures()).isNotEmpty();
      db.rollback();
    }
  }

  static List<Plant> what_is_planted_is_found() {
    return List.of(
        new Plant(
            HistoryChecker.ACKNOWLEDGED_TASKS_EXIST, "delete from batchyard.task" + NEWEST_PLAIN),
        new Plant(
            HistoryChecker.EVERY_TASK_WAS_SUBMITTED,
            copy("jsonb_build_object('number', 1000000000)")),
        new Plant(HistoryChecker.NO_SUBMIT_IS_STORED_TWICE, copy("params")),
        new Plant(
            HistoryChecker.CALLS_ARE_ALL_OR_NONE,
            "delete from batchyard.task where (params ->> 'number')::bigint = "
                + proof.journal().calls().stream()
                    .filter(c -> c.isKeyless() && c.size() > 1)
                    .mapToLong(Call::first)
                    .findFirst()
                    .orElseThrow()),
        new Plant(
            HistoryChecker.REFUSED_SUBMITS_NAME_HOLDER,
            "update batchyard.task set key = null, live_key = null, period_key = null"),
        new Plant(
            HistoryChecker.ONE_TASK_OF_IDEMPOTENCY_KEY,
            "update batchyard.task set key = 'planted'" + ONE_LANE),
        new Plant(
            HistoryChecker.ONE_LIVE_TASK_OF_KEY,
            "update batchyard.task set live_key = 'planted',"
                + " submitted_at = submitted_at - interval '1 h'"
                + ONE_LANE),
        new Plant(
            HistoryChecker.ONE_TASK_WITHIN_PERIOD,
            "update batchyard.task set period_key = 'planted', period = '1 h'" + ONE_LANE),
        new Plant(
            HistoryChecker.EVERY_TASK_HAS_ENDED_ONCE,
            "delete from batchyard.outcome where id = (select min(id) from batchyard.outcome)"),
        new Plant(
            HistoryChecker.NOTHING_IS_LEFT,
            "insert into batchyard.request values (1, 'cancel', gen_random_uuid(), 'kim', now())"),
        new Plant(
            HistoryChecker.ATTEMPTS_ARE_NUMBERED_WITHOUT_GAPS,
            "update batchyard.outcome set attempt = attempt + 1"
                + " where id = (select min(id) from batchyard.outcome)"),
        new Plant(
            HistoryChecker.ATTEMPT_RUNS_ITS_HANDLER_ONCE,
            "insert into public.deed select * from public.deed limit 1"),
        new Plant(HistoryChecker.ATTEMPT_RUNS_ITS_HANDLER_ONCE, "delete from public.deed"),
        new Plant(
            HistoryChecker.SUMS_EQUAL_OUTCOMES,
            "update batchyard.tally set n = n + 1"
                + " where ctid = (select ctid from batchyard.tally limit 1)"),
        new Plant(
            HistoryChecker.OUTCOMES_ARE_THEIR_HANDLERS_OWN,
            "update batchyard.outcome set result = '{\"number\": -1}' where id ="
                + " (select min(id) from batchyard.outcome where state = 'completed')"),
        new Plant(
            HistoryChecker.FAILURES_ARE_WITHIN_POLICY,
            "update batchyard.outcome set failures = 9"
                + " where id = (select min(id) from batchyard.outcome)"),
        new Plant(
            HistoryChecker.FAILURES_ARE_WITHIN_POLICY,
            """
            update batchyard.outcome o set state = 'failed', failures = 1
              from batchyard.task t
             where t.id = o.id and t.params ->> 'deed' = 'fail_at_times' and o.state = 'completed'
            """),
        new Plant(
            MoveChecker.CANCELS_HOLD,
            "update batchyard.outcome set state = 'completed' where state = 'cancelled'"),
        new Plant(
            MoveChecker.ONLY_ASKED_CANCELS,
            "update batchyard.outcome set state = 'cancelled' where state = 'completed'"),
        new Plant(
            HistoryChecker.BATCHES_COUNT_THEIR_MEMBERS,
            "update batchyard.batch set total = total + 1"
                + " where id = (select min(id) from batchyard.batch)"),
        new Plant(
            HistoryChecker.THEN_TASK_WAITS_FOR_ITS_BATCH,
            "update batchyard.batch set ended_at = ended_at + interval '1 h'"),
        new Plant(
            MoveChecker.LIMITS_END_WHAT_PASSES_THEM,
            "update batchyard.outcome set state = 'completed', error = null"
                + " where error ->> 'kind' in ('QueueTimeout', 'TotalTimeout', 'DeadlinePassed')"),
        new Plant(
            MoveChecker.LIMITS_END_NOTHING_ELSE,
            "update batchyard.outcome set error = '{\"kind\": \"TotalTimeout\"}'"
                + " where state = 'completed'"),
        new Plant(
            HistoryChecker.MOVES_FOLLOW_EACH_OTHER,
            """
            insert into batchyard.event (task, at, from_state, to_state, by, why)
            select max(task), now(), 'ready', 'paused', 'kim', 'planted' from batchyard.event
            """),
        new Plant(
            HistoryChecker.MOVES_FOLLOW_EACH_OTHER,
            "update batchyard.outcome set state = 'completed' where state = 'cancelled'"),
        new Plant(
            EffectChecker.ITEMS_ARE_COMMITTED_ONCE,
            "insert into public.item select * from public.item limit 1"),
        new Plant(
            EffectChecker.CHECKPOINTS_COVER_ITEMS,
            "delete from public.item where ctid = (select ctid from public.item limit 1)"),
        new Plant(
            EffectChecker.ATTEMPTS_ONE_AT_A_TIME,
            """
            insert into public.run
            select task, attempt + 1, over_at - interval '1 ms', over_at from public.run
             where over_at is not null order by task, attempt limit 1
                on conflict (task, attempt) do update set begun_at = excluded.begun_at
            """),
        new Plant(
            EffectChecker.RETRIES_WAIT,
            """
            update batchyard.attempt_log set ended_at = ended_at + interval '1 h'
             where ended = 'failed' and not final
            """),
        new Plant(
            HistoryChecker.STEPS_ARE_DONE_OR_UNDONE,
            "update public.step_effect set undone = not undone"),
        new Plant(
            EffectChecker.SUBMITS_OF_HANDLERS_HOLD,
            "update batchyard.task set key = 'lost' where key like 'child %'"),
        new Plant(
            EffectChecker.NODES_ARE_FENCED_FOR_A_REASON,
            "update batchyard.node set fenced_at = beat_at, fenced_why = 'its lease lapsed'"),
        new Plant(
            EffectChecker.NODES_ARE_FENCED_FOR_A_REASON,
            "update batchyard.node set fenced_at = beat_at + interval '1 s',"
                + " free_seen_at = beat_at + interval '10 ms', fenced_why = 'its session was gone'"),
        new Plant(
            EffectChecker.SPANS_HAVE_THEIR_PARTITIONS,
            "update batchyard.id_span set closed = 'closing'"),
        new Plant(
            EffectChecker.SPANS_HAVE_THEIR_PARTITIONS,
            "insert into batchyard.id_span (number, lo, hi) values (99, 9000000000, 9000000001)"),
        new Plant(
            MoveChecker.ATTEMPTS_ARE_FEW,
            """
            insert into batchyard.attempt_log (task, attempt, generation, ended_at, ended)
            select t.id, n, 0, now(), 'released'
              from (select max(id) as id from batchyard.task) t, generate_series(1, 61) n
            """));
  }

  @Test
  void a_history_that_is_not_legal_is_found() throws Exception {
    try (Connection db = proof.connect();
        Statement statement = db.createStatement()) {
      // seen by connections of others: the history is read as people read it
      statement.execute(
          """
          insert into batchyard.event (task, at, from_state, to_state, by, why)
          select task, now(), 'ready', 'paused', 'kim', 'planted'
            from batchyard.event group by task order by count(*) desc, task limit 1
          """);
      assertThat(check(db, HistoryChecker.HISTORIES_ARE_LEGAL)).isNotEmpty();
      statement.execute("delete from batchyard.event where why = 'planted'");
    }
  }

  @Test
  void a_call_that_fails_for_no_reason_is_found() throws Exception {
    Journal journal = new Journal();
    journal.surprised(new IllegalStateException("planted"));
    try (Connection db = proof.connect()) {
      assertThat(proof.checker(db, journal).check(HistoryChecker.CALLS_FAIL_ONLY_WHILE_AWAY))
          .containsExactly("java.lang.IllegalStateException: planted");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "select task from batchyard.event where to_state = 'paused'",
        "select task from batchyard.event where from_state = 'paused' and to_state = 'ready'",
        "select task from batchyard.attempt_log where ended = 'snoozed'",
        "select task from batchyard.attempt_log where ended = 'failed' and not final"
      })
  void a_requested_cancel_that_was_lost_is_found(String others) throws Exception {
    try (Connection db = proof.connect();
        Statement statement = db.createStatement();
        ResultSet task = statement.executeQuery(others + " limit 1")) {
      assertThat(task.next()).as(report.figures()).isTrue();
      Journal journal = new Journal();
      journal.cancelRequested(task.getLong(1), Instant.EPOCH);
      assertThat(proof.checker(db, journal).check(MoveChecker.REQUESTED_CANCELS_HOLD))
          .isNotEmpty()
          .allMatch(found -> found.contains("was to be cancelled"));
      journal.rerunTried(task.getLong(1));
      assertThat(proof.checker(db, journal).check(MoveChecker.REQUESTED_CANCELS_HOLD)).isEmpty();
    }
  }

  @Test
  void each_invariant_is_planted_against() throws Exception {
    List<String> planted =
        new ArrayList<>(what_is_planted_is_found().stream().map(Plant::invariant).toList());
    planted.add(HistoryChecker.HISTORIES_ARE_LEGAL);
    planted.add(MoveChecker.REQUESTED_CANCELS_HOLD);
    planted.add(HistoryChecker.CALLS_FAIL_ONLY_WHILE_AWAY);
    try (Connection db = proof.connect()) {
      assertThat(proof.checker(db, proof.journal()).invariants())
          .containsExactlyInAnyOrderElementsOf(new HashSet<>(planted));
    }
  }

  /** The one invariant only: to look at all of them takes seconds, at each plant again. */
  private static List<String> check(Connection db, String invariant) throws SQLException {
    return proof.checker(db, proof.journal()).check(invariant);
  }

  private static String copy(String params) {
    return """
    insert into batchyard.task (id, submitted_at, lane, label, params, retry)
    select nextval('batchyard.task_id'), submitted_at, lane, label, %s, retry from batchyard.task
    """
            .formatted(params)
        + NEWEST_PLAIN;
  }
}
