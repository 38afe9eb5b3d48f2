package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.app.process.Journal.Asked;
import dev.batchyard.engine.port.OperatorMoves;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.task.TimeLimits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/** Handlers that harm whatever they can reach, on real node processes. */
final class MischiefTest {

  private static final double TIMESCALE = 0.1;

  /** How long what goes on beside a mischief may be held up by it. */
  private static final Duration NEIGHBOURS_MAX = Duration.ofSeconds(3);

  /** The same where those who compute have their share of all processors, and never leave them. */
  private static final Duration BESIDE_MAX = Duration.ofSeconds(15);

  /** A lease of this scale: a handler that hears nothing is given up by then. */
  private static final Duration DEAF_MAX = Duration.ofSeconds(1);

  private static final Duration ATTEMPT = Duration.ofMillis(200);
  private static final int DEATHS_MAX = 3;

  /** What a node bears, and what it exits with then. */
  private static final int LEAKS_MAX = 8;

  private static final int WORN_OUT = 75;

  private static final String READ = "select coalesce(max(read), 0) from batchyard.checkpoint";

  private static final int NEIGHBOURS = 6;
  private static final long LOOK_NS = 20_000_000;

  @TempDir private Path folder;

  private Yard yard;
  private Herd herd;
  private Submitter submitter;

  @BeforeEach
  void open() throws Exception {
    yard = new Yard(folder, TIMESCALE);
    herd = new Herd(yard, 2, Optional.empty());
    submitter =
        new Deeds(
                new PGSimpleDataSource(),
                yard.installation().store(),
                Mischief.type(new PGSimpleDataSource()))
            .submitter();
    try (Connection db = yard.connect()) {
      Deeds.prepare(db);
    }
  }

  @AfterEach
  void close() throws Exception {
    herd.close();
    yard.close();
  }

  @Test
  void what_a_handler_does_to_its_own_thread_harms_its_own_task_alone() throws Exception {
    herd.add();
    Limits limits = Limits.NONE.withAttemptTimeout(ATTEMPT);
    List<Long> deaf = new ArrayList<>();
    for (int n = 0; n < Runtime.getRuntime().availableProcessors(); n++) {
      deaf.add(submit(Mischief.task(Mischief.SPINS).withLimits(limits)));
    }
    deaf.add(submit(Mischief.task(Mischief.WAITS).withLimits(limits)));
    long cancelled = submit(Mischief.task(Mischief.WAITS));
    yard.await("the deaf", () -> deaf.stream().allMatch(this::isRunning) && isRunning(cancelled));

    long from = System.nanoTime();
    List<Long> neighbours =
        submitter
            .submit(
                List.of(
                    Deeds.task(1, Asked.of(Deed.COMPLETE, TaskKeys.NONE)),
                    Deeds.task(2, Asked.of(Deed.CHUNKS, TaskKeys.NONE)),
                    Deeds.task(3, Asked.of(Deed.WRITE, TaskKeys.NONE))))
            .stream()
            .map(s -> s.task())
            .toList();
    yard.await("the neighbours", () -> neighbours.stream().allMatch(t -> yard.state(t).ended()));
    assertThat(Duration.ofNanos(System.nanoTime() - from)).isLessThan(BESIDE_MAX);
    assertThat(neighbours).extracting(yard::state).containsOnly(TaskState.COMPLETED);

    long askedNs = System.nanoTime();
    assertThat(yard.installation().store().operatorMoves().cancel(cancelled, "kim"))
        .isEqualTo(OperatorMoves.Move.REQUESTED);
    yard.await("the cancel", () -> yard.state(cancelled) == TaskState.CANCELLED);
    assertThat(Duration.ofNanos(System.nanoTime() - askedNs)).isLessThan(DEAF_MAX.plus(BESIDE_MAX));
    yard.await("the timeouts", () -> deaf.stream().allMatch(t -> yard.state(t).ended()));
    assertThat(deaf).extracting(this::problem).containsOnly(TimeLimits.ATTEMPT_TIMEOUT.message());

    long leaking = submit(Mischief.task(Mischief.LEAKS_THREADS));
    long overflowing = submit(Mischief.task(Mischief.OVERFLOWS_STACK));
    long pretending = submit(Mischief.task(Mischief.THROWS_OUT_OF_MEMORY));
    long asserting = submit(Mischief.task(Mischief.ASSERTS));
    long after = submit(Deeds.task(4, Asked.of(Deed.WRITE, TaskKeys.NONE)));
    for (long task : List.of(leaking, overflowing, pretending, asserting, after)) {
      yard.await("the end of task " + task, () -> yard.state(task).ended());
    }
    assertThat(problem(overflowing)).contains("StackOverflowError");
    assertThat(problem(pretending)).isEqualTo("as if");
    assertThat(problem(asserting)).contains("断言失败");
    assertThat(List.of(leaking, after)).extracting(yard::state).containsOnly(TaskState.COMPLETED);
    assertThat(herd.at(0).isAlive()).as("one node has done it all").isTrue();
    assertThat(yard.numbers("select count(*) from batchyard.node")).containsExactly(1L);
  }

