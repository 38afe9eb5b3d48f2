package dev.batchyard.app.process;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.app.process.Journal.Asked;
import dev.batchyard.app.process.Journal.Call;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.store.Store;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Clients that submit at random and an operator who cancels, pauses, resumes and runs again tasks,
 * and pauses and resumes a queue, each on a thread of its own, until closed. What they ask and are
 * told goes to a journal.
 */
final class Load implements AutoCloseable {

  private static final Deed[] DEEDS = Deed.values();
  private static final int BULK_MAX = 100;
  private static final int KEYS = 60;
  private static final Duration PERIOD = Duration.ofMillis(1_500);

  /** So few that operators meet many tasks while they wait or run. */
  private static final int RECENT = 1 << 7;

  private static final long MEDDLING_NS_MAX = 10_000_000;
  private static final long ANSWER_MAX_NS = 60_000_000_000L;

  private final Store store;
  private final Submitter submitter;
  private final Journal journal;
  private final int pauseMsMax;
  private final AtomicLongArray recent = new AtomicLongArray(RECENT);
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean over;

  /**
   * Begins.
   *
   * @param pauseMsMax how long a submitter rests at most between two calls
   */
  Load(Store store, Journal journal, long seed, int submitters, int pauseMsMax) {
    this.store = store;
    this.journal = journal;
    this.pauseMsMax = pauseMsMax;
    this.submitter = new Deeds(failing(), store).submitter();
    SplittableRandom seeds = new SplittableRandom(seed);
    for (int n = 0; n < submitters; n++) {
      SplittableRandom random = seeds.split();
      begin("submitter-" + n, () -> submit(random));
    }
    SplittableRandom random = seeds.split();
    begin("operator", () -> meddle(random));
  }

  /** Submitters run no handler. */
  private static DataSource failing() {
    return new PGSimpleDataSource();
  }

  private void begin(String name, Runnable once) {
    threads.add(
        Thread.ofPlatform()
            .name(name)
            .start(() -> {
              while (!over) {
                once.run();
              }
            }));
  }

  private void rest(SplittableRandom random) {
    LockSupport.parkNanos(random.nextLong(1, pauseMsMax + 1L) * 1_000_000);
  }

