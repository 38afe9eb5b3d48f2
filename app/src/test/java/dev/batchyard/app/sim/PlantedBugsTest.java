package dev.batchyard.app.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The simulation finds what it is there to find: {@code ./dev sim --bugs} as a test. */
@PostgresTest
class PlantedBugsTest {

  /** A change of the product may move histories so that a later seed has to catch it. */
  private static final int WORLDS_MAX = 60;

  /** Which seed caught it when somebody last looked: so one world is enough. */
  private static final Map<Bug, Long> CAUGHT =
      Map.ofEntries(
          Map.entry(Bug.NO_FENCE_ON_COMPLETE, 20L),
          Map.entry(Bug.RENEWAL_OF_A_FENCED_NODE, 134L),
          Map.entry(Bug.CLAIM_BY_A_FENCED_NODE, 66L),
          Map.entry(Bug.RESCUE_SELECTS_THEN_UPDATES, 23L),
          Map.entry(Bug.ONE_SHOT_RESCUE, 20L),
          Map.entry(Bug.CLAIM_KNOWN_TO_THE_DATABASE_ONLY, 5L),
          Map.entry(Bug.WAKE_UPS_WITHOUT_POLLING, 1L),
          Map.entry(Bug.LEASE_BY_THE_NODES_CLOCK, 25L),
          Map.entry(Bug.NAME_REUSED_WHILE_ITS_NODE_LIVES, 2L),
          Map.entry(Bug.FENCED_AS_SOON_AS_ITS_LOCK_IS_FREE, 48L),
          Map.entry(Bug.FENCED_RIGHT_AFTER_AN_OUTAGE, 10L),
          Map.entry(Bug.DEATHS_NOT_CHARGED, 3L),
          Map.entry(Bug.NEIGHBOURS_TAKEN_FOR_ONE_TASK, 4L),
          Map.entry(Bug.SUSPECT_BESIDE_OTHERS, 25L),
          Map.entry(Bug.MORE_CLAIMED_THAN_ASKED_FOR, 1L),
          Map.entry(Bug.CHECKPOINT_BEFORE_DATA, 49L),
          Map.entry(Bug.CHECKPOINT_OUTSIDE_THE_TRANSACTION, 31L),
          Map.entry(Bug.CHUNK_OF_A_LOST_LEASE_KEPT, 994L),
          Map.entry(Bug.REQUEST_FORGOTTEN_AT_THE_END, 242L),
          Map.entry(Bug.REQUEST_FORGOTTEN_BY_THE_RESCUE, 73L),
          Map.entry(Bug.PAUSED_QUEUE_CLAIMED, 35L),
          Map.entry(Bug.RETRY_WITHOUT_ITS_KEY, 1L),
          Map.entry(Bug.OWN_FIRST_TRY_NOT_RECOGNISED, 15L),
          Map.entry(Bug.TERMINAL_OVERWRITTEN, 30L),
          Map.entry(Bug.ATTEMPTS_NUMBERED_ANEW, 30L),
          Map.entry(Bug.RETRY_WITHOUT_DELAY, 6L),
          Map.entry(Bug.BATCH_COUNTED_ONCE_FOR_MANY, 61L),
          Map.entry(Bug.LIVE_KEY_NEVER_FREED, 1L),
          Map.entry(Bug.DONE_STEP_DONE_AGAIN, 3L),
          Map.entry(Bug.COMPENSATED_TWICE, 128L),
          Map.entry(Bug.STEPS_UNDONE_IN_ANY_ORDER, 3L));

  private final TestDatabase test;

  PlantedBugsTest(TestDatabase test) {
    this.test = test;
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void each_planted_bug_is_caught_by_the_invariant_that_it_violates(Bug bug) throws Exception {
    try (SimDatabase database = new SimDatabase(test)) {
      bug.plant(database);
      try {
        Set<String> violated = new TreeSet<>();
        long seed = Objects.requireNonNull(CAUGHT.get(bug), () -> "no seed for " + bug);
        for (int worlds = 0; worlds < WORLDS_MAX && !violated.contains(bug.caughtBy()); seed++) {
          if (bug.mayBeMetBy(Plan.of(seed))) {
            violated.addAll(Simulation.run(seed, database, bug, line -> {}).violations().keySet());
            worlds++;
          }
        }
        assertThat(bug.isMet()).as("all that %s changes is there", bug).isTrue();
        assertThat(violated)
            .as("look for another seed: ./dev sim --bugs --bug %s", bug)
            .contains(bug.caughtBy());
      } finally {
        bug.pull(database);
      }
    }
  }

  @Test
  void a_bug_that_was_pulled_leaves_the_functions_of_the_database_as_they_were() throws Exception {
    try (SimDatabase database = new SimDatabase(test)) {
      String sound = database.functions();
      for (Bug bug : Bug.values()) {
        bug.plant(database);
        bug.pull(database);
      }
      assertThat(database.functions()).isEqualTo(sound);
    }
  }
}
