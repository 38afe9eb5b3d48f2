package dev.batchyard.web.dashboard;

import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.Checkpoints;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Doctor.LastLook;
import dev.batchyard.engine.port.LogLines;
import dev.batchyard.engine.port.NodeViews;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.PoolRow;
import dev.batchyard.engine.port.Queues;
import dev.batchyard.engine.port.Queues.QueueRow;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.WaitReasons;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * What the pages show, read from the views of the engine. A page is read anew when it is asked for;
 * live pages share their reads.
 */
public final class Dashboard {

  /** The most tasks of a page. */
  static final int TASKS_MAX = 50;

  /** The most compensations of a page. */
  static final int COMPENSATIONS_MAX = 50;

  /** The most batches of a page. */
  static final int BATCHES_MAX = 50;

  private final TaskViews tasks;
  private final NodeViews nodes;
  private final Queues queues;
  private final Batches batches;
  private final Compensations compensations;
  private final LogLines logs;
  private final Doctor doctor;
  private final Checkpoints checkpoints;
  private final RetryPolicies retryPolicies;
  private final Pools pools;
  private final WaitReasons waits;
  private final SharedReads<ListQuery, TaskList> liveLists;
  private final SharedReads<TaskSheet.Key, TaskSheet> liveSheets;
  private final SharedReads<String, List<NodeSheet>> liveNodes;
  private final SharedReads<String, List<QueueRow>> liveQueues;
  private final SharedReads<String, List<PoolRow>> livePools;
  private final SharedReads<String, PoolSheet> livePoolSheets;
  private final SharedReads<String, List<LastLook>> liveLooks;
  private final SharedReads<Long, BatchList> liveBatchLists;
  private final SharedReads<Long, Batch> liveBatches;
  private final SharedReads<Long, CompensationList> liveCompensations;
  private final SharedReads<String, java.util.Map<TaskState, Long>> liveCounts;

  /**
   * Reads from these views.
   *
   * @param nanos a clock that only moves forward
   */
  public Dashboard(
      TaskViews tasks,
      NodeViews nodes,
      Queues queues,
      Batches batches,
      Compensations compensations,
      LogLines logs,
      Doctor doctor,
      Checkpoints checkpoints,
      RetryPolicies retryPolicies,
      Pools pools,
      WaitReasons waits,
      LongSupplier nanos) {
    this.tasks = tasks;
    this.nodes = nodes;
    this.queues = queues;
    this.batches = batches;
    this.compensations = compensations;
    this.logs = logs;
    this.doctor = doctor;
    this.checkpoints = checkpoints;
    this.retryPolicies = retryPolicies;
    this.pools = pools;
    this.waits = waits;
    liveCounts = new SharedReads<>(_ -> tasks.counts(), nanos);
    liveLists = new SharedReads<>(this::liveList, nanos);
    liveSheets = new SharedReads<>(key -> sheet(key), nanos);
    liveNodes = new SharedReads<>(_ -> sheets(), nanos);
    liveQueues = new SharedReads<>(_ -> queues.list(), nanos);
    livePools = new SharedReads<>(_ -> pools.list(), nanos);
    livePoolSheets = new SharedReads<>(name -> pool(name), nanos);
    liveLooks = new SharedReads<>(_ -> doctor.lastLooks(), nanos);
    liveBatchLists = new SharedReads<>(before -> batches(before), nanos);
    liveBatches = new SharedReads<>(id -> batch(id), nanos);
    liveCompensations = new SharedReads<>(before -> compensations(before), nanos);
  }

  TaskList list(ListQuery query) {
    return new TaskList(query, page(query), tasks.counts(), nodes.servedTypes(), queues.names());
  }

  TaskList sharedList(ListQuery query) {
    return liveLists.get(query);
  }

