package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.Arrivals.Arrival;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.task.Counters;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tasks that are stored and leased by one statement. */
@PostgresTest
final class ArrivalsTest {

  private StoreFixture f;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void what_arrives_is_leased_with_everything_that_an_attempt_needs() {
    Claim claim = arrive(node, StoreFixture.draft()).claim().orElseThrow();

    assertThat(f.count("select count(*) from block")).isZero();
    assertThat(claim.type()).isEqualTo(StoreFixture.TYPE);
    assertThat(claim.paramsJson()).isEqualTo("{\"n\": 1}");
    assertThat(claim.counters()).isEqualTo(new Counters(1, 0, 0, 1));
    assertThat(claim.retry()).isEqualTo(RetryPolicy.DEFAULT);
    assertThat(claim.alone()).isFalse();
    assertThat(claim.flags()).isZero();
    assertThat(claim.begun().items()).isZero();
    assertThat(f.state(claim.task())).isEqualTo(TaskState.RUNNING);
    assertThat(f.claim(node, 9)).isEmpty();

    assertThat(f.finish(claim, StoreFixture.complete()).kept()).containsExactly(claim.task());
    assertThat(f.state(claim.task())).isEqualTo(TaskState.COMPLETED);
    assertThat(f.historyIsLegal(claim.task())).isTrue();
  }

  @Test
  void it_goes_back_when_its_node_dies_or_does_not_know_of_it() {
    long task = arrive(node, StoreFixture.draft()).task();
    assertThat(f.kill(node)).isEqualTo(1);
    assertThat(f.state(task)).isEqualTo(TaskState.READY);
    UUID other = f.node();
    Claim again = f.claimOne(other);
    assertThat(again.task()).isEqualTo(task);
    assertThat(again.counters()).isEqualTo(new Counters(2, 0, 1, 1));
    f.finish(again, StoreFixture.complete());

    long lost = arrive(other, StoreFixture.draft()).task();
    assertThat(f.store.claims().releaseUnheld(other, Set.of())).isEqualTo(1);
    assertThat(f.claimOne(other).counters()).isEqualTo(new Counters(2, 0, 0, 1));
    assertThat(f.historyIsLegal(lost)).isTrue();
  }

  @Test
  void it_waits_as_any_other_where_the_node_may_not_run_it() {
    f.store.queues().pause("default", "kim");
    waits(node, StoreFixture.draft());
    f.store.queues().resume("default");

    f.store.cordons().cordon("node-" + node, "kim");
    waits(node, StoreFixture.draft());
    f.store.cordons().uncordon("node-" + node);

    waits(new UUID(9, 9), StoreFixture.draft());
    waits(node, requiring("gpu"));
    waits(serving("night"), StoreFixture.draft());

    var _ = f.store.pools().create(Pool.slots("few", 1).ofType(StoreFixture.TYPE), "kim");
    waits(node, StoreFixture.draft());

    f.store.sessions().leave(node);
    waits(node, StoreFixture.draft());
  }

  @Test
  void a_node_with_what_it_requires_and_its_queue_begins_it() {
    UUID able = serving("default", "gpu=a100");
    assertThat(arrive(able, requiring("gpu")).claim()).isPresent();
  }

  @Test
  void an_unknown_name_is_refused_and_nothing_is_stored() {
    assertThatThrownBy(() -> arrive(node, StoreFixture.in("nowhere")))
        .isInstanceOf(UnknownName.class)
        .hasMessageContaining("queue 'nowhere' does not exist");
    assertThat(f.count("select count(*) from task")).isZero();
  }

  @Test
  void only_single_plain_tasks_that_are_due_are_offered_to_the_nodes_of_the_process() {
    List<TaskDraft> offered = new ArrayList<>();
    LocalNode busy =
        new LocalNode() {
          @Override
          public void wake() {}

          @Override
          public Optional<Submitted> arrive(TaskDraft draft) {
            offered.add(draft);
            return Optional.empty();
          }
        };
    f.store.addNode(busy);
    f.submit(StoreFixture.keyed("k"));
    f.submit(StoreFixture.due(f.now.plusSeconds(9)));
    f.submit(StoreFixture.limited(Limits.NONE.withTotalTimeout(Duration.ofHours(1))));
    f.submit(2);
    assertThat(offered).isEmpty();
    long waits = f.submit();
    assertThat(offered).containsExactly(StoreFixture.draft());
    assertThat(f.state(waits)).as("nobody took it").isEqualTo(TaskState.READY);
    f.store.removeNode(busy);
    f.submit();
    assertThat(offered).hasSize(1);
  }

  private Arrival arrive(UUID boot, TaskDraft draft) {
    return f.store.arrivals().submit(boot, UUID.randomUUID(), draft);
  }

  private void waits(UUID boot, TaskDraft draft) {
    Arrival arrival = arrive(boot, draft);
    assertThat(arrival.claim()).isEmpty();
    assertThat(f.state(arrival.task())).isEqualTo(TaskState.READY);
    assertThat(f.count("select count(*) from block where ? between lo and hi", arrival.task()))
        .isEqualTo(1);
  }

  private UUID serving(String queue, String... labels) {
    if (f.count("select count(*) from queue where name = ?", queue) == 0) {
      var _ = f.store.queues().create(queue);
    }
    UUID boot = UUID.randomUUID();
    f.store
        .sessions()
        .open(
            new NodeRegistration(
                boot,
                "node-" + boot,
                "host",
                1,
                "0",
                List.of(StoreFixture.TYPE),
                8,
                new NodeTraits(
                    Capacity.UNKNOWN,
                    new TreeSet<>(List.of(labels)),
                    new TreeSet<>(List.of(queue)))))
        .close();
    return boot;
  }

  private static TaskDraft requiring(String requirement) {
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        "default",
        4,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default",
        Limits.NONE,
        Requirement.parse(requirement),
        Map.of());
  }
}