  @Test
  void who_takes_the_heap_takes_its_node_and_is_set_apart_and_its_neighbours_go_on()
      throws Exception {
    provePoison(Mischief.FILLS_HEAP);
  }

  @Test
  void who_ends_the_process_takes_its_node_and_is_set_apart_and_its_neighbours_go_on()
      throws Exception {
    provePoison(Mischief.EXITS);
  }

  @Test
  void
      a_server_full_of_handlers_that_do_not_stop_gives_back_what_it_holds_and_ends_to_be_started_again()
          throws Exception {
    NodeProcess worn = yard.startMischief("worn");
    long neighbour = submit(Mischief.task(Mischief.BEHAVES));
    yard.await("a checkpoint of it", () -> yard.ask(READ).filter(n -> n > 0).isPresent());
    Limits limits = Limits.NONE.withAttemptTimeout(ATTEMPT);
    List<Long> deaf = new ArrayList<>();
    for (int n = 0; n < LEAKS_MAX; n++) {
      deaf.add(submit(Mischief.task(Mischief.WAITS).withLimits(limits)));
    }
    assertThat(worn.awaitEnd()).isEqualTo(WORN_OUT);
    assertThat(Files.readString(worn.log()))
        .contains("its thread goes on, %1$d of %1$d that this node bears".formatted(LEAKS_MAX))
        .contains("batchyard: node worn is worn out:", "exit code 75", "is to be started again")
        .contains("released, to go on when a node runs: task " + neighbour);
    assertThat(yard.state(neighbour)).isEqualTo(TaskState.READY);
    assertThat(deaf).extracting(this::problem).containsOnly(TimeLimits.ATTEMPT_TIMEOUT.message());

    yard.startMischief("worn");
    yard.await("the neighbour", () -> yard.state(neighbour).ended());
    assertThat(yard.state(neighbour)).isEqualTo(TaskState.COMPLETED);
    assertThat(yard.detail(neighbour).row().counters().failures()).isZero();
    assertThat(yard.detail(neighbour).row().counters().crashes()).isZero();
  }

  private void provePoison(Mischief mischief) throws Exception {
    herd.add();
    herd.add();
    herd.awaitSessions();
    List<Long> neighbours =
        submitter.submit(Collections.nCopies(NEIGHBOURS, Mischief.task(Mischief.BEHAVES))).stream()
            .map(s -> s.task())
            .toList();
    yard.await( // who has committed something is no suspect
        "that all have begun",
        () ->
            yard.numbers("select count(*) from batchyard.checkpoint")
                .equals(List.of((long) NEIGHBOURS)));
    long poison = submit(Mischief.task(mischief));
    yard.await("a death", () -> !herd.at(0).isAlive() || !herd.at(1).isAlive());
    long diedNs = System.nanoTime();
    int victim = herd.at(0).isAlive() ? 1 : 0;
    String orphaned =
        "select count(*) from batchyard.lease l join batchyard.node n using (boot) where n.pid = "
            + herd.at(victim).pid();
    yard.await("that others have them", () -> yard.numbers(orphaned).equals(List.of(0L)));
    yard.await(
        "that they run",
        () -> neighbours.stream().allMatch(t -> isRunning(t) || yard.state(t).ended()));
    assertThat(Duration.ofNanos(System.nanoTime() - diedNs)).isLessThan(NEIGHBOURS_MAX);

    int deaths = 1;
    herd.kill(victim);
    int place = victim;
    while (deaths <= DEATHS_MAX && !yard.state(poison).ended()) {
      place = 1 - place;
      if (!herd.at(place).isAlive()) {
        deaths++;
        herd.kill(place);
      }
      LockSupport.parkNanos(LOOK_NS);
    }
    assertThat(deaths).isEqualTo(DEATHS_MAX);
    assertThat(yard.state(poison)).isEqualTo(TaskState.QUARANTINED);
    yard.await("the neighbours", () -> neighbours.stream().allMatch(t -> yard.state(t).ended()));
    for (long task : neighbours) {
      TaskDetail detail = yard.detail(task);
      assertThat(detail.row().state()).isEqualTo(TaskState.COMPLETED);
      assertThat(detail.row().counters().failures()).isZero();
      assertThat(detail.row().counters().crashes()).isZero();
    }
  }

  private long submit(NewTask task) {
    return submitter.submit(task).task();
  }

  private boolean isRunning(long task) {
    return yard.state(task) == TaskState.RUNNING;
  }

  private String problem(long task) {
    return String.valueOf(yard.detail(task).row().problem());
  }
}
