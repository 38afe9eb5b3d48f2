package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files that somebody touches while they are imported: no row of the changed file goes in. */
@PostgresTest
class ChangedFileTest {
  private static final int ROWS = 40_000;

  private final TestDatabase database;
  @TempDir Path folder;

  ChangedFileTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
    database.execute("drop table if exists steps");
    database.execute("create table steps (id int, note text)");
  }

  enum Change {
    CUT("size "),
    OVERWRITTEN("changed at"),
    APPENDED("changed at"),
    REPLACED("changed at"),
    TAKEN_AWAY("it was taken away while it was read");

    private final String told;

    Change(String told) {
      this.told = told;
    }

    void make(Path file, String other) throws Exception {
      switch (this) {
        case CUT -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() * 3 / 4);
          }
        }
        case OVERWRITTEN ->
            Files.writeString(file, other, StandardOpenOption.WRITE); // in place, the same size
        case APPENDED -> Files.writeString(file, "0,appended\n", StandardOpenOption.APPEND);
        case REPLACED ->
            Files.move(
                Files.writeString(file.resolveSibling("other"), other),
                file,
                StandardCopyOption.ATOMIC_MOVE);
        case TAKEN_AWAY -> Files.delete(file);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_file_that_changes_while_it_is_imported_gives_no_row_of_another_file(Change change)
      throws Exception {
    String text = rows("first");
    Path file = Files.writeString(folder.resolve("steps.csv"), text, UTF_8);
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "steps").chunkRows(100).build());
    run.afterEachChunk(chunk -> {
      if (chunk == 1) {
        change.make(file, rows("other"));
      }
    });

    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageStartingWith("file: " + file + " is not the file that this import began with: ")
        .hasMessageContaining(change.told)
        .hasMessageEndingWith("Put the first file back and rerun the task, or submit a new import");
    run.requireLedgerTells("steps");
    assertThat(Integer.parseInt(database.ask("select count(*) from steps")))
        .isBetween(100, ROWS - 1);

    Files.writeString(file, text, UTF_8);
    run.afterEachChunk(chunk -> {});
    run.attempt();
    run.requireLedgerTells("steps");
    assertThat(
            database.ask(
                "select count(*) || ' ' || count(distinct id) || ' ' || min(note) || ' ' || max(note) from steps"))
        .isEqualTo("40000 40000 first first");
  }

  private static String rows(String note) {
    StringBuilder text = new StringBuilder("id,note\n");
    for (int i = 0; i < ROWS; i++) {
      text.append(i).append(',').append(note).append('\n');
    }
    return text.toString();
  }
}
