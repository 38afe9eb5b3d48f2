package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

@PostgresTest
class CombinedSubmissionsTest {

  private static final int CALLERS = 16;

  @Test
  void every_caller_gets_its_own_tasks(TestDatabase test) throws Exception {
    try (StoreFixture f = new StoreFixture(test);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Long>>> calls = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        String label = "caller " + caller;
        calls.add(
            threads.submit(() -> {
              List<Long> ids = new ArrayList<>();
              for (int n = 0; n < 50; n++) {
                f.store.submissions().submit(List.of(labelled(label), labelled(label))).stream()
                    .map(Submitted::task)
                    .forEach(ids::add);
              }
              return ids;
            }));
      }
      HashSet<Long> all = new HashSet<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        List<Long> ids = calls.get(caller).get(60, TimeUnit.SECONDS);
        all.addAll(ids);
        assertThat(
                f.count(
                    "select count(*) from task where label = ? and id = any (?)",
                    "caller " + caller,
                    ids.stream().mapToLong(Long::longValue).toArray()))
            .isEqualTo(100);
      }
      assertThat(all).hasSize(CALLERS * 100);
      assertThat(f.count("select count(*) from task")).isEqualTo(CALLERS * 100);
    }
  }

  @Test
  void those_who_wait_share_one_call_and_a_bad_one_fails_alone() throws Exception {
    Gate store = new Gate();
    Submissions combined = new CombinedSubmissions(store);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> first = threads.submit(() -> combined.submit(List.of(labelled("first"))));
      assertThat(store.entered.await(10, TimeUnit.SECONDS)).isTrue();
      List<Future<List<Submitted>>> others = new ArrayList<>();
      for (int n = 0; n < 5; n++) {
        TaskDraft draft = labelled(n == 3 ? "bad" : "other " + n);
        others.add(threads.submit(() -> combined.submit(List.of(draft))));
      }
      store.awaitLine(combined, 5);
      store.open.countDown();
      assertThat(first.get(10, TimeUnit.SECONDS)).isNotNull();
      for (int n = 0; n < 5; n++) {
        Future<List<Submitted>> other = others.get(n);
        if (n == 3) {
          assertThatThrownBy(() -> other.get(10, TimeUnit.SECONDS))
              .hasMessageContaining("bad is refused");
        } else {
          assertThat(other.get(10, TimeUnit.SECONDS)).hasSize(1);
        }
      }
      assertThat(store.sizes).startsWith(1, 5).hasSize(7); // alone, together, then one by one
    }
  }

  @Test
  void an_outage_is_told_to_all_and_nothing_is_sent_twice() throws Exception {
    Gate store = new Gate();
    store.away = true;
    Submissions combined = new CombinedSubmissions(store);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Submitted>>> calls = new ArrayList<>();
      calls.add(threads.submit(() -> combined.submit(List.of(labelled("a")))));
      assertThat(store.entered.await(10, TimeUnit.SECONDS)).isTrue();
      calls.add(threads.submit(() -> combined.submit(List.of(labelled("b")))));
      calls.add(threads.submit(() -> combined.submit(List.of(labelled("c")))));
      store.awaitLine(combined, 2);
      store.open.countDown();
      for (Future<List<Submitted>> call : calls) {
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
            .hasCauseInstanceOf(StoreUnavailable.class);
      }
      assertThat(store.sizes).containsExactly(1, 2);
    }
  }

  @Test
  void large_parameters_share_a_statement_up_to_its_limit() throws Exception {
    Gate store = new Gate();
    Submissions combined = new CombinedSubmissions(store);
    String large = "{\"text\": \"" + "字".repeat(400_000) + "\"}";
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<List<Submitted>>> calls = new ArrayList<>();
      calls.add(threads.submit(() -> combined.submit(List.of(labelled("a", large)))));
      assertThat(store.entered.await(10, TimeUnit.SECONDS)).isTrue();
      for (int n = 0; n < 4; n++) {
        calls.add(threads.submit(() -> combined.submit(List.of(labelled("b", large)))));
      }
      store.awaitLine(combined, 4);
      store.open.countDown();
      for (Future<List<Submitted>> call : calls) {
        assertThat(call.get(10, TimeUnit.SECONDS)).hasSize(1);
      }
      assertThat(store.sizes).containsExactly(1, 2, 2);
    }
  }

  private static TaskDraft labelled(String label) {
    return labelled(label, StoreFixture.draft().paramsJson());
  }

  private static TaskDraft labelled(String label, String paramsJson) {
    TaskDraft draft = StoreFixture.draft();
    return new TaskDraft(
        draft.type(),
        paramsJson,
        label,
        draft.queue(),
        draft.priority(),
        draft.due(),
        draft.keys(),
        draft.batch(),
        draft.retry(),
        draft.limits());
  }

  /** Holds its first call until it is opened. */
  private static final class Gate implements Submissions {

    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private final List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
    private final AtomicLong ids = new AtomicLong();
    private volatile boolean away;

    @Override
    public List<Submitted> submit(List<TaskDraft> drafts) {
      sizes.add(drafts.size());
      entered.countDown();
      try {
        assertThat(open.await(10, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      if (away) {
        throw new StoreUnavailable("away", new IllegalStateException());
      }
      if (drafts.stream().anyMatch(d -> d.label().equals("bad"))) {
        throw new IllegalArgumentException("bad is refused");
      }
      return drafts.stream().map(d -> new Submitted(ids.incrementAndGet(), true)).toList();
    }

    private void awaitLine(Submissions combined, int length) {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      while (((CombinedSubmissions) combined).waiting() < length) {
        assertThat(System.nanoTime()).isLessThan(deadline);
        Thread.onSpinWait();
      }
    }
  }
}
