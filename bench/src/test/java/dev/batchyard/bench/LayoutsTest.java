package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.bench.layout.Layout;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A layout that loses tasks or lets two nodes end one would be measured as a fast one. */
@PostgresTest
final class LayoutsTest {

  private final TestDatabase database;

  LayoutsTest(TestDatabase database) {
    this.database = database;
  }

  private LayoutNode fresh(String name) throws Exception {
    return LayoutNode.fresh(
        database.address(), Objects.requireNonNull(LayoutsBench.LAYOUTS.get(name)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b", "ranges"})
  void endsEveryTaskOnce(String name) throws Exception {
    try (LayoutNode node = fresh(name)) {
      node.submit(2_500);
      node.drain(2_500);
      assertThat(node.layout().ended()).isEqualTo(2_500);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b"})
  void endsNothingWithoutTheLease(String name) throws Exception {
    try (LayoutNode node = fresh(name)) {
      node.submit(3);
      database.execute(
          "insert into batchyard.node (boot, name, host, pid, version, types, slots, lock_key,"
              + " started_at, beat_at, lease_until)"
              + " values ('00000000-0000-0000-0000-000000000001', 'n', 'h', 1, 'v', '{}', 1, 1,"
              + " now(), now(), now())");
      Layout layout = node.layout();
      UUID boot = new UUID(0, 1);
      assertThat(layout.claims().claim(new UUID(0, 2), UUID.randomUUID(), TYPES, 9, true))
          .isEmpty();

      List<Claim> lost = layout.claims().claim(boot, UUID.randomUUID(), TYPES, 2, true);
      assertThat(lost).hasSize(2);
      assertThat(layout.claims().releaseUnheld(boot, Set.of(lost.getFirst().lease()))).isOne();
      Finishes.Result ends = layout.finishes().finish(lost.stream().map(this::completed).toList());
      assertThat(ends.kept()).containsExactly(lost.getFirst().task());
      assertThat(ends.refused()).containsExactly(lost.getLast().task());

      List<Claim> again = layout.claims().claim(boot, UUID.randomUUID(), TYPES, 9, true);
      assertThat(again).hasSize(2).anyMatch(c -> c.task() == lost.getLast().task());
      assertThat(layout.finishes().finish(again.stream().map(this::completed).toList()).kept())
          .hasSize(2);
      assertThat(layout.ended()).isEqualTo(3);
    }
  }

  private static final Map<String, Integer> TYPES = Map.of("bench.nothing", 500);

  private Finish completed(Claim claim) {
    return new Finish(claim, new Verdict.Complete("{}"), "n", Duration.ZERO);
  }
}
