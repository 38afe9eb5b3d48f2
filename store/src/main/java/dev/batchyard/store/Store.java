package dev.batchyard.store;

import dev.batchyard.engine.port.Arrivals;
import dev.batchyard.engine.port.AwayErrors;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Broadcasts;
import dev.batchyard.engine.port.BulkCancels;
import dev.batchyard.engine.port.BulkReruns;
import dev.batchyard.engine.port.Checkpoints;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.Cordons;
import dev.batchyard.engine.port.Demands;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Expiries;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.LogLines;
import dev.batchyard.engine.port.NodeViews;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Queues;
import dev.batchyard.engine.port.Rescues;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.RunningRows;
import dev.batchyard.engine.port.Sessions;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.UnknownSteps;
import dev.batchyard.engine.port.Upkeep;
import dev.batchyard.engine.port.WaitReasons;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import javax.sql.DataSource;

/**
 * Every port of the engine over one PostgreSQL database whose schema is in place. Connections must
 * find the schema by their search path. Thread-safe; closes nothing that it was given.
 */
public final class Store {

  /** A lease of a node that is no more is nothing to tell of before. */
  private static final Duration UNRESCUED = Duration.ofMinutes(1);

  private final Db db;
  private final StoreClock clock;
  private final Settings settings;
  private final SessionSource sessions;
  private final LocalNodes localNodes = new LocalNodes();
  private final WakeUps wakeUps;
  private final FullPools fullPools;
  private final LeaseReturns returns;
  private final Settlements settlements;
  private final Lanes lanes;
  private final IdSpans spans;
  private final ForsakenParts forsaken;
  private final PgSubmissions ownSubmissions;
  private final Submissions submissions;
  private final Optional<InstantSource> nodeClock;

  /**
   * Over the pool for queue traffic and a source of sessions.
   *
   * @param random how long statements that lost a race wait; thread-safe
   */
  public Store(
      DataSource queue,
      SessionSource sessions,
      StoreClock clock,
      RandomGenerator random,
      Settings settings) {
    this(queue, sessions, clock, random, settings, Optional.empty());
  }

  /**
   * The same for a process whose own clock is to be compared with the database's.
   *
   * @param nodeClock read by {@link #doctor()} only
   */
  public Store(
      DataSource queue,
      SessionSource sessions,
      StoreClock clock,
      RandomGenerator random,
      Settings settings,
      InstantSource nodeClock) {
    this(queue, sessions, clock, random, settings, Optional.of(nodeClock));
  }

  private Store(
      DataSource queue,
      SessionSource sessions,
      StoreClock clock,
      RandomGenerator random,
      Settings settings,
      Optional<InstantSource> nodeClock) {
    this.nodeClock = nodeClock;
    this.db = new Db(queue, random);
    this.clock = clock;
    this.settings = settings;
    this.sessions = sessions;
    this.wakeUps = new WakeUps(db, clock, localNodes);
    this.settlements = new Settlements(clock);
    this.returns = new LeaseReturns(clock, settlements);
    this.lanes = new Lanes(db, clock::nanos);
    this.fullPools = new FullPools(clock::nanos);
    this.spans = new IdSpans(db, clock, IdSpans.IDS);
    this.forsaken = new ForsakenParts(db, clock, spans, wakeUps);
    this.ownSubmissions = new PgSubmissions(db, clock, lanes, spans, wakeUps);
    this.submissions = new CombinedSubmissions(localNodes.before(ownSubmissions));
  }

  /**
   * What may be set.
   *
   * @param nodeLease how long a node that does not beat keeps what it holds
   * @param logRetention how long the log of attempts is kept, in whole days
   * @param taskRetention how long a task is kept from its end on, at least, in whole days
   */
  public record Settings(Duration nodeLease, Duration logRetention, Duration taskRetention) {

    /** 10 s, and 30 days for both. */
    public static final Settings DEFAULT =
        new Settings(Duration.ofSeconds(10), Duration.ofDays(30), Duration.ofDays(30));

    public Settings {
      if (nodeLease.toMillis() < 1) {
        throw new IllegalArgumentException("nodeLease: " + nodeLease + " must be at least 1 ms");
      }
      if (logRetention.toDays() < 1) {
        throw new IllegalArgumentException(
            "logRetention: " + logRetention + " must be at least a day");
      }
      if (taskRetention.toDays() < 1) {
        throw new IllegalArgumentException(
            "taskRetention: " + taskRetention + " must be at least a day");
      }
    }
  }

