package dev.batchyard.app.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Some seeds of the simulation; {@code ./dev sim} runs as many as one likes. */
@PostgresTest
class SimulationTest {

  private static final int SEEDS = 60;

  private final TestDatabase test;

  SimulationTest(TestDatabase test) {
    this.test = test;
  }

  @Test
  void sixty_seeds_violate_nothing() throws Exception {
    try (SimDatabase database = new SimDatabase(test)) {
      for (long seed = 1; seed <= SEEDS; seed++) {
        Simulation.Result result = Simulation.run(seed, database, Bug.NONE, line -> {});
        assertThat(result.violations())
            .as("%s: ./dev sim --seed %d --trace", result.plan(), seed)
            .isEmpty();
      }
    }
  }

  @Test
  void the_same_seed_makes_the_same_history() throws Exception {
    try (SimDatabase database = new SimDatabase(test)) {
      for (long seed = 1; seed <= 5; seed++) {
        List<String> first = new ArrayList<>();
        List<String> second = new ArrayList<>();
        String hash = Simulation.run(seed, database, Bug.NONE, first::add).hash();
        String again = Simulation.run(seed, database, Bug.NONE, second::add).hash();
        assertThat(second).isEqualTo(first).hasSizeGreaterThan(100);
        assertThat(again).isEqualTo(hash);
      }
      assertThat(Simulation.run(6, database, Bug.NONE, line -> {}).hash())
          .isNotEqualTo(Simulation.run(7, database, Bug.NONE, line -> {}).hash());
    }
  }
}
