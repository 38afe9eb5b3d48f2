package dev.batchyard.app.process;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import on real node processes that are told to end in the middle of it. */
final class StoppedNodeTest {

  @TempDir private Path folder;

  @Test
  void stopped_again_and_again_it_is_charged_nothing() throws Exception {
    try (ImportYard imports =
        new ImportYard(folder, ImportYard.TIMESCALE, ImportYard.SEED, ImportYard.BLOWS)) {
      imports.proveStopped();
    }
  }
}
