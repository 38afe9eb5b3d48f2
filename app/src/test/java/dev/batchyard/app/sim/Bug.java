package dev.batchyard.app.sim;

import dev.batchyard.app.sim.Script.Deed;
import dev.batchyard.engine.run.EnginePorts;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Bugs that others have had, each planted where its guard lies: in the text of a statement or a
 * function on its way to the database, in a port of the engine, or in the sink of a handler. The
 * product knows nothing of them.
 */
@SuppressWarnings("ImmutableEnumChecker") // one thread plants, runs and pulls a bug
enum Bug {
  NONE(""),
  NO_FENCE_ON_COMPLETE(
      Eye.STALE_ENDS,
      statement(
          "where l.id = t.lease and l.token = t.token and l.ids && t.ids", "where l.ids && t.ids")),
  RENEWAL_OF_A_FENCED_NODE(
      Census.FENCED_STAYS_FENCED,
      function("beat", "where boot = p_boot and fenced_at is null", "where boot = p_boot"),
      statement("free_seen_at = null\n where n.fenced_at is null", "free_seen_at = null")),
  CLAIM_BY_A_FENCED_NODE(
      Eye.NO_LATE_CLAIM, statement("where n.boot = ? and n.fenced_at is null", "where n.boot = ?")),
  RESCUE_SELECTS_THEN_UPDATES(Eye.ONE_HOME, BugPorts::selectThenUpdate),
  ONE_SHOT_RESCUE(Simulation.EVERYTHING_ENDS, BugPorts::oneShotRescue),
  CLAIM_KNOWN_TO_THE_DATABASE_ONLY(Simulation.EVERYTHING_ENDS, BugPorts::noReconciliation),
  HELD_TASKS_RELEASED(Census.ATTEMPTS_ONE_AT_A_TIME, BugPorts::releasesHeld),
  WAKE_UPS_WITHOUT_POLLING(Simulation.EVERYTHING_ENDS, BugPorts::wakeUpsOnly),
  LEASE_BY_THE_NODES_CLOCK(Census.FENCED_RIGHTLY),
  NAME_REUSED_WHILE_ITS_NODE_LIVES(
      Census.FENCED_RIGHTLY,
      statement("and (not h.held or lease_until <", "and (true or lease_until <")),
  FENCED_AS_SOON_AS_ITS_LOCK_IS_FREE(
      Census.FENCED_RIGHTLY, function("beat", "and n.free_seen_at <= v_now - interval '1 s'", "")),
  FENCED_RIGHT_AFTER_AN_OUTAGE(
      Census.FENCED_RIGHTLY,
      function("beat", "when not p_may_fence then null", "when false then null")),
  DEATHS_NOT_CHARGED(
      Simulation.EVERYTHING_ENDS,
      statement("then 0 else l.crashes + 1 end as died", "then 0 else l.crashes end as died")),
  NEIGHBOURS_TAKEN_FOR_ONE_TASK(
      Eye.ONE_HOME,
      statement("from unnest(l.ids) r) = 1 as alone", "from unnest(l.ids) r) >= 1 as alone")),
  SUSPECT_BESIDE_OTHERS(Census.SUSPECTS_RUN_ALONE, BugPorts::besideOthers),
  MORE_CLAIMED_THAN_ASKED_FOR(
      Simulation.NOTHING_UNEXPECTED,
      statement("least(s.hi, s.lo + h.ids - s.before - 1) as last", "s.hi as last")),
  CHECKPOINT_BEFORE_DATA(EndChecker.CHECKPOINTS_TELL, Sink.CHECKPOINT_FIRST),
  CHECKPOINT_OUTSIDE_THE_TRANSACTION(EndChecker.ITEMS_ONCE, Sink.DATA_FIRST),
  CHUNK_OF_A_LOST_LEASE_KEPT(
      Eye.STALE_CHUNKS,
      function(
          "commit_chunk",
          "select id, attempt into v_lease, v_attempt from lease where token = p_token and ids @> p_task;",
          "select coalesce(max(id), 0), coalesce(max(attempt), 0) into v_lease, v_attempt from lease"
              + " where token = p_token;"),
      function("commit_chunk", "if not found then", "if false then")),
  REQUEST_FORGOTTEN_AT_THE_END(
      Eye.HELD_TASKS_REST,
      statement(
          "then a.ask else v.verdict end as verdict",
          "then v.verdict else v.verdict end as verdict")),
  REQUEST_FORGOTTEN_BY_THE_RESCUE(
      Eye.HELD_TASKS_REST,
      statement(
          "where l.id = any (?) and q.kind = 'cancel'", "where l.id = any (?) and q.kind = 'none'"),
      statement(
          "where l.id = any (?) and q.kind = 'pause'", "where l.id = any (?) and q.kind = 'none'"),
      statement("update lease l set ids = l.ids - o.ids", "update lease l set ids = l.ids")),
  PAUSED_QUEUE_CLAIMED(
      Census.PAUSED_QUEUES_REST,
      statement(
          "   where q.paused_at is null\n     and l.requirement",
          "   where true\n     and l.requirement")),
  RETRY_WITHOUT_ITS_KEY(
      EndChecker.ONE_TASK_OF_KEY, function("take_keys", "where k.until <= p_now", "where true")),
  OWN_FIRST_TRY_NOT_RECOGNISED(
      Eye.DUE_ENDS_ARE_KEPT,
      statement(
          "where (select true from outcome o where o.id = m.task",
          "where false and (select true from outcome o where o.id = m.task"),
      statement(
          "or (select true from attempt_log a where a.lease = m.lease",
          "or false and (select true from attempt_log a where a.lease = m.lease")),
  TERMINAL_OVERWRITTEN(
      People.CALLS_FAIL_ONLY_WHILE_AWAY,
      statement(
          "select state from outcome where id = ? for update",
          "select case state when 'completed' then 'failed' else state::text end as state"
              + " from outcome where id = ? for update")),
  ATTEMPTS_NUMBERED_ANEW(
      Census.ATTEMPTS_INCREASE,
      statement("'new', id, id, id, attempt,\n", "'new', id, id, id, 0,\n")),
  RETRY_WITHOUT_DELAY(
      EndChecker.RETRIES_WAIT, statement("else now + delay end as due", "else now end as due")),
  BATCH_COUNTED_ONCE_FOR_MANY(
      Simulation.EVERYTHING_ENDS,
      function(
          "settle",
          "completed = completed + v_counts.completed,",
          "completed = completed + least(v_counts.completed, 1),")),
  LIVE_KEY_NEVER_FREED(
      EndChecker.NOTHING_LEFT,
      function("settle", "where t.live_key is not null", "where t.live_key is null")),
  DONE_STEP_DONE_AGAIN(
      Script.DONE_STEPS_STAY,
      function("begin_step", "when v_step.done_at is not null then", "when false then")),
  COMPENSATED_TWICE(
      Simulation.NOTHING_UNEXPECTED,
      function("step_round", "coalesce(max(round), 0) + 1 from", "coalesce(max(round), 1) from")),
  STEPS_UNDONE_IN_ANY_ORDER(
      EndChecker.FROM_THE_LAST_ON,
      function("undo_next", "order by number desc", "order by number"),
      function("undo_ended", "where later.steps = 0", "where true"));

