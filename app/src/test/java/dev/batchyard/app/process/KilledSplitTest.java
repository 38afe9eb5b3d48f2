package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A split task whose nodes are killed; {@code ./dev prove split} is longer. */
final class KilledSplitTest {

  /** A seed that fails can be tried again: {@code -Dbatchyard.seed=…}. */
  private static final long SEED = Long.getLong("batchyard.seed", System.nanoTime());

  @TempDir private Path folder;

  @Test
  void whenever_its_nodes_die_each_part_and_the_reduce_are_done_once() throws Exception {
    try (SplitProof proof = new SplitProof(folder, new SplitProof.Plan(SEED, 3_000, 3))) {
      SplitProof.Report report = proof.run();
      assertThat(report.violations()).as("seed %d: %s", SEED, report.figures()).isEmpty();
      spoil(proof);
      assertThat(proof.check(report.whole()))
          .as("a checker that never complains proves nothing")
          .containsOnlyKeys(
              "its ledger balances",
              "every part was done once",
              "the reduce was done once",
              "only the bad part ran again");
    }
  }

  private static void spoil(SplitProof proof) throws SQLException {
    try (Connection db = proof.yard().connect();
        Statement statement = db.createStatement()) {
      statement.execute(
          """
          delete from public.slice_effect where number = 7;
          insert into public.whole_effect values (-1, 1);
          update batchyard.outcome set generation = 2 where id = (select max(id) from batchyard.outcome);
          delete from batchyard.checkpoint where task = (select max(task) from batchyard.checkpoint)
          """);
    }
  }
}
