package dev.batchyard.store.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationsTest {

  private static final String HISTORY = "batchyard.flyway_schema_history";

  @TempDir static Path temp;

  private static EmbeddedServer server;

  @BeforeAll
  static void start() throws Exception {
    server = EmbeddedServer.join(Servers.folder(temp.resolve("data")));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void the_list_of_migrations_is_that_of_the_files() throws Exception {
    Path folder = Path.of("..", "store", "src/main/resources/dev/batchyard/store/migration");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(Migrations.FILES.values());
    }
    Migrations.FILES.forEach((version, file) -> assertThat(file).startsWith("V" + version + "__"));
  }

  @Test
  void processes_that_start_together_all_find_the_schema() throws Exception {
    DatabaseAddress at = create("together");
    Callable<Boolean> start =
        () -> {
          migrate(at);
          return true;
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> all = new ArrayList<>();
      for (int n = 0; n < 8; n++) {
        all.add(threads.submit(start));
      }
      for (Future<Boolean> one : all) {
        assertThat(one.get()).isTrue();
      }
    }
    assertThat(Servers.ask(at, "select count(*) from " + HISTORY + " where version is not null"))
        .isEqualTo(Integer.toString(Migrations.FILES.size()));
  }

  @Test
  void a_current_schema_is_recognised_by_flyways_own_checksums() throws Exception {
    DatabaseAddress at = create("current");
    migrate(at);
    Migrations.checksums()
        .forEach((version, checksum) -> {
          try {
            assertThat(
                    Servers.ask(
                        at,
                        "select checksum from " + HISTORY + " where version = '" + version + "'"))
                .isEqualTo(checksum.toString());
          } catch (java.sql.SQLException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void a_schema_that_is_newer_than_the_program_is_refused() throws Exception {
    DatabaseAddress at = create("newer");
    migrate(at);
    Servers.execute(
        at,
        "insert into "
            + HISTORY
            + " select 99, '99', 'x', 'SQL', 'V99__x.sql', 1, 'u', now(), 1, true");
    assertThatThrownBy(() -> migrate(at))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("schema has version 99")
        .hasMessageContaining("use the newer program");
  }

  @Test
  void a_schema_that_another_build_made_is_refused() throws Exception {
    DatabaseAddress at = create("other");
    migrate(at);
    Servers.execute(at, "update " + HISTORY + " set checksum = 7 where version = '1'");
    assertThatThrownBy(() -> migrate(at))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("version 1 of its schema was made by another build");
  }

  private static DatabaseAddress create(String name) throws Exception {
    Servers.execute(server.ensureRunning(), "create database " + name);
    return Servers.database(server.ensureRunning(), name);
  }

  private static void migrate(DatabaseAddress at) {
    try (Database database = new Database(at, Servers.BOOT, 1)) {
      Migrations.run(database);
    }
  }
}
