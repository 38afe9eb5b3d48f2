package dev.batchyard.tasks.data;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.LeaseToken;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.UUID;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Imports in a process of its own, with the heap and the user that a test gave it: {@code url user
 * password}, then for each import {@code task token file table chunkRows}. Prints a line for each.
 */
final class ImportInChild {
  private static final int OF_ALL = 3;
  private static final int OF_EACH = 5;

  private ImportInChild() {}

  /** Ends with 0 if every import ended, well or with a failure that it explained. */
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(args[0]);
    source.setUser(args[1]);
    source.setPassword(args[2]);
    for (int at = OF_ALL; at < args.length; at += OF_EACH) {
      LeaseToken lease = new LeaseToken(Long.parseLong(args[at]), 1, UUID.fromString(args[at + 1]));
      ImportParams params =
          ImportParamsBuilder.of(Path.of(args[at + 2]), args[at + 3])
              .chunkRows(Integer.parseInt(args[at + 4]))
              .rejectsMax(Long.MAX_VALUE)
              .build();
      long started = System.nanoTime();
      String told;
      try {
        told =
            new CsvImport(source, System::nanoTime)
                .run(
                    params,
                    new AttemptContext(
                        lease,
                        Integer.MAX_VALUE,
                        new ArrayList<>(),
                        new ArrayList<>(),
                        chunk -> {}))
                .getClass()
                .getSimpleName();
      } catch (FinalFailure e) {
        told = String.valueOf(e.getMessage());
      }
      long took_ms = (System.nanoTime() - started) / 1_000_000;
      out.println(told + "\t" + took_ms + " ms\tpeak " + peak_mb() + " MB");
    }
  }

  /** The highest use of the heap since the last look, garbage included. */
  private static long peak_mb() {
    long bytes = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getType() == MemoryType.HEAP) {
        bytes += pool.getPeakUsage().getUsed();
        pool.resetPeakUsage();
      }
    }
    return bytes >> 20;
  }
}
