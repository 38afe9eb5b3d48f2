package dev.batchyard.app.process;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.engine.task.Transitions;
import dev.batchyard.store.Store;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Tasks of steps on two node processes that are killed, now while steps are done, now while they
 * are undone, and a person who cancels some tasks, runs undos again that cannot do without, and
 * runs some tasks again that are undone. Then everything is left to end, and the rows that the
 * steps and their undos have written are compared with what became of the tasks.
 */
final class CompensationProof implements AutoCloseable {

  private static final int NODES = 2;

  /** Leases of a fifth: a killed node's tasks go on after two seconds at the latest. */
  private static final double TIMESCALE = 0.2;

  /** A blow comes up to so much after a lease was seen. */
  private static final int DELAY_MAX_US = 60_000;

  private static final int PAGE = 200;

  /** Each look is a handful of queries, which take the processor from who is waited for. */
  private static final long LOOK_EVERY_NS = 50_000_000;

  private final Plan plan;
  private final Yard yard;
  private final SplittableRandom random;
  private final List<NodeProcess> nodes = new ArrayList<>();
  private final List<Long> tasks = new ArrayList<>();
  private final List<String> cancelled = new ArrayList<>();
  private int personal;
  private int reruns;

  /**
   * What is done.
   *
   * @param tasks at least so many are submitted
   */
  record Plan(long seed, int tasks, int kills) {}

  /** What came of it. */
  record Report(String figures, Map<String, List<String>> violations) {}

  CompensationProof(Path folder, Plan plan) throws SQLException {
    this.plan = plan;
    this.yard = new Yard(folder, TIMESCALE);
    this.random = new SplittableRandom(plan.seed());
    try (Connection db = yard.connect()) {
      Deeds.prepare(db);
      StepDeeds.prepare(db);
    }
  }

  /** Does all of it. */
  Report run() throws Exception {
    long from = System.nanoTime();
    for (int n = 0; n < NODES; n++) {
      nodes.add(yard.start(yard.proof("node-" + n)));
    }
    int portion = Math.ceilDiv(plan.tasks(), plan.kills() + 1);
    for (int blow = 0; blow < plan.kills(); blow++) {
      submit(portion);
      strike(blow % 2 == 0 ? StepDeeds.STEPS : StepDeeds.UNDO);
      meddle();
    }
    submit(Math.max(portion, plan.tasks() - tasks.size()));
    settle();
    rerunSome();
    settle();
    Map<String, List<String>> violations = new LinkedHashMap<>();
    try (Connection db = yard.connect()) {
      violations.putAll(CompensationChecker.check(db));
      List<String> illegal = illegal(db);
      if (!illegal.isEmpty()) {
        violations.put("every history is legal", illegal);
      }
      return new Report(figures(db, (System.nanoTime() - from) / 1e9), violations);
    }
  }

  Connection connect() throws SQLException {
    return yard.connect();
  }

  private void submit(int count) {
    Store store = yard.installation().store();
    Submitter submitter =
        new Submitter(
            new TaskTypes(StepDeeds.types(yard.installation().database().handlers())),
            new JacksonParameters(),
            store.submissions(),
            store.batches());
    for (int i = 0; i < count; i++) {
      tasks.add(submitter.submit(StepDeeds.task(random)).task());
    }
  }

  /** SIGKILL to a node that runs a task of this type; another takes its place. */
  private void strike(String type) throws Exception {
    long[] victim = {0};
    yard.await(
        "a node that runs " + type,
        () -> {
          victim[0] = runner(type);
          if (victim[0] == 0 && number("select count(*) from batchyard.block") == 0) {
            submit(1); // the others have left nothing to strike at
          }
          return victim[0] != 0;
        });
    LockSupport.parkNanos(random.nextLong(DELAY_MAX_US) * 1_000);
    for (int n = 0; n < NODES; n++) {
      if (nodes.get(n).pid() == victim[0]) {
        nodes.get(n).kill();
        nodes.set(n, yard.start(yard.proof("node-" + n)));
      }
    }
  }

  /** {@return the process that holds such a lease; 0 if none does} */
  private long runner(String type) {
    return number(
        """
        select coalesce(max(n.pid), 0)
          from batchyard.lease l
          join batchyard.lane a on a.id = l.lane
          join batchyard.node n on n.boot = l.boot and n.fenced_at is null
         where a.type = '%s'
        """
            .formatted(type));
  }

  /** A person cancels a task now and then, and does what undos need a person for. */
  private void meddle() {
    OperatorMoves moves = yard.installation().store().operatorMoves();
    if (random.nextInt(3) == 0) {
      long task = tasks.get(random.nextInt(tasks.size()));
      cancelled.add(task + " " + moves.cancel(task, "kim"));
    }
    lendAHand(moves);
  }

  private void lendAHand(OperatorMoves moves) {
    var page =
        yard.installation()
            .store()
            .compensations()
            .list(Set.of(Compensations.State.NEEDS_PERSON), OptionalLong.empty(), PAGE);
    for (var row : page.rows()) {
      if (row.turn().isPresent()
          && moves.rerun(row.turn().get().task(), "kim") == OperatorMoves.Move.DONE) {
        personal++;
      }
    }
  }

  /** Runs some tasks again whose steps are undone: these begin anew. */
  private void rerunSome() {
    OperatorMoves moves = yard.installation().store().operatorMoves();
    for (long task : tasks) {
      if (random.nextInt(5) == 0) {
        try {
          if (moves.rerun(task, "kim") == OperatorMoves.Move.DONE) {
            reruns++;
          }
        } catch (MoveRefused e) {
          throw new IllegalStateException("all steps are undone", e);
        }
      }
    }
  }

  private void settle() throws IOException {
    OperatorMoves moves = yard.installation().store().operatorMoves();
    yard.await(
        "the end of all",
        () -> {
          LockSupport.parkNanos(LOOK_EVERY_NS);
          lendAHand(moves);
          return number(
                  """
                  select (select count(*) from batchyard.task) - (select count(*) from batchyard.outcome)
                       + (select count(*) from batchyard.lease)
                       + (select count(*) from batchyard.compensation where state <> 'undone')
                  """)
              == 0;
        });
  }

  private List<String> illegal(Connection db) throws SQLException {
    List<String> found = new ArrayList<>();
    try (Statement statement = db.createStatement();
        ResultSet row = statement.executeQuery("select id from batchyard.task")) {
      while (row.next()) {
        long task = row.getLong("id");
        List<TaskState> history =
            yard.detail(task).events().stream()
                .map(e -> TaskState.valueOf(e.to().toUpperCase(Locale.ROOT)))
                .toList();
        if (Transitions.firstIllegal(history) != -1) {
          found.add("task " + task + " " + history);
        }
      }
    }
    return found;
  }

  private String figures(Connection db, double tookS) throws SQLException {
    try (Statement statement = db.createStatement()) {
      return "seed %d: %d tasks with %d steps done, %d kills of nodes, %d cancels, %d tasks run again; %d compensations, %d undo tasks, %d of them by a person; %.1f s"
          .formatted(
              plan.seed(),
              tasks.size(),
              ImportProof.number(statement, "select count(*) from public.step_effect"),
              plan.kills(),
              cancelled.size(),
              reruns,
              ImportProof.number(statement, "select count(*) from batchyard.compensation"),
              ImportProof.number(
                  statement, "select count(*) from batchyard.step where undo_task is not null"),
              personal,
              tookS);
    }
  }

  private long number(String sql) {
    try (Connection db = yard.connect();
        Statement statement = db.createStatement()) {
      return ImportProof.number(statement, sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws Exception {
    yard.close();
  }
}