  /**
   * {@return one task with its rejects above a number}
   *
   * @throws MissingPage if there is no such task
   */
  TaskSheet sheet(TaskSheet.Key key) {
    TaskViews.TaskDetail detail = tasks.find(key.task()).orElseThrow(MissingPage::new);
    return new TaskSheet(
        detail,
        detail.row().state().ended()
            ? List.of()
            : waits.of(key.task()).map(WaitReasons.Why::waits).orElse(List.of()),
        compensations.of(key.task()),
        key.after(),
        tasks.rejects(key.task(), key.after(), TaskSheet.REJECTS_MAX + 1),
        logs.tail(key.task(), TaskSheet.TAIL_MAX),
        checkpoints.of(key.task()).stream().filter(passed -> !passed.last()).toList());
  }

  TaskSheet sharedSheet(TaskSheet.Key key) {
    return liveSheets.get(key);
  }

  LogPage log(long task, long after) {
    if (tasks.find(task).isEmpty()) {
      throw new MissingPage();
    }
    return new LogPage(task, after, logs.read(task, after, LogPage.LINES_MAX + 1));
  }

  List<NodeSheet> nodes() {
    return sheets();
  }

  private List<NodeSheet> sheets() {
    List<NodeSheet> sheets = new ArrayList<>();
    int looked = 0;
    for (NodeRow row : nodes.nodes()) {
      boolean looks = row.alive() && row.cordon().isPresent() && looked++ < NodeSheet.CORDONED_MAX;
      sheets.add(
          new NodeSheet(
              row,
              looks
                  ? nodes.held(row.name()).stream().limit(NodeSheet.HELD_MAX).toList()
                  : List.of()));
    }
    return sheets;
  }

  List<NodeSheet> sharedNodes() {
    return liveNodes.get("");
  }

  List<QueueRow> queues() {
    return queues.list();
  }

  List<RetryPolicy> retryPolicies() {
    return retryPolicies.list();
  }

  List<QueueRow> sharedQueues() {
    return liveQueues.get("");
  }

  List<PoolRow> pools() {
    return pools.list();
  }

  List<PoolRow> sharedPools() {
    return livePools.get("");
  }

  /**
   * {@return one pool with its holders}
   *
   * @throws MissingPage if there is no such pool
   */
  PoolSheet pool(String name) {
    return new PoolSheet(pools.find(name).orElseThrow(MissingPage::new), pools.holders(name));
  }

  PoolSheet sharedPool(String name) {
    return livePoolSheets.get(name);
  }

  /**
   * {@return compensations that are not done, of tasks below an id; from the newest when it is 0}
   */
  CompensationList compensations(long before) {
    return new CompensationList(
        before,
        compensations.list(
            EnumSet.of(Compensations.State.UNDOING, Compensations.State.NEEDS_PERSON),
            before > 0 ? OptionalLong.of(before) : OptionalLong.empty(),
            COMPENSATIONS_MAX));
  }

  CompensationList sharedCompensations(long before) {
    return liveCompensations.get(before);
  }

  List<LastLook> looks() {
    return doctor.lastLooks();
  }

  List<LastLook> sharedLooks() {
    return liveLooks.get("");
  }

  /** {@return batches below an id; from the newest when it is 0} */
  BatchList batches(long before) {
    return new BatchList(
        before,
        batches.list(before > 0 ? OptionalLong.of(before) : OptionalLong.empty(), BATCHES_MAX));
  }

  BatchList sharedBatches(long before) {
    return liveBatchLists.get(before);
  }

  /**
   * {@return one batch}
   *
   * @throws MissingPage if there is no such batch
   */
  Batch batch(long id) {
    return batches.find(id).orElseThrow(MissingPage::new);
  }

  Batch sharedBatch(long id) {
    return liveBatches.get(id);
  }

  private TaskList liveList(ListQuery query) {
    return new TaskList(query, page(query), liveCounts.get(""), List.of(), List.of());
  }

  private TaskViews.Page page(ListQuery query) {
    return tasks.list(
        new TaskViews.Filter(
            query.states(),
            query.type().isEmpty() ? Optional.empty() : Optional.of(query.type()),
            query.queue().isEmpty() ? Optional.empty() : Optional.of(query.queue()),
            query.batch() > 0 ? OptionalLong.of(query.batch()) : OptionalLong.empty()),
        query.before() > 0 ? OptionalLong.of(query.before()) : OptionalLong.empty(),
        TASKS_MAX);
  }
}
