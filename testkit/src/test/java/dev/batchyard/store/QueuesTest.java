package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.Queues;
import dev.batchyard.engine.port.Queues.Change;
import dev.batchyard.engine.port.Queues.QueueRow;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
class QueuesTest {

  private StoreFixture f;
  private Queues queues;
  private UUID node;

  @BeforeEach
  void open(TestDatabase test) {
    f = new StoreFixture(test);
    queues = f.store.queues();
    node = f.node();
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_queue_takes_tasks_as_soon_as_it_is_made() {
    assertThatThrownBy(() -> f.submit(in("夜间"))).isInstanceOf(UnknownName.class);
    assertThat(queues.create("夜间")).isEqualTo(Change.DONE);
    assertThat(queues.create("夜间")).isEqualTo(Change.ALREADY);
    assertThat(queues.names()).containsExactlyInAnyOrder("default", "夜间");
    long task = f.submit(in("夜间"));
    assertThat(f.detail(task).row().queue()).isEqualTo("夜间");
    assertThat(f.claimOne(node).task()).isEqualTo(task);
  }

  @Test
  void a_name_that_would_be_a_trouble_on_a_command_line_is_refused() {
    for (String name : new String[] {"", " ", "a b", "-x", "a'b", "a\nb", "x".repeat(101)}) {
      assertThatThrownBy(() -> queues.create(name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 to 100 letters");
    }
    assertThat(queues.create("x".repeat(100))).isEqualTo(Change.DONE);
  }

  @Test
  void the_list_says_what_waits_what_runs_and_who_paused() {
    queues.create("a");
    f.submit(in("a"));
    f.submit(in("a"));
    f.submit(in("a"));
    f.claim(node, 2);
    f.submit(StoreFixture.due(f.now.plusSeconds(60)));
    queues.pause("a", "kim");

    assertThat(queues.list())
        .containsExactly(
            new QueueRow(
                "a", 1, 0, 2, Duration.ofSeconds(60), Optional.of("kim"), Optional.of(f.now)),
            new QueueRow(
                "default", 0, 1, 0, Duration.ofSeconds(60), Optional.empty(), Optional.empty()));
  }

  @Test
  void nothing_of_a_paused_queue_starts_on_any_node_until_it_is_resumed() {
    queues.create("a");
    long paused = f.submit(in("a"));
    long other = f.submit();
    assertThat(queues.pause("a", "kim")).isEqualTo(Change.DONE);
    assertThat(queues.pause("a", "lee")).as("the first who did").isEqualTo(Change.ALREADY);
    assertThat(f.claim(node, 9)).extracting(Claim::task).containsExactly(other);
    assertThat(f.claim(node, 9)).isEmpty();
    assertThat(f.claim(f.node(), 9)).isEmpty();

    UUID boot = new UUID(3, 3);
    try (NodeSession session = f.open(boot, "n")) {
      session.beat(false, 0, Look.NONE);
      assertThat(queues.resume("a")).isEqualTo(Change.DONE);
      assertThat(session.awaitWake(Duration.ofSeconds(20))).as("nodes are woken").isTrue();
    }
    assertThat(queues.resume("a")).isEqualTo(Change.ALREADY);
    assertThat(f.claim(node, 9)).extracting(Claim::task).containsExactly(paused);
  }

  @Test
  void the_age_step_says_how_much_waiting_counts() {
    assertThat(queues.ageStep("default", Duration.ZERO)).isEqualTo(Change.DONE);
    assertThat(queues.ageStep("default", Duration.ZERO)).isEqualTo(Change.ALREADY);
    long patient = f.submit(priority(7));
    f.pass(Duration.ofMillis(1));
    long urgent = f.submit(priority(0));
    assertThat(f.claimOne(node).task()).as("in order of due times").isEqualTo(patient);
    assertThat(f.claimOne(node).task()).isEqualTo(urgent);

    assertThat(queues.ageStep("default", Duration.ofMillis(1500))).isEqualTo(Change.DONE);
    assertThat(queues.list().getFirst().ageStep()).isEqualTo(Duration.ofMillis(1500));
    for (Duration wrong : new Duration[] {Duration.ofMillis(-1), Duration.ofDays(31)}) {
      assertThatThrownBy(() -> queues.ageStep("default", wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("0 to 30 days");
    }
  }

  @Test
  void an_unknown_queue_is_not_found() {
    assertThat(queues.pause("x", "kim")).isEqualTo(Change.NOT_FOUND);
    assertThat(queues.resume("x")).isEqualTo(Change.NOT_FOUND);
    assertThat(queues.ageStep("x", Duration.ofSeconds(1))).isEqualTo(Change.NOT_FOUND);
  }

  private static TaskDraft in(String queue) {
    return StoreFixture.in(queue);
  }

  private static TaskDraft priority(int priority) {
    return new TaskDraft(
        StoreFixture.TYPE,
        "{}",
        "",
        "default",
        priority,
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        "default");
  }
}
