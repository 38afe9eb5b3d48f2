package dev.batchyard.app.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Some seeds of the simulation; {@code ./dev sim} runs as many as one likes. */
@PostgresTest
class SimulationTest {

  private static final int SEEDS = 60;

  private static SimDatabase database;

  /** What came of worlds, each run once. */
  private static final Map<Long, Told> WORLDS = new HashMap<>();

  private record Told(Simulation.Result result, List<String> lines) {}

  @BeforeAll
  static void open(TestDatabase test) throws SQLException {
    database = new SimDatabase(test);
  }

  @AfterAll
  static void close() throws SQLException {
    database.close();
    WORLDS.clear();
  }

  @Test
  void sixty_seeds_violate_nothing() throws Exception {
    for (long seed = 1; seed <= SEEDS; seed++) {
      Simulation.Result result = world(seed).result();
      assertThat(result.violations())
          .as("%s: ./dev sim --seed %d --trace", result.plan(), seed)
          .isEmpty();
    }
  }

  @Test
  void the_same_seed_makes_the_same_history() throws Exception {
    for (long seed = 1; seed <= 5; seed++) {
      Told again = run(seed);
      assertThat(again.lines()).isEqualTo(world(seed).lines()).hasSizeGreaterThan(100);
      assertThat(again.result().hash()).isEqualTo(world(seed).result().hash());
    }
    assertThat(world(6).result().hash()).isNotEqualTo(world(7).result().hash());
  }

  private static Told world(long seed) throws SQLException {
    Told known = WORLDS.get(seed);
    if (known == null) {
      known = run(seed);
      WORLDS.put(seed, known);
    }
    return known;
  }

  private static Told run(long seed) throws SQLException {
    List<String> lines = new ArrayList<>();
    return new Told(Simulation.run(seed, database, Bug.NONE, lines::add), lines);
  }
}
