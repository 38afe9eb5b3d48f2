package dev.batchyard.bench;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.Filter;
import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import dev.batchyard.store.server.Database;
import dev.batchyard.store.server.Migrations;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./dev bench history}: how long lists with each filter, one task, the counts and a claim
 * take over a long history and many waiting tasks. The figure of the lists is that of the slowest
 * filter.
 */
@Command(
    name = "history",
    mixinStandardHelpOptions = true,
    description = "Lists, one task, counts and claims over 10 M ended and 1 M waiting tasks.")
final class HistoryBench implements Callable<Integer> {

  private static final List<Bound> BOUNDS =
      List.of(
          Bound.atMost("history.list.p95", 300, 100),
          Bound.atMost("history.task.p95", 300, 20),
          Bound.atMost("history.counts.p95", 300, 200),
          Bound.atMost("history.claim.p99", 25, 10));

  private static final int LISTS = 60;
  private static final int FINDS = 400;
  private static final int COUNTS = 60;
  private static final int CLAIMS = 600;
  private static final int CLAIMED = 50;
  private static final int PAGE = 50;
  private static final int SLOTS = 8;

  private static final Map<String, Set<TaskState>> STATES =
      Map.of(
          "any", Set.of(),
          "completed", Set.of(TaskState.COMPLETED),
          "failed", Set.of(TaskState.FAILED),
          "ended", Set.of(TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED),
          "ready", Set.of(TaskState.READY),
          "waiting", Set.of(TaskState.SCHEDULED, TaskState.RETRYING, TaskState.BLOCKED),
          "alive", Set.of(TaskState.READY, TaskState.RUNNING, TaskState.PAUSED));

  private final PrintStream out = System.out;
  private final Figures figures = new Figures(out);
  private final SplittableRandom random = new SplittableRandom(4711);

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--rows", description = "ended tasks; 10,000,000 unless set")
  private long rows = 10_000_000;

  @Option(names = "--waiting", description = "waiting tasks; 1,000,000 unless set")
  private long waiting = 1_000_000;

  /** Something whose time is taken. */
  @FunctionalInterface
  private interface Timed {
    void run();
  }

