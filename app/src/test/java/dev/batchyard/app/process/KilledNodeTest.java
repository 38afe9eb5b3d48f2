package dev.batchyard.app.process;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import on real node processes that are killed in the middle of it. */
final class KilledNodeTest {

  @TempDir private Path folder;

  @Test
  void killed_again_and_again_it_loses_and_doubles_nothing() throws Exception {
    try (ImportYard imports =
        new ImportYard(folder, ImportYard.TIMESCALE, ImportYard.SEED, ImportYard.BLOWS)) {
      imports.proveKilled();
    }
  }
}
