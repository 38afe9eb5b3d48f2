package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Four nodes at once, with everything that may happen to a task, until all have ended. */
@PostgresTest
class StoreFuzzTest {

  private static final int TASKS = 6_000;
  private static final int NODES = 4;
  private static final long SEED = 20_310_330;
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private static final String STORED = "select count(*) from task";

  private final AtomicLong kept = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong rescued = new AtomicLong();

  @Test
  void every_task_ends_exactly_once_whatever_happens(TestDatabase test) throws Exception {
    try (StoreFixture f = new StoreFixture(test);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      long deadline = System.nanoTime() + LIMIT.toNanos();
      List<Long> tasks = Collections.synchronizedList(new ArrayList<>());
      List<Future<?>> running = new ArrayList<>();
      running.add(threads.submit(() -> submitAll(f, tasks)));
      for (int n = 0; n < NODES; n++) {
        Random random = new Random(SEED + n);
        running.add(threads.submit(() -> work(f, random, deadline)));
      }
      running.add(threads.submit(() -> operate(f, tasks, new Random(SEED - 1), deadline)));
      running.add(threads.submit(() -> rescueAndAge(f, deadline)));
      running.add(threads.submit(() -> count(f, deadline)));
      running.add(threads.submit(() -> rollUp(f, deadline)));
      running.add(threads.submit(() -> examine(f, deadline)));
      for (Future<?> one : running) {
        one.get(LIMIT.toSeconds() + 30, TimeUnit.SECONDS);
      }
      drain(f, deadline);
      String run =
          "seed %d: %s kept, %s refused, %s rescued, %s"
              .formatted(SEED, kept, refused, rescued, f.store.taskViews().counts());
      assertThat(ended(f)).as(run).isEqualTo(TASKS);
      assertThat(refused.get()).as(run).isPositive();
      assertThat(rescued.get()).as(run).isPositive();
      for (String home : List.of("block", "lease", "parked", "request", "running")) {
        assertThat(f.count("select count(*) from " + home)).as("%s, %s", home, run).isZero();
      }
      assertThat(f.count("select count(*) from task_key where scope = 'live'"))
          .as("keys of tasks that have ended, %s", run)
          .isZero();
      assertThat(f.count(BatchesTest.MISCOUNTED)).as("batches that miscount, %s", run).isZero();
      assertThat(f.count("select count(*) from batch where ended_at is not null"))
          .as("batches that have ended, %s", run)
          .isEqualTo(5);
      assertThat(TallyTest.wrong(f)).as("days, lanes and states miscounted, %s", run).isZero();
      for (int i = 0; i < TASKS; i += 37) {
        long task = tasks.get(i);
        assertThat(f.historyIsLegal(task)).as("task %s: %s", task, f.history(task)).isTrue();
      }
      assertThat(
              f.count(
                  """
                  select count(*)
                    from outcome o
                    left join (select task, count(*) as n from attempt_log group by task) a
                      on a.task = o.id
                   where o.attempt <> coalesce(a.n, 0) + (o.lease is not null)::integer
                  """))
          .as("tasks whose attempts are not numbered without gaps")
          .isZero();
    }
  }

