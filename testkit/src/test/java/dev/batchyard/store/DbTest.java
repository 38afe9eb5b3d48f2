package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

@PostgresTest
class DbTest {

  private Database database;
  private Db db;

  @BeforeEach
  void open(TestDatabase test) {
    database = test.database(new UUID(6, 1));
    db = new Db(database.queue(), new Random(1));
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void a_lost_race_is_run_again() {
    AtomicInteger tries = new AtomicInteger();

    int result =
        db.transaction(_ -> {
          if (tries.incrementAndGet() < 3) {
            throw new SQLException("deadlock detected", "40P01");
          }
          return 7;
        });

    assertThat(result).isEqualTo(7);
    assertThat(tries).hasValue(3);
  }

  @Test
  void a_race_that_is_always_lost_fails_in_the_end_with_every_try() {
    assertThatThrownBy(() ->
            db.transaction(_ -> {
              throw new SQLException("could not serialize access", "40001");
            }))
        .isInstanceOf(StatementFailed.class)
        .satisfies(
            e -> assertThat(e).cause().satisfies(c -> assertThat(c.getSuppressed()).hasSize(7)));
  }

  @Test
  void what_a_failed_transaction_wrote_is_gone() {
    assertThatThrownBy(() ->
            db.transaction(c -> {
              Sql.run(c, "insert into queue (name) values ('half')");
              Sql.run(c, "insert into queue (name) values ('half')");
              return true;
            }))
        .isInstanceOf(StatementFailed.class)
        .satisfies(e -> assertThat(((StatementFailed) e).sqlState()).isEqualTo("23505"));
    assertThat(db.query("select name from queue where name = 'half'", r -> r.getString(1)))
        .isEmpty();
  }

  @Test
  void a_backend_that_is_ended_is_an_unavailable_store_and_the_next_call_works() {
    assertThatThrownBy(() ->
            db.transaction(c -> {
              Sql.run(c, "select pg_terminate_backend(pg_backend_pid())");
              Sql.run(c, "select 1");
              return true;
            }))
        .isInstanceOf(StoreUnavailable.class);
    assertThat(db.query("select 1", r -> r.getInt(1))).containsExactly(1);
  }

  @Test
  void a_server_that_is_not_there_is_an_unavailable_store() {
    PGSimpleDataSource nowhere = new PGSimpleDataSource();
    nowhere.setServerNames(new String[] {"127.0.0.1"});
    nowhere.setPortNumbers(new int[] {1});
    assertThatThrownBy(() -> new Db(nowhere, new Random(1)).query("select 1", r -> 1))
        .isInstanceOf(StoreUnavailable.class);
  }

  @Test
  void a_store_that_only_reads_is_unavailable() {
    assertThatThrownBy(() ->
            db.transaction(c -> {
              Sql.run(c, "set transaction read only");
              return Sql.update(c, "insert into queue (name) values ('x')");
            }))
        .isInstanceOf(StoreUnavailable.class);
  }
}
