package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeLoad;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.NodePulse;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a node tells of itself at its start and with each beat. */
@PostgresTest
class NodesTest {

  private static final NodeTraits TRAITS =
      new NodeTraits(
          new Capacity(4, 8_192, 100_000),
          new TreeSet<>(List.of("区=东", "gpu=a100")),
          new TreeSet<>(List.of("default", "夜间")));

  private final TestDatabase database;
  private StoreFixture f;

  NodesTest(TestDatabase database) {
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
  void a_node_shows_what_it_has_and_serves() {
    UUID boot = UUID.randomUUID();
    open(boot, NodeTraits.NONE).close();
    assertThat(row().traits()).isEqualTo(NodeTraits.NONE);
    open(boot, TRAITS).close();
    assertThat(row().traits()).as("a session that is opened again").isEqualTo(TRAITS);
  }

  @Test
  void a_beat_tells_how_loaded_the_node_is() {
    try (NodeSession session = open(UUID.randomUUID(), TRAITS)) {
      session.beat(true, 0, Look.NONE);
      assertThat(row().load()).as("not measured yet").isEmpty();
      assertThat(row().use()).isEmpty();
      assertThat(row().freeSlots()).isEqualTo(8);

      NodeLoad load = new NodeLoad(new MachineUse(0.5, 0.25, 0.75), 0.375);
      session.beat(true, 0, Look.NONE, new NodePulse(Optional.of(load), 3));
      assertThat(row().load().orElseThrow()).isCloseTo(load.score(), within(1e-6));
      assertThat(row().use()).contains(load.use());
      assertThat(row().active()).isEqualTo(3);
      assertThat(row().freeSlots()).isEqualTo(5);
    }
  }

  private NodeSession open(UUID boot, NodeTraits traits) {
    return f.store
        .sessions()
        .open(
            new NodeRegistration(
                boot, "node", "host", 1, "0", List.of(StoreFixture.TYPE), 8, traits));
  }

  private NodeRow row() {
    return f.store.nodeViews().nodes().getFirst();
  }
}
