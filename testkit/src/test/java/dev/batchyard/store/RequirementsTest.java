package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.TaskViews.PoolUse;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tasks that ask something of their node. */
@PostgresTest
class RequirementsTest {

  /** A claim over few lanes reads less; one that walks what it may not take reads far more. */
  private static final long PAGES_MAX = 100;

  private static final String PAGES =
      """
      select coalesce(sum(pg_stat_get_xact_blocks_fetched(c.oid)), 0)::bigint
        from pg_class c
       where c.oid = 'block'::regclass
          or c.oid in (select indexrelid from pg_index where indrelid = 'block'::regclass)
      """;

  private final TestDatabase database;
  private StoreFixture f;

  RequirementsTest(TestDatabase database) {
    this.database = database;
  }

  @BeforeEach
  void open() {
    f = new StoreFixture(database);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_task_starts_only_on_a_node_that_has_what_it_requires() {
    UUID plain = node("");
    UUID gpu = node("gpu=a100");
    long label = f.submit(requiring("gpu"));
    long memory = f.submit(requiring("memory=9GiB"));
    long any = f.submit();
    assertThat(f.claim(plain, 9)).extracting(Claim::task).containsExactly(any);
    assertThat(f.claim(plain, 9)).isEmpty();
    assertThat(f.claim(gpu, 9)).extracting(Claim::task).containsExactly(label);
    assertThat(f.claim(gpu, 9)).isEmpty();
    assertThat(f.state(memory)).isEqualTo(TaskState.READY);
    assertThat(f.reasons(memory)).containsExactly("no_eligible_node");
    assertThat(f.detail(memory).requirement().text()).isEqualTo("memory=9GiB");

    UUID large = node("large", new Capacity(4, 16_384, 100_000));
    assertThat(f.reasons(memory)).as("a node came that has it").containsExactly("line");
    assertThat(f.claim(large, 9)).extracting(Claim::task).containsExactly(memory);
  }

  @Test
  void a_task_can_name_its_node() {
    UUID first = UUID.randomUUID();
    long mine = f.submit(requiring("node=节点一"));
    f.open(first, "节点一").close();
    f.open(new UUID(0xB, 1), "b").close();
    long others = f.submit(requiring("node=b"));
    assertThat(f.claim(first, 9)).extracting(Claim::task).containsExactly(mine);
    assertThat(f.claim(new UUID(0xB, 1), 9)).extracting(Claim::task).containsExactly(others);
  }

  @Test
  void tasks_that_require_different_things_share_a_pool() {
    UUID gpu = node("gpu");
    UUID plain = node("");
    var _ = f.store.pools().create(Pool.slots("llm", 1), "ann");
    long first = f.submit(using("llm", "gpu"));
    long second = f.submit(using("llm", ""));
    assertThat(f.claim(plain, 9)).extracting(Claim::task).containsExactly(second);
    assertThat(f.claim(gpu, 9)).as("the pool is full").isEmpty();
    f.kill(plain);
    f.passNothingOver();
    assertThat(f.claim(gpu, 9)).extracting(Claim::task).containsExactly(first);
    assertThat(f.detail(first).requirement().text()).isEqualTo("gpu");
    assertThat(f.detail(first).pools()).extracting(PoolUse::pool).containsExactly("llm");
  }

  @Test
  void what_a_task_requires_stays_with_it_over_retries_and_lost_nodes() {
    UUID gpu = node("gpu");
    UUID plain = node("");
    long task = f.submit(requiring("gpu"));
    Claim claim = f.claimOne(gpu);
    f.finish(claim, StoreFixture.retry(Duration.ofSeconds(1)));
    f.pass(Duration.ofSeconds(2));
    assertThat(f.claim(plain, 9)).isEmpty();
    assertThat(f.claimOne(gpu).task()).isEqualTo(task);
    f.kill(gpu);
    assertThat(f.claim(plain, 9)).isEmpty();
    assertThat(f.claimOne(node("gpu")).task()).isEqualTo(task);
  }

  @Test
  void a_resting_node_is_not_woken_for_what_it_may_not_run() {
    NodeRegistration plain = registration("", new Capacity(4, 8_192, 100_000));
    try (NodeSession session = f.store.sessions().open(plain)) {
      f.submit(requiring("gpu"));
      assertThat(session.beat(true, 0, Look.ALL).due()).isEmpty();
      f.submit();
      assertThat(session.beat(true, 0, Look.ALL).due()).contains(Duration.ZERO);
    }
  }

  @Test
  void nodes_that_start_while_requirements_are_made_miss_none() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<UUID>> nodes =
          java.util.stream.IntStream.range(0, 20)
              .mapToObj(i -> {
                Future<UUID> node = threads.submit(() -> node("l" + i));
                Future<Long> task = threads.submit(() -> f.submit(requiring("l" + i)));
                assertThat(task).isNotNull();
                return node;
              })
              .toList();
      for (Future<UUID> node : nodes) {
        UUID boot = node.get();
        assertThat(boot).isNotNull();
      }
    }
    assertThat(
            f.count(
                """
                select count(*)
                  from node n join requirement r on r.text = n.labels[1]
                 where r.id = any (n.meets)
                """))
        .isEqualTo(20);
    assertThat(f.count("select count(*) from node where meets[1] <> 0 or cardinality(meets) <> 2"))
        .as("and none twice, nor another's")
        .isZero();
  }

  @Test
  void a_hundred_thousand_tasks_that_a_node_may_not_run_are_not_walked() throws SQLException {
    f.submit(requiring("gpu"));
    f.sql(
        """
        insert into block (lane, due_at, first, lo, hi)
        select l.id, timestamptz '2030-01-01' + i * interval '1 ms', 1000 + i, 1000 + i, 1000 + i
          from lane l, generate_series(1, 100000) i
         where l.requirement > 0
        """);
    UUID plain = node("");
    assertThat(f.claim(plain, 9)).isEmpty();
    long task = f.submit();
    try (Database one = database.database(new UUID(1, 2));
        Connection c = one.queue().getConnection()) {
      c.setAutoCommit(false);
      long before = Sql.query(c, PAGES, r -> r.getLong(1)).getFirst();
      List<Long> claimed = Sql.query(c, PgClaims.CLAIM, r -> r.getLong("id"), claim(plain));
      long read = Sql.query(c, PAGES, r -> r.getLong(1)).getFirst() - before;
      assertThat(claimed).containsExactly(task);
      assertThat(read).isLessThan(PAGES_MAX);
      c.rollback();
    }
    assertThat(f.claim(plain, 9)).extracting(Claim::task).containsExactly(task);
  }

  @Test
  void there_are_only_so_many_different_ones() {
    f.sql(
        """
        insert into requirement (text) select 'l' || i from generate_series(1, %d) i
        """
            .formatted(Requirements.COUNT_MAX));
    assertThatThrownBy(() -> f.submit(requiring("new")))
        .isInstanceOf(InvalidParameters.class)
        .hasMessageContaining("requires")
        .hasMessageContaining("'new' would be one more than 1000 different ones");
    assertThat(f.state(f.submit(requiring("l7")))).isEqualTo(TaskState.READY);
  }

  @Test
  void a_queue_that_no_node_serves_waits_and_says_so() {
    f.store.queues().create("夜间");
    long night = f.submit(StoreFixture.in("夜间"));
    UUID day =
        open(
            new NodeRegistration(
                UUID.randomUUID(),
                "day",
                "host",
                1,
                "0",
                List.of(StoreFixture.TYPE),
                8,
                new NodeTraits(
                    Capacity.UNKNOWN, new TreeSet<>(), new TreeSet<>(List.of("default")))));
    assertThat(f.claim(day, 9)).isEmpty();
    assertThat(f.reasons(night)).containsExactly("queue_not_served");
    long other = f.submit();
    assertThat(f.claim(day, 9)).extracting(Claim::task).containsExactly(other);
    UUID all = node("");
    assertThat(f.reasons(night)).containsExactly("line");
    assertThat(f.claim(all, 9)).extracting(Claim::task).containsExactly(night);
  }

  private @Nullable Object[] claim(UUID boot) {
    return new @Nullable Object[] {
      f.now,
      boot,
      500,
      new String[] {StoreFixture.TYPE},
      new int[] {9},
      new String[0],
      new int[0],
      null,
      null,
      new int[0],
      new String[0],
      true,
      null,
      0,
      true,
      new UUID(new Random(1).nextLong(), 7),
      boot
    };
  }

  private UUID node(String label) {
    return node(label, new Capacity(4, 8_192, 100_000));
  }

  private UUID node(String label, Capacity capacity) {
    return open(registration(label, capacity));
  }

  private UUID open(NodeRegistration node) {
    f.store.sessions().open(node).close();
    return node.boot();
  }

  private static NodeRegistration registration(String label, Capacity capacity) {
    UUID boot = UUID.randomUUID();
    return new NodeRegistration(
        boot,
        "node-" + boot,
        "host",
        1,
        "0",
        List.of(StoreFixture.TYPE),
        8,
        new NodeTraits(
            capacity,
            new TreeSet<>(label.isEmpty() ? List.of() : List.of(label)),
            new TreeSet<>()));
  }

  private static TaskDraft requiring(String text) {
    return draft(text, Map.of());
  }

  private static TaskDraft using(String pool, String text) {
    return draft(text, Map.of(pool, 1));
  }

  private static TaskDraft draft(String text, Map<String, Integer> pools) {
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
        text.isEmpty() ? Requirement.NONE : Requirement.parse(text),
        pools);
  }
}
