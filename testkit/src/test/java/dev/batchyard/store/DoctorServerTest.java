package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Doctor.Finding;
import dev.batchyard.engine.port.Doctor.Found;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** What the doctor says of the server and of clocks, and how it says it. */
@PostgresTest
class DoctorServerTest {

  private static final long ROWS = 1_000;

  private final TestDatabase test;
  private StoreFixture f;

  DoctorServerTest(TestDatabase test) {
    this.test = test;
  }

  @BeforeEach
  void open() {
    f = new StoreFixture(test);
  }

  @AfterEach
  void close() {
    f.close();
  }

  private Finding look(Check check) {
    return f.store.doctor().look(check, ROWS);
  }

  @Test
  void settings_that_a_crash_would_punish_are_named() {
    assertThat(look(Check.SETTINGS).found())
        .extracting(Found::subject)
        .containsExactly("fsync", "full_page_writes");
    assertThat(f.store.doctor().repair(look(Check.SETTINGS))).isEmpty();
  }

  @Test
  void nodes_that_may_need_more_connections_than_there_are_are_found() {
    UUID _ = f.node();
    f.sql("update node set slots = 100000, lease_until = '2031-04-01'");
    assertThat(look(Check.CONNECTIONS).found())
        .singleElement()
        .matches(found ->
            found.detail().startsWith("1 live nodes may need 200007 connections, it allows "));
    f.sql("update node set lease_until = '2031-01-01'");
    assertThat(look(Check.CONNECTIONS).found()).as("it lives no more").isEmpty();
  }

  @Test
  void a_clock_that_goes_wrong_is_found() {
    assertThat(clocked(InstantSource.system()).look(Check.CLOCK, ROWS).found()).isEmpty();
    assertThat(clocked(() -> Instant.now().plusSeconds(60)).look(Check.CLOCK, ROWS).found())
        .singleElement()
        .matches(found -> found.detail().matches("that of this node is (59|60) s ahead of .*"));
    assertThat(clocked(() -> Instant.now().minusSeconds(60)).look(Check.CLOCK, ROWS).found())
        .singleElement()
        .matches(found -> found.detail().contains("s behind the database's"));
  }

  private Doctor clocked(InstantSource clock) {
    return new Store(
            f.source,
            f.database::session,
            StoreClock.DATABASE,
            new Random(1),
            Store.Settings.DEFAULT,
            clock)
        .doctor();
  }

  @Test
  void sessions_that_its_role_may_not_look_into_are_told_of_with_the_cure() throws Exception {
    String role = "观察者";
    f.sql("create role \"" + role + "\" login password 'see'");
    f.sql("grant usage on schema batchyard to \"" + role + "\"");
    PGSimpleDataSource source = test.dataSource();
    source.setUser(role);
    source.setPassword("see");
    source.setCurrentSchema("batchyard");
    try (Connection _ = f.source.getConnection()) {
      Doctor doctor =
          new Store(
                  source,
                  source::getConnection,
                  StoreClock.DATABASE,
                  new Random(1),
                  Store.Settings.DEFAULT,
                  InstantSource.system())
              .doctor();
      assertThat(doctor.look(Check.SNAPSHOTS, ROWS).found())
          .singleElement()
          .satisfies(found -> {
            assertThat(found.subject()).isEqualTo("sessions of other roles");
            assertThat(found.detail())
                .matches(
                    "[1-9]\\d* of batchyard cannot be looked into; grant pg_monitor to \"?"
                        + role
                        + "\"?");
          });
      f.sql("grant pg_monitor to \"" + role + "\"");
      assertThat(doctor.look(Check.SNAPSHOTS, ROWS).found()).isEmpty();
    } finally {
      f.sql("drop owned by \"" + role + "\"");
      f.sql("drop role \"" + role + "\"");
    }
  }

  @Test
  void every_check_says_in_a_sentence_what_it_finds_and_what_to_do() {
    assertThat(Arrays.stream(Check.values()))
        .allSatisfy(check -> {
          assertThat(Check.of(check.word())).contains(check);
          assertThat(check.finds()).doesNotEndWith(".").hasSizeBetween(20, 200);
          assertThat(check.cure()).doesNotEndWith(".").hasSizeBetween(15, 260);
          assertThat(check.cure().contains("--repair")).isEqualTo(check.repairable());
        });
  }
}