  /** In what order a handler's sink commits. */
  enum Sink {
    SOUND,
    CHECKPOINT_FIRST,
    DATA_FIRST
  }

  /** A change of a text; of all statements if no function is named. */
  record Change(String function, String from, String to) {}

  /** Changes the ports of a node. */
  interface Planted {
    EnginePorts in(EnginePorts ports, Simulation sim, Life life);
  }

  private static final Duration SKEW = Duration.ofSeconds(15);

  private final String caughtBy;
  private final List<Change> changes;
  private final Planted planted;
  private final Sink sink;
  private final List<String> functions = new ArrayList<>();
  private final Set<Change> met = new HashSet<>();

  Bug(String caughtBy, Change... changes) {
    this(caughtBy, List.of(changes), (ports, sim, life) -> ports, Sink.SOUND);
  }

  Bug(String caughtBy, Planted planted) {
    this(caughtBy, List.of(), planted, Sink.SOUND);
  }

  Bug(String caughtBy, Sink sink) {
    this(caughtBy, List.of(), (ports, sim, life) -> ports, sink);
  }

  Bug(String caughtBy, List<Change> changes, Planted planted, Sink sink) {
    this.caughtBy = caughtBy;
    this.changes = changes;
    this.planted = planted;
    this.sink = sink;
  }

