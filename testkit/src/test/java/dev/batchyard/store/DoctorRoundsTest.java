package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Doctor.Example;
import dev.batchyard.engine.port.Doctor.LastLook;
import dev.batchyard.engine.port.Upkeep;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The looks that nodes take by themselves. */
@PostgresTest
class DoctorRoundsTest {

  private final TestDatabase test;
  private StoreFixture f;
  private Upkeep node;
  private Upkeep other;

  DoctorRoundsTest(TestDatabase test) {
    this.test = test;
  }

  @BeforeEach
  void open() {
    f = new StoreFixture(test);
    node = f.store.upkeep();
    other = f.store.upkeep();
  }

  @AfterEach
  void close() {
    f.close();
  }

  private static int steps(Upkeep upkeep) {
    int steps = 0;
    while (upkeep.examine()) {
      steps++;
    }
    return steps;
  }

  private LastLook last(Check check) {
    return f.store.doctor().lastLooks().stream()
        .filter(look -> look.check() == check)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void a_node_looks_at_all_and_keeps_what_it_found() {
    assertThat(f.store.doctor().lastLooks()).hasSize(Check.values().length);
    assertThat(last(Check.REQUESTS).at()).isEmpty();
    f.sql("insert into request values (7, 'pause', gen_random_uuid(), '李雷', now())");
    assertThat(steps(node)).isPositive();
    assertThat(f.store.doctor().lastLooks())
        .filteredOn(look -> look.at().isEmpty())
        .extracting(LastLook::check)
        .as("this store knows no clock of its node")
        .containsExactly(Check.CLOCK);
    LastLook found = last(Check.REQUESTS);
    assertThat(found.found()).isEqualTo(1);
    assertThat(found.since()).contains(StoreFixture.START);
    assertThat(found.examples()).extracting(Example::subject).containsExactly("task 7");
    assertThat(found.examples().getFirst().detail()).contains("李雷");
    f.pass(Duration.ofMinutes(5));
    assertThat(steps(node)).isZero();
    assertThat(last(Check.REQUESTS).at()).contains(f.now);
    assertThat(last(Check.REQUESTS).since()).as("as before").contains(StoreFixture.START);
    f.sql("delete from request");
    f.pass(Duration.ofMinutes(5));
    assertThat(steps(node)).isZero();
    assertThat(last(Check.REQUESTS).since()).isEmpty();
    assertThat(last(Check.REQUESTS).examples()).isEmpty();
  }

  @Test
  void quick_ones_come_every_five_minutes_and_walks_every_hour_whoever_takes_them() {
    assertThat(steps(node)).isPositive();
    assertThat(steps(other)).as("all are taken").isZero();
    f.pass(Duration.ofMinutes(5));
    assertThat(steps(other)).isZero();
    assertThat(last(Check.LEASES).at()).contains(f.now);
    assertThat(last(Check.HOMES).at()).contains(StoreFixture.START);
    f.pass(Duration.ofMinutes(55));
    assertThat(steps(other)).isPositive();
    assertThat(last(Check.HOMES).at()).contains(f.now);
  }

  @Test
  void a_walk_takes_a_step_a_page_and_what_is_left_half_way_another_begins_anew() {
    new History(f, "test.old").ended(1, 30_000);
    f.sql("delete from outcome where id = 5");
    assertThat(node.examine()).isTrue();
    while (f.count("select count(*) from doctor_look where name = 'homes'") == 0) {
      assertThat(node.examine()).isTrue();
    }
    assertThat(last(Check.HOMES).at()).as("it is at its first page").isEmpty();
    int _ = steps(other);
    assertThat(last(Check.HOMES).at()).as("it belongs to the first node").isEmpty();
    f.pass(Duration.ofMinutes(5));
    int _ = steps(other);
    assertThat(last(Check.HOMES).found()).isEqualTo(1);
    assertThat(last(Check.HOMES).looked()).isEqualTo(30_000);
    f.pass(Duration.ofMinutes(1));
    assertThat(node.examine()).as("drops what is no longer its own").isTrue();
    assertThat(last(Check.HOMES).at()).isNotEqualTo(Optional.of(f.now));
  }

  @Test
  void a_check_that_cannot_be_made_says_why_and_keeps_none_of_the_others() {
    f.sql("insert into request values (7, 'pause', gen_random_uuid(), '李雷', now())");
    int _ = steps(node);
    f.pass(Duration.ofMinutes(5));
    f.sql("alter table request rename to elsewhere");
    try {
      int _ = steps(node);
      assertThat(last(Check.REQUESTS).problem()).contains("request");
      assertThat(last(Check.REQUESTS).found()).as("what was known is").isEqualTo(1);
      assertThat(last(Check.REQUESTS).examples()).hasSize(1);
      assertThat(last(Check.REQUESTS).since()).contains(StoreFixture.START);
      assertThat(last(Check.RUNNING).at()).isPresent();
      assertThat(f.store.doctor().look(Check.REQUESTS, Doctor.ROWS).fine()).isFalse();
    } finally {
      f.sql("alter table elsewhere rename to request");
    }
    f.pass(Duration.ofMinutes(5));
    int _ = steps(node);
    assertThat(last(Check.REQUESTS).problem()).isEmpty();
  }

  @Test
  void the_names_in_the_store_are_those_of_the_checks() {
    int _ = steps(node);
    assertThat(f.count("select count(*) from doctor_look"))
        .isEqualTo(EnumSet.complementOf(EnumSet.of(Check.CLOCK)).size());
  }
}
