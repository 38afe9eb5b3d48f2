package dev.batchyard.app.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The simulation finds what it is there to find: {@code ./dev sim --bugs} as a test. */
@PostgresTest
class PlantedBugsTest {

  /** A change of the product may move histories so that a later seed has to catch it. */
  private static final int MORE_WORLDS_MAX = 8;

  private static BugSeeds seeds;
  private static SimDatabase database;

  @BeforeAll
  static void open(TestDatabase test) throws SQLException, IOException {
    seeds = BugSeeds.read();
    database = new SimDatabase(test);
  }

  @AfterAll
  static void close() throws SQLException {
    database.close();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void each_planted_bug_is_caught_by_the_invariant_that_it_violates(Bug bug) throws Exception {
    BugHunt hunt = new BugHunt(database, bug);
    bug.plant(database);
    try {
      long seed = seeds.of(bug).orElseThrow();
      hunt.meet(seed);
      if (hunt.seed().isEmpty()) {
        hunt.search(seed + 1, 1, 1 + MORE_WORLDS_MAX);
        System.err.printf(
            "RESEED %s: %s; run ./dev sim --bugs --reseed and commit what it writes%n", bug, hunt);
      }
    } finally {
      bug.pull(database);
    }
    assertThat(bug.isMet()).as("all that %s changes is there", bug).isTrue();
    assertThat(hunt.seed()).as("%s, %s: ./dev sim --bugs --reseed", bug, hunt).isPresent();
  }

  @Test
  void a_bug_that_was_pulled_leaves_the_functions_of_the_database_as_they_were() throws Exception {
    String sound = database.functions();
    for (Bug bug : Bug.values()) {
      bug.plant(database);
      bug.pull(database);
    }
    assertThat(database.functions()).isEqualTo(sound);
  }
}
