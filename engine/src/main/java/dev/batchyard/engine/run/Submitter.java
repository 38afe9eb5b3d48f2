package dev.batchyard.engine.run;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Checks new tasks against their types and stores them. Thread-safe. */
public final class Submitter {

  private static final int CRITICAL_PRIORITY_MAX = 1;

  private final TaskTypes types;
  private final ParameterCodec codec;
  private final Submissions submissions;
  private final Batches batches;

  public Submitter(
      TaskTypes types, ParameterCodec codec, Submissions submissions, Batches batches) {
    this.types = types;
    this.codec = codec;
    this.submissions = submissions;
    this.batches = batches;
  }

  /** Submits one task; see {@link #submit(List)}. */
  public Submitted submit(NewTask task) {
    return submit(List.of(task)).getFirst();
  }

  /**
   * Submits tasks, all or none. When it returns they are durable.
   *
   * @param tasks any number; they are stored {@link Submissions#BATCH_MAX} at a time, so more than
   *     that are all or none only batch by batch
   * @return one answer for each, in order
   * @throws dev.batchyard.engine.port.UnknownName for an unknown type, queue, retry policy or pool,
   *     or a batch that is not there or sealed
   * @throws InvalidParameters if parameters do not fit their type, a text cannot be stored, or a
   *     deadline has passed by the database's clock; nothing was stored
   */
  public List<Submitted> submit(List<NewTask> tasks) {
    return store(tasks.stream().map(this::draft).toList());
  }

  /**
   * Stores checked tasks, as {@link #submit(List)} does.
   *
   * @throws dev.batchyard.engine.port.UnknownName for an unknown queue, retry policy or pool, or a
   *     batch that is not there or sealed; its place counts from the first of its {@link
   *     Submissions#BATCH_MAX}
   * @throws InvalidParameters if a deadline has passed; its place counts likewise
   */
  public List<Submitted> store(List<TaskDraft> drafts) {
    List<Submitted> answers = new ArrayList<>(drafts.size());
    for (int from = 0; from < drafts.size(); from += Submissions.BATCH_MAX) {
      int to = Math.min(from + Submissions.BATCH_MAX, drafts.size());
      answers.addAll(submissions.submit(drafts.subList(from, to)));
    }
    return answers;
  }

  /**
   * Opens a batch, durably: a group of tasks that is counted. Members join by {@link
   * NewTask#withBatch} until it is sealed, from any process.
   *
   * @param label what people see; may be empty, and must be as {@link dev.batchyard.api.Labels}
   *     allows
   * @param then a task that becomes ready once, when the batch is sealed and all its members have
   *     ended in whatever way; without keys, batch and due time. A total timeout counts from here
   *     on
   * @throws dev.batchyard.engine.port.UnknownName for an unknown type, queue, retry policy or pool
   * @throws InvalidParameters if the task does not fit its type or is not as said; nothing was
   *     stored
   */
  public Batches.Opened openBatch(String label, Optional<NewTask> then) {
    return batches.open(label, then.map(this::draft));
  }

  /**
   * Seals a batch, durably: nothing joins it any more. It ends with the last of its members, at
   * once if all have ended. A batch whose client dies before this stays open, with its then task
   * blocked, until anybody seals it.
   *
   * @return false if it was sealed already
   * @throws dev.batchyard.engine.port.UnknownName if there is no such batch
   */
  public boolean seal(long batch) {
    return batches.seal(batch);
  }

  /**
   * Reads parameters as they come from a person.
   *
   * @return a task of this type, to be completed and submitted
   * @throws dev.batchyard.engine.port.UnknownName for an unknown type
   * @throws InvalidParameters if they do not fit
   */
  public NewTask read(String typeName, String paramsJson) {
    TaskType<?> type = types.get(typeName);
    return NewTask.of(type.name(), codec.decode(type.params(), paramsJson));
  }

  /**
   * Checks a task against its type and stores nothing yet.
   *
   * @throws dev.batchyard.engine.port.UnknownName for an unknown type
   * @throws InvalidParameters if parameters do not fit their type or a text cannot be stored
   */
  public TaskDraft draft(NewTask task) {
    TaskType<?> type = types.get(task.type());
    if (!type.params().isInstance(task.params())) {
      throw new InvalidParameters(
          List.of(
              new InvalidParameters.Problem(
                  "params",
                  "a %s; type %s takes a %s"
                      .formatted(
                          task.params().getClass().getSimpleName(),
                          type.name(),
                          type.params().getSimpleName()))));
    }
    return new TaskDraft(
        task.type(),
        codec.encode(task.params()),
        task.label(),
        task.queue(),
        task.priority(),
        task.due(),
        task.keys(),
        task.batch(),
        task.retry().orElseGet(() -> policyFor(task.priority())),
        task.limits(),
        task.requirement(),
        task.pools());
  }

  private static String policyFor(int priority) {
    return (priority <= CRITICAL_PRIORITY_MAX ? RetryPolicy.CRITICAL : RetryPolicy.DEFAULT).name();
  }
}
