package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps on real node processes that are killed while they do and undo them. */
final class KilledStepsTest {

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  private static final int TASKS = 30;
  private static final int KILLS = 2;

  @TempDir private Path folder;

  @Test
  void killed_again_and_again_they_are_undone_once_and_in_reverse() throws Exception {
    try (CompensationProof proof =
        new CompensationProof(folder, new CompensationProof.Plan(SEED, TASKS, KILLS))) {
      CompensationProof.Report report = proof.run();
      assertThat(report.violations()).as(report.figures()).isEmpty();
      try (Connection db = proof.connect()) {
        spoil(db);
        assertThat(CompensationChecker.check(db))
            .as("a checker that never complains proves nothing")
            .containsOnlyKeys(
                "what was done by a task that ended badly is undone, once",
                "no step is undone by two tasks",
                "a later step is undone first",
                "only recorded steps are undone, by the task that is recorded",
                "a step that was done is recorded",
                "nothing is done after it was undone",
                "what has no undo is done once, however often its task runs again");
      }
    }
  }

  /**
   * Plants what must not be: an undo that was doubled, a step that was not undone, one that was
   * done after its undo, and one without that was done again.
   */
  private static void spoil(Connection db) throws SQLException {
    try (Statement statement = db.createStatement()) {
      statement.execute(
          """
          insert into public.step_undo (undo_task, task, generation, step)
          select -1, task, generation, step from public.step_undo order by seq limit 1;
          insert into public.step_effect
          select task, generation, 99, false from public.step_undo where undo_task <> -1
           order by seq limit 1;
          insert into public.step_deed (task, generation, step, undo)
          (select task, generation, step, false from public.step_deed where undo
            order by seq limit 1)
           union all
          (select task, generation, 0, false from public.step_deed where step = 0
            order by seq limit 1)
          """);
    }
  }
}