  private static Change statement(String from, String to) {
    return new Change("", from, to);
  }

  private static Change function(String name, String from, String to) {
    return new Change(name, from, to);
  }

  Sink sink() {
    return sink;
  }

  EnginePorts ports(EnginePorts ports, Simulation sim, Life life) {
    return planted.in(ports, sim, life);
  }

  /** {@return how far the clock of a process is from the database's} */
  Duration skew(Life life) {
    if (this != LEASE_BY_THE_NODES_CLOCK || !life.name.startsWith("node")) {
      return Duration.ZERO;
    }
    return life.name.startsWith("node2") ? SKEW.negated() : SKEW;
  }

  boolean changesStatements() {
    return changes.stream().anyMatch(change -> change.function().isEmpty());
  }

  /** {@return a statement as it is with the bug} */
  String changed(String statement) {
    String text = statement;
    for (Change change : changes) {
      if (change.function().isEmpty() && text.contains(change.from())) {
        text = text.replace(change.from(), change.to());
        met.add(change);
      }
    }
    return text;
  }

  /** Changes functions of the database; {@link #pull} undoes it. */
  void plant(SimDatabase database) throws SQLException {
    for (Change change : changes) {
      if (!change.function().isEmpty()) {
        String sound = database.function(change.function());
        if (!sound.contains(change.from())) {
          throw new IllegalStateException(
              this + ": " + change.function() + " has no " + change.from());
        }
        functions.addFirst(sound);
        database.run(sound.replace(change.from(), change.to()));
        met.add(change);
      }
    }
  }

  void pull(SimDatabase database) throws SQLException {
    for (String sound : functions) {
      database.run(sound);
    }
    functions.clear();
  }

  /** {@return whether all that it changes was there to be changed} */
  boolean isMet() {
    return met.containsAll(changes);
  }

  /**
   * {@return what a world of a seed has that is to meet it} Where much must come together it has
   * little else.
   */
  Plan plan(long seed) {
    Plan plan = Plan.of(seed);
    return switch (this) {
      case CHUNK_OF_A_LOST_LEASE_KEPT ->
          plan.only(EnumSet.of(Faults.Kind.KILL, Faults.Kind.ASKED_LATE), EnumSet.of(Deed.CHUNKS));
      default -> plan;
    };
  }

