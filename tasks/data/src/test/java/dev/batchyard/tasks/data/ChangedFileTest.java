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
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
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
    CUT("is not the file that this import began with: its size was "),
    OVERWRITTEN("was written to while it was read: changed at "),
    APPENDED("is not the file that this import began with: its size was "),
    REPLACED("was written to while it was read: changed at "),
    TAKEN_AWAY("is not the file that this import began with: it was taken away while it was read");

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
        .hasMessageStartingWith("file: " + file + " " + change.told)
        .hasMessageContaining(" it goes on where it stopped. Or submit anew. ")
        .hasMessageEndingWith(
            "What this task has written stays in public.steps (%,d rows): delete it, empty the table or name another before you submit anew"
                .formatted(Integer.parseInt(database.ask("select count(*) from steps"))));
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

  @Test
  void a_file_that_is_touched_alone_is_gone_on_with_by_a_rerun() throws Exception {
    Path file = Files.writeString(folder.resolve("steps.csv"), rows("first"), UTF_8);
    ImportRun run =
        new ImportRun(database, ImportParamsBuilder.of(file, "steps").chunkRows(100).build());
    run.afterEachChunk(chunk -> {
      if (chunk == 1) {
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
      }
    });

    assertThatThrownBy(run::attempt)
        .isInstanceOf(FinalFailure.class)
        .hasMessageStartingWith("file: " + file + " was written to while it was read: changed at ")
        .hasMessageContaining(
            ", now at 2001-09-09T01:46:40Z. Rerun the task: if the content is still the same, it goes on where it stopped. Or submit anew. ");
    run.requireLedgerTells("steps");

    run.attempt();
    run.requireLedgerTells("steps");
    assertThat(run.ledger()).isEqualTo("40000 40000 0 0");
  }

  private static String rows(String note) {
    StringBuilder text = new StringBuilder("id,note\n");
    for (int i = 0; i < ROWS; i++) {
      text.append(i).append(',').append(note).append('\n');
    }
    return text.toString();
  }
}