  /**
   * Adds a node of this process. It is woken without the way over the server when something becomes
   * ready here: the first time at once, then at most once in a few milliseconds. And it is asked
   * whether it begins a single task that is submitted here before that is stored for anybody.
   */
  public void addNode(LocalNode node) {
    localNodes.add(node);
  }

  /** Takes back {@link #addNode}; the node may be called once more. */
  public void removeNode(LocalNode node) {
    localNodes.remove(node);
  }

  public Submissions submissions() {
    return submissions;
  }

  public Broadcasts broadcasts() {
    return new PgBroadcasts(db, clock, lanes, spans, wakeUps, ownSubmissions);
  }

  public Batches batches() {
    return new PgBatches(db, clock, lanes, spans, wakeUps);
  }

  public Claims claims() {
    return new PgClaims(db, clock, returns, wakeUps, fullPools);
  }

  public Arrivals arrivals() {
    return new PgArrivals(db, clock, lanes, spans, wakeUps);
  }

  public Finishes finishes() {
    return new PgFinishes(db, clock, settlements, spans, wakeUps, fullPools);
  }

  public Sessions sessions() {
    return new PgSessions(sessions, db, clock, settings.nodeLease());
  }

  public Rescues rescues() {
    return new PgRescues(db, returns, wakeUps);
  }

  public RunningRows runningRows() {
    return new PgRunningRows(db, clock);
  }

  public Steps steps() {
    return new PgSteps(db, clock);
  }

  public Splits splits() {
    return new PgSplits(db, clock, lanes, spans, wakeUps);
  }

  public UnknownSteps unknownSteps() {
    return new PgUnknownSteps(db, clock);
  }

  public Compensations compensations() {
    return new PgCompensations(db, clock);
  }

  public OperatorMoves operatorMoves() {
    return new PgOperatorMoves(db, clock, settlements, forsaken, wakeUps);
  }

  public BulkReruns bulkReruns() {
    PgOperatorMoves one = new PgOperatorMoves(db, clock, settlements, forsaken, wakeUps);
    return new PgBulkReruns(db, clock, one, wakeUps);
  }

  public BulkCancels bulkCancels() {
    PgOperatorMoves one = new PgOperatorMoves(db, clock, settlements, forsaken, wakeUps);
    return new PgBulkCancels(db, clock, one, settlements, forsaken, wakeUps);
  }

  public Expiries expiries() {
    return new PgExpiries(db, clock, settlements, forsaken, wakeUps);
  }

  public Queues queues() {
    return new PgQueues(db, clock, wakeUps);
  }

  public Demands demands() {
    return new PgDemands(db, clock);
  }

  public Cordons cordons() {
    return new PgCordons(db, clock, wakeUps);
  }

  public Pools pools() {
    return new PgPools(db, clock, lanes, fullPools, wakeUps);
  }

  /** Claims look at all pools anew, as if something had ended. */
  void forgetFullPools() {
    fullPools.forget();
  }

  public RetryPolicies retryPolicies() {
    return new PgRetryPolicies(db, lanes);
  }

  public TaskViews taskViews() {
    return new PgTaskViews(db, clock);
  }

  public WaitReasons waitReasons() {
    return new PgWaitReasons(db, clock);
  }

  public Checkpoints checkpoints() {
    return new PgCheckpoints(db, clock);
  }

  public NodeViews nodeViews() {
    return new PgNodeViews(db, clock);
  }

  public LogLines logLines() {
    return new PgLogLines(db, clock);
  }

  public AwayErrors awayErrors() {
    return SqlStates::sayAway;
  }

  public Upkeep upkeep() {
    return new PgUpkeep(db, clock, spans, forsaken, doctor(ServerScans.Bounds.DEFAULT), settings);
  }

  public Doctor doctor() {
    return doctor(ServerScans.Bounds.DEFAULT);
  }

  PgDoctor doctor(ServerScans.Bounds bounds) {
    return new PgDoctor(
        db,
        clock::nanos,
        List.of(
            new TaskScans(db, clock, rescues(), UNRESCUED).all(),
            new BatchScans(db, clock, wakeUps).all(),
            new StepScans(db, clock, wakeUps).all(),
            new PoolScans(clock).all(),
            new ServerScans(clock, spans, nodeClock, bounds).all()));
  }
}
