package dev.batchyard.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

@PostgresTest
class PostgresExtensionTest {

  /** Run by a test below, never on its own. */
  @PostgresTest
  static final class Leaky {
    static final List<Connection> KEPT = new ArrayList<>();

    @Test
    void keeps_a_connection(TestDatabase database) throws SQLException {
      KEPT.add(database.connect());
    }
  }

  @Test
  void a_test_class_gets_a_migrated_database_that_waits_for_its_log_but_not_for_the_disk(
      TestDatabase database) throws Exception {
    assertThat(database.ask("select max(version) from batchyard.flyway_schema_history"))
        .isEqualTo("1");
    assertThat(database.ask("show synchronous_commit")).isEqualTo("on");
    for (String setting : List.of("fsync", "full_page_writes")) {
      assertThat(database.ask("show " + setting)).as(setting).isEqualTo("off");
    }
  }

  @Test
  void the_database_orders_as_people_do_and_lives_in_an_odd_zone(TestDatabase database)
      throws Exception {
    assertThat(
            database.ask("select string_agg(x, '' order by x) from unnest('{B,a,李,阿}'::text[]) x"))
        .isEqualTo("阿李aB");
    assertThat(database.ask("select reset_val from pg_settings where name = 'TimeZone'"))
        .isNotEqualTo("UTC");
    assertThat(database.ask("select lower('ÄÖ中')")).isEqualTo("äö中");
  }

  @Test
  void a_test_class_that_leaves_a_connection_open_fails_and_its_server_goes() throws Exception {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request().selectors(selectClass(Leaky.class)).build(),
            listener);
    TestExecutionSummary summary = listener.getSummary();
    assertThat(summary.getTestsSucceededCount()).isEqualTo(1);
    assertThat(summary.getFailures())
        .singleElement()
        .satisfies(failure ->
            assertThat(failure.getException()).hasMessageStartingWith("connections left open"));
    for (Connection kept : Leaky.KEPT) {
      kept.close();
    }
    try (Stream<Path> folders = Files.list(Path.of("target"))) {
      assertThat(
              folders.filter(
                  path -> path.getFileName().toString().startsWith(TestServer.ownPrefix())))
          .as("this JVM's own server is left")
          .hasSize(1);
    }
  }
}
