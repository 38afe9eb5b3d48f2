package dev.batchyard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

@PostgresTest
class PostgresExtensionTest {

  @Test
  void a_test_class_gets_a_migrated_database_that_is_durable(TestDatabase database)
      throws Exception {
    assertThat(database.ask("select max(version) from batchyard.flyway_schema_history"))
        .isEqualTo("1");
    assertThat(database.ask("show fsync")).isEqualTo("on");
    assertThat(database.ask("select lower('ÄÖ中')")).isEqualTo("äö中");
  }
}