  @Override
  public Integer call() throws Exception {
    if (rows < HistoryRows.PARTITIONS || waiting < CLAIMS * CLAIMED) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(),
          "--rows must be at least %d, --waiting at least %d"
              .formatted(HistoryRows.PARTITIONS, CLAIMS * CLAIMED));
    }
    Machine.print(out);
    Path folder = Files.createTempDirectory("batchyard-bench");
    try (BenchServer server = BenchServer.start(folder, out);
        Database database = new Database(server.address(), UUID.randomUUID(), 1)) {
      Migrations.run(database);
      Store store =
          new Store(
              database.queue(),
              database::session,
              StoreClock.DATABASE,
              new SplittableRandom(),
              Store.Settings.DEFAULT);
      long last = new HistoryRows(server.source(false), store, out).fill(rows, waiting);
      measure(store, last);
    } finally {
      Files.deleteIfExists(folder);
    }
    out.println("# at the end: " + Machine.load());
    return report();
  }

  private void measure(Store store, long last) throws IOException {
    out.println("# " + Machine.load());
    claims(store);
    lists(store.taskViews(), last);
    add(
        "history.task.p95",
        percentile(
            95,
            FINDS,
            () -> {
              if (store.taskViews().find(someId(last)).isEmpty()) {
                throw new IllegalStateException("a task that was made is not found");
              }
            }));
    add("history.counts.p95", percentile(95, COUNTS, () -> requireAll(store.taskViews().counts())));
  }

  private void claims(Store store) {
    UUID boot = UUID.randomUUID();
    Map<String, Integer> leaseMax = new HashMap<>();
    for (int i = 0; i < HistoryRows.TYPES; i++) {
      leaseMax.put(HistoryRows.type(i), CLAIMED);
    }
    try (NodeSession _ =
        store
            .sessions()
            .open(
                new NodeRegistration(
                    boot, "bench", "localhost", 1, "0", List.copyOf(leaseMax.keySet()), SLOTS))) {
      add(
          "history.claim.p99",
          percentile(
              99,
              CLAIMS,
              () -> {
                List<Claim> claims =
                    store.claims().claim(boot, UUID.randomUUID(), leaseMax, CLAIMED, true);
                if (claims.isEmpty()) {
                  throw new IllegalStateException("nothing claimed, though tasks wait");
                }
              }));
    }
  }

  /** Each filter from the newest task and from anywhere. */
  private void lists(TaskViews views, long last) {
    Map<String, Filter> filters = new LinkedHashMap<>();
    filters.put("every type", of(Optional.empty(), Optional.empty()));
    filters.put("a frequent type", of(Optional.of(HistoryRows.type(1)), Optional.empty()));
    filters.put("a seldom type", of(Optional.of(HistoryRows.type(7)), Optional.empty()));
    filters.put("a type without tasks", of(Optional.of(HistoryRows.RARE), Optional.empty()));
    filters.put("the usual queue", of(Optional.empty(), Optional.of(NewTask.DEFAULT_QUEUE)));
    filters.put("a queue without tasks", of(Optional.empty(), Optional.of(HistoryRows.RARE)));
    double slowest_ms = 0;
    for (String states : STATES.keySet().stream().sorted().toList()) {
      for (Map.Entry<String, Filter> filter : filters.entrySet()) {
        int[] round = {0};
        double p95_ms =
            percentile(
                95,
                LISTS,
                () -> {
                  OptionalLong before =
                      round[0]++ % 2 == 0 ? OptionalLong.empty() : OptionalLong.of(someId(last));
                  Filter asked = filter.getValue();
                  var _ =
                      views.list(
                          new Filter(
                              Objects.requireNonNull(STATES.get(states)),
                              asked.type(),
                              asked.queue(),
                              OptionalLong.empty()),
                          before,
                          PAGE);
                });
        out.printf(Locale.ROOT, "# list of %s, %s: p95 %.1f ms%n", states, filter.getKey(), p95_ms);
        slowest_ms = Math.max(slowest_ms, p95_ms);
      }
    }
    add("history.list.p95", slowest_ms);
  }

  private static Filter of(Optional<String> type, Optional<String> queue) {
    return new Filter(Set.of(), type, queue, OptionalLong.empty());
  }

  private void requireAll(Map<TaskState, Long> counts) {
    long sum = counts.values().stream().mapToLong(Long::longValue).sum();
    long made = rows / HistoryRows.PARTITIONS * HistoryRows.PARTITIONS + waiting;
    if (sum != made) {
      throw new IllegalStateException("%d counted of %d".formatted(sum, made));
    }
  }

  private long someId(long last) {
    long each = rows / HistoryRows.PARTITIONS;
    int partition = random.nextInt(HistoryRows.PARTITIONS);
    long from = HistoryRows.first(partition);
    return partition == HistoryRows.PARTITIONS - 1
        ? random.nextLong(from, last + 1)
        : random.nextLong(from, from + each);
  }

  private void add(String figure, double value_ms) {
    figures.add(figure, value_ms, "ms");
  }

  private static double percentile(int percent, int times, Timed work) {
    double[] took_ms = new double[times];
    for (int i = 0; i < times; i++) {
      long from_ns = System.nanoTime();
      work.run();
      took_ms[i] = (System.nanoTime() - from_ns) / 1e6;
    }
    Arrays.sort(took_ms);
    return took_ms[(int) Math.ceil(times * percent / 100.0) - 1];
  }

  private int report() {
    figures.print();
    boolean held = true;
    for (Bound bound : BOUNDS) {
      out.println(bound.verdict(figures.median(bound.figure())));
      held &= figures.median(bound.figure()).stream().allMatch(bound::holds);
    }
    return held ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }
}