  /** A last rerun may have come after the nodes had stopped. */
  private void drain(StoreFixture f, long deadline) {
    UUID boot = f.node();
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      f.pass(Duration.ofSeconds(1));
      f.store.rescues().rescue();
      paused(f).forEach(task -> f.store.operatorMoves().resume(task, "kim"));
      finish(f, f.claim(boot, 500), new Random(SEED));
    }
  }

  private static List<Long> paused(StoreFixture f) {
    return f
        .store
        .taskViews()
        .list(
            TaskViews.Filter.of(Set.of(TaskState.PAUSED), Optional.empty()),
            OptionalLong.empty(),
            200)
        .rows()
        .stream()
        .map(TaskViews.TaskRow::id)
        .toList();
  }

  private static long ended(StoreFixture f) {
    return f.count("select count(*) from outcome");
  }

  private static void submitAll(StoreFixture f, List<Long> tasks) {
    Random random = new Random(SEED + 99);
    List<Long> batches =
        IntStream.range(0, 5)
            .mapToObj(n -> f.store.batches().open("fuzz " + n, Optional.empty()).batch())
            .toList();
    while (tasks.size() < TASKS) {
      int count = Math.min(TASKS - tasks.size(), 1 + random.nextInt(700));
      List<TaskDraft> drafts = new ArrayList<>();
      boolean plain = random.nextInt(3) == 0;
      for (int i = 0; i < count; i++) {
        drafts.add(plain ? StoreFixture.draft() : draft(random, batches));
      }
      f.store.submissions().submit(drafts).stream()
          .filter(Submitted::fresh)
          .map(Submitted::task)
          .forEach(tasks::add);
    }
    batches.forEach(f.store.batches()::seal);
  }

  /** Some are members, some hold one of a few keys, some do both, some neither. */
  private static TaskDraft draft(Random random, List<Long> batches) {
    TaskKeys keys = TaskKeys.NONE;
    if (random.nextInt(3) == 0) {
      keys = keys.withLive("live-" + random.nextInt(300));
    }
    if (random.nextInt(6) == 0) {
      keys = keys.withIdempotency("key-" + random.nextInt(3_000));
    }
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        keys,
        random.nextBoolean()
            ? OptionalLong.of(batches.get(random.nextInt(batches.size())))
            : OptionalLong.empty(),
        "default");
  }

  /** A node: claims, ends at random, sometimes dies and finishes late. */
  private void work(StoreFixture f, Random random, long deadline) {
    UUID boot = f.node();
    List<Claim> held = new ArrayList<>();
    List<Claim> zombie = new ArrayList<>();
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      held.addAll(
          f.store
              .claims()
              .claim(
                  boot,
                  UUID.randomUUID(),
                  Map.of(StoreFixture.TYPE, 1 + random.nextInt(300)),
                  1 + random.nextInt(300),
                  held.isEmpty()));
      Collections.shuffle(held, random);
      if (random.nextInt(25) == 0) {
        f.lose(boot); // dead for the others
        zombie.addAll(held);
        held.clear();
        boot = f.node();
      } else if (random.nextInt(8) == 0) {
        finish(f, zombie, random); // late: most of it was rescued meanwhile
        zombie.clear();
      }
      int some = held.isEmpty() ? 0 : 1 + random.nextInt(held.size());
      finish(f, held.subList(0, some), random);
      held.subList(0, some).clear();
      if (random.nextInt(10) == 0) {
        int released = f.store.claims().releaseUnheld(boot, Set.of());
        assertThat(released).isGreaterThanOrEqualTo(0);
        // what was held belongs to others now: finished all the same
      }
    }
    finish(f, held, random);
  }

  private void finish(StoreFixture f, List<Claim> claims, Random random) {
    if (claims.isEmpty()) {
      return;
    }
    for (int from = 0; from < claims.size(); from += Finishes.BATCH_MAX) {
      int to = Math.min(claims.size(), from + Finishes.BATCH_MAX);
      List<Finish> ends =
          claims.subList(from, to).stream()
              .map(c -> new Finish(c, verdict(random), "n", Duration.ofMillis(random.nextInt(50))))
              .toList();
      Finishes.Result result = f.store.finishes().finish(ends);
      if (random.nextInt(5) == 0) {
        assertThat(f.store.finishes().finish(ends).kept())
            .as("told again")
            .containsAll(result.kept());
      }
      kept.addAndGet(result.kept().size());
      refused.addAndGet(result.refused().size());
    }
  }

  private static Verdict verdict(Random random) {
    return switch (random.nextInt(12)) {
      case 0 -> StoreFixture.retry(Duration.ofMillis(random.nextInt(40)));
      case 1 -> new Verdict.Snooze(Duration.ofMillis(random.nextInt(40)));
      case 2 -> new Verdict.Release();
      case 3 -> new Verdict.Fail(StoreFixture.failure());
      default -> StoreFixture.complete();
    };
  }

  private static void operate(StoreFixture f, List<Long> tasks, Random random, long deadline) {
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      if (tasks.isEmpty()) {
        continue;
      }
      long task = tasks.get(random.nextInt(tasks.size()));
      switch (random.nextInt(3)) {
        case 0 -> f.store.operatorMoves().cancel(task, "kim");
        case 1 -> f.store.operatorMoves().pause(task, "kim");
        default -> rerun(f, task);
      }
      if (random.nextInt(20) == 0) {
        paused(f).forEach(p -> f.store.operatorMoves().resume(p, "kim"));
      }
    }
  }

  private static void rerun(StoreFixture f, long task) {
    try {
      f.store.operatorMoves().rerun(task, "kim");
    } catch (MoveRefused e) {
      assertThat(e).hasMessageContaining("holds its key");
    }
  }

  private void rescueAndAge(StoreFixture f, long deadline) {
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      f.pass(Duration.ofMillis(10));
      rescued.addAndGet(f.store.rescues().rescue());
    }
  }

  /** Every task stands in one state, whatever goes on; two roll up at once now and then. */
  private static void count(StoreFixture f, long deadline) {
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      long before = f.count(STORED);
      long counted =
          f.store.taskViews().counts().values().stream().mapToLong(Long::longValue).sum();
      assertThat(counted).isBetween(before, f.count(STORED));
      TallyTest.rollUp(f);
    }
  }

  /** The doctor looks all the time; what is on the move is no finding. */
  private static void examine(StoreFixture f, long deadline) {
    // the server does not wait for the disk here, and the nodes do not beat
    Set<Check> checks = EnumSet.complementOf(EnumSet.of(Check.SETTINGS, Check.LEASES));
    Doctor doctor = f.store.doctor();
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      for (Check check : checks) {
        Doctor.Finding finding = doctor.look(check, Doctor.ROWS);
        assertThat(finding.found()).as(check.word()).isEmpty();
        assertThat(finding.problem()).as(check.word()).isEmpty();
      }
    }
  }

  private static void rollUp(StoreFixture f, long deadline) {
    while (ended(f) < TASKS && System.nanoTime() < deadline) {
      TallyTest.rollUp(f);
    }
  }
}