  /** {@return whether a world of this plan is likely to meet it} */
  boolean mayBeMetBy(Plan plan) {
    People.Swarm swarm = plan.swarm();
    return switch (this) {
      case NONE -> true;
      case NO_FENCE_ON_COMPLETE ->
          plan.has(Faults.Kind.KILL)
              && (plan.often(Faults.Kind.ASKED_LATE) || plan.often(Faults.Kind.DONE_LATE))
              && (plan.has(Deed.LINGER) || plan.has(Deed.DEAF));
      case RENEWAL_OF_A_FENCED_NODE -> plan.has(Faults.Kind.FREEZE);
      case CLAIM_BY_A_FENCED_NODE ->
          plan.has(Faults.Kind.KILL)
              && (plan.often(Faults.Kind.ASKED_LATE) || plan.often(Faults.Kind.DONE_LATE));
      case RESCUE_SELECTS_THEN_UPDATES ->
          plan.has(Faults.Kind.KILL)
              && (plan.has(Deed.LINGER) || plan.has(Deed.DEAF))
              && (plan.often(Faults.Kind.ASKED_LATE) || plan.often(Faults.Kind.DONE_LATE));
      case ONE_SHOT_RESCUE -> plan.has(Faults.Kind.KILL);
      case CLAIM_KNOWN_TO_THE_DATABASE_ONLY -> plan.often(Faults.Kind.ANSWER_LOST);
      case HELD_TASKS_RELEASED -> plan.has() && plan.has(Deed.LINGER);
      case WAKE_UPS_WITHOUT_POLLING -> plan.has(Deed.SNOOZE) || swarm.later();
      case LEASE_BY_THE_NODES_CLOCK -> plan.has();
      case NAME_REUSED_WHILE_ITS_NODE_LIVES ->
          plan.has(Faults.Kind.TWINS) && (plan.has(Faults.Kind.KILL) || plan.has(Faults.Kind.STOP));
      case FENCED_AS_SOON_AS_ITS_LOCK_IS_FREE -> plan.has(Faults.Kind.KILL);
      case FENCED_RIGHT_AFTER_AN_OUTAGE -> plan.has(Faults.Kind.OUTAGE);
      case DEATHS_NOT_CHARGED, NEIGHBOURS_TAKEN_FOR_ONE_TASK ->
          plan.has(Faults.Kind.POISON) && plan.has(Deed.POISON);
      case SUSPECT_BESIDE_OTHERS ->
          plan.has(Faults.Kind.POISON) && plan.has(Deed.POISON) && plan.has(Deed.LINGER);
      case MORE_CLAIMED_THAN_ASKED_FOR -> !swarm.priorities() && plan.has(Deed.LINGER);
      case CHECKPOINT_BEFORE_DATA, CHECKPOINT_OUTSIDE_THE_TRANSACTION ->
          plan.has(Deed.CHUNKS) && plan.has(Faults.Kind.KILL);
      case CHUNK_OF_A_LOST_LEASE_KEPT ->
          plan.has(Deed.CHUNKS)
              && plan.has(Faults.Kind.KILL)
              && (plan.often(Faults.Kind.ASKED_LATE) || plan.often(Faults.Kind.DONE_LATE));
      case REQUEST_FORGOTTEN_AT_THE_END ->
          swarm.operators() && plan.has(Deed.LINGER) && plan.has(Faults.Kind.STOP);
      case REQUEST_FORGOTTEN_BY_THE_RESCUE ->
          swarm.operators() && plan.has(Deed.DEAF) && plan.has(Faults.Kind.KILL);
      case PAUSED_QUEUE_CLAIMED -> swarm.operators() && swarm.queuePauses();
      case RETRY_WITHOUT_ITS_KEY, LIVE_KEY_NEVER_FREED -> swarm.keys();
      case OWN_FIRST_TRY_NOT_RECOGNISED -> plan.often(Faults.Kind.ANSWER_LOST);
      case TERMINAL_OVERWRITTEN, ATTEMPTS_NUMBERED_ANEW ->
          swarm.operators() && swarm.reruns() && plan.has(Deed.FAIL_FOR_GOOD);
      case RETRY_WITHOUT_DELAY -> plan.has(Deed.FAIL_AT_TIMES);
      case DONE_STEP_DONE_AGAIN, STEPS_UNDONE_IN_ANY_ORDER -> plan.has(Deed.STEPS);
      case COMPENSATED_TWICE -> swarm.operators() && swarm.reruns() && plan.has(Deed.STEPS);
      case BATCH_COUNTED_ONCE_FOR_MANY -> swarm.batches() && !swarm.priorities();
    };
  }

  /** {@return the invariant that it violates} */
  String caughtBy() {
    return caughtBy;
  }
}