  private void submit(SplittableRandom random) {
    rest(random);
    if (random.nextInt(25) == 0) {
      batch(random);
      return;
    }
    int size = random.nextInt(5) == 0 ? random.nextInt(2, BULK_MAX + 1) : 1;
    if (random.nextInt(10) == 0) {
      List<Asked> alike = Collections.nCopies(size, Asked.of(Deed.COMPLETE, TaskKeys.NONE));
      boolean _ = answered(alike, random, false);
      return;
    }
    boolean repeatable = random.nextInt(6) == 0;
    List<Asked> asked = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      asked.add(asked(random, keys(random, repeatable), OptionalLong.empty()));
    }
    boolean _ = answered(asked, random, repeatable);
  }

  /** Opens a batch, fills it in some calls and seals it. */
  private void batch(SplittableRandom random) {
    Call then = journal.begin(List.of(then(random)));
    Asked last = then.asked(then.first());
    NewTask waiting = last.bounds().of(Deeds.task(then.first(), last));
    Optional<Batches.Opened> opened =
        tried(() -> submitter.openBatch("proof", Optional.of(waiting)));
    if (opened.isEmpty()) {
      return; // if it is there all the same, it is sealed at the end
    }
    then.answered(List.of(new Submitted(opened.get().then().orElseThrow(), true)));
    OptionalLong id = OptionalLong.of(opened.get().batch());
    for (int part = random.nextInt(4); part > 0; part--) {
      List<Asked> members = new ArrayList<>();
      for (int i = random.nextInt(1, 20); i > 0; i--) {
        members.add(asked(random, keys(random, false), id));
      }
      boolean _ = answered(members, random, false);
      rest(random);
    }
    var _ = tried(() -> submitter.seal(opened.get().batch()));
  }

  private Asked asked(SplittableRandom random, TaskKeys keys, OptionalLong batch) {
    Asked asked = Asked.of(deed(random), keys).in(batch).within(bounds(random));
    if (asked.deed() != Deed.SPAWN) {
      return asked;
    }
    // nobody is told of it: what is asked for by a handler may come about or not
    Asked child = Asked.of(Deed.COMPLETE, TaskKeys.NONE.withIdempotency("child"));
    return asked.with(journal.begin(List.of(child)).first());
  }

  /** Due when its batch has ended, and at no time of its own. */
  private static Asked then(SplittableRandom random) {
    Bounds[] some = {Bounds.NONE, Bounds.GENEROUS, Bounds.SHUT_OUT};
    Bounds bounds = some[random.nextInt(some.length)];
    Deed deed = deed(random);
    return Asked.of(deed == Deed.SPAWN ? Deed.COMPLETE : deed, TaskKeys.NONE).within(bounds);
  }

  private static Bounds bounds(SplittableRandom random) {
    return switch (random.nextInt(30)) {
      case 0 -> Bounds.SHUT_OUT;
      case 1 -> Bounds.TOO_LATE;
      case 2 -> Bounds.OVERDUE;
      case 3, 4, 5, 6 -> Bounds.GENEROUS;
      default -> Bounds.NONE;
    };
  }

  private static Deed deed(SplittableRandom random) {
    return random.nextBoolean() ? Deed.COMPLETE : DEEDS[random.nextInt(DEEDS.length)];
  }

  /**
   * {@return keys} A call is repeated until it is answered only if each of its tasks has an
   * idempotency key.
   */
  private static TaskKeys keys(SplittableRandom random, boolean idempotent) {
    TaskKeys keys = TaskKeys.NONE;
    if (idempotent) {
      // some are used before by others: those get the first one's task
      boolean shared = random.nextInt(3) == 0;
      keys = keys.withIdempotency(shared ? "s" + random.nextInt(5_000) : "k" + random.nextLong());
    }
    return switch (random.nextInt(12)) {
      case 0 -> keys.withLive("live " + random.nextInt(KEYS));
      case 1 -> keys.withWithin("period " + random.nextInt(KEYS), PERIOD);
      default -> keys;
    };
  }

  private boolean answered(List<Asked> asked, SplittableRandom random, boolean repeat) {
    Call call = journal.begin(asked);
    List<NewTask> tasks = new ArrayList<>();
    boolean alike = asked.stream().distinct().count() == 1;
    long seed = random.nextLong();
    for (int i = 0; i < asked.size(); i++) {
      // what is asked for alike is drawn alike
      SplittableRandom drawn = new SplittableRandom(alike ? seed : seed + i);
      tasks.add(task(call.first() + i, asked.get(i), drawn));
    }
    long from = System.nanoTime();
    Optional<List<Submitted>> told = tried(() -> submitted(tasks));
    while (repeat && told.isEmpty() && System.nanoTime() - from < ANSWER_MAX_NS) {
      rest(random);
      told = tried(() -> submitted(tasks));
    }
    told.ifPresent(call::answered);
    told.ifPresent(t -> t.forEach(s -> recent.set(random.nextInt(RECENT), s.task())));
    return told.isPresent();
  }

  /** {@return the answers; none if a deadline passed on the way: then nothing is stored} */
  private List<Submitted> submitted(List<NewTask> tasks) {
    try {
      return submitter.submit(tasks);
    } catch (InvalidParameters e) {
      if (e.problems().stream().allMatch(problem -> problem.path().equals("deadline"))) {
        return List.of();
      }
      throw e;
    }
  }

  private static NewTask task(long number, Asked asked, SplittableRandom random) {
    NewTask task =
        Deeds.task(number, asked)
            .withKeys(asked.keys())
            .withPriority(random.nextInt(NewTask.PRIORITY_MAX + 1));
    if (random.nextInt(4) == 0) {
      task = task.withQueue(Deeds.QUEUE);
    }
    if (random.nextInt(10) == 0) {
      task = task.withDue(Instant.now().plusMillis(random.nextInt(500)));
    }
    task = asked.bounds().of(task);
    return asked.batch().isPresent() ? task.withBatch(asked.batch().getAsLong()) : task;
  }

  private void meddle(SplittableRandom random) {
    LockSupport.parkNanos(random.nextLong(MEDDLING_NS_MAX));
    long task = recent.get(random.nextInt(RECENT));
    if (task == 0) {
      return;
    }
    OperatorMoves moves = store.operatorMoves();
    switch (random.nextInt(8)) {
      case 0, 1 -> cancel(moves, task);
      case 2, 3 -> tried(() -> moves.pause(task, "kim"));
      case 4, 5 -> tried(() -> moves.resume(task, "kim"));
      case 6 -> {
        journal.rerunTried(task);
        var _ = tried(() -> moves.rerun(task, "kim"));
      }
      default -> {
        if (random.nextBoolean()) {
          var _ = tried(() -> store.queues().pause(Deeds.QUEUE, "kim"));
        } else {
          var _ = tried(() -> store.queues().resume(Deeds.QUEUE));
        }
      }
    }
  }

  private void cancel(OperatorMoves moves, long task) {
    journal.cancelTried(task);
    Optional<OperatorMoves.Move> told = tried(() -> moves.cancel(task, "kim"));
    if (told.equals(Optional.of(OperatorMoves.Move.DONE))) {
      journal.cancelDone(task);
    } else if (told.equals(Optional.of(OperatorMoves.Move.REQUESTED))) {
      journal.cancelRequested(task, Instant.now());
    }
  }

  /** {@return the answer; empty if none came} */
  private <T> Optional<T> tried(Supplier<T> call) {
    try {
      return Optional.of(call.get());
    } catch (StoreUnavailable | MoveRefused e) {
      return Optional.empty();
    } catch (RuntimeException e) {
      journal.surprised(e);
      return Optional.empty();
    }
  }

  /** Waits while the clients go on; {@return whether it came about} */
  static boolean during(Duration most, BooleanSupplier condition) {
    long from = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - from > most.toNanos()) {
        return false;
      }
      LockSupport.parkNanos(1_000_000);
    }
    return true;
  }

  /** Ends all threads; calls that are on their way get their answers. */
  @Override
  public void close() throws InterruptedException {
    over = true;
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
