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
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Imports in a process of its own, with the heap and the user that a test gave it: {@code url user
 * password atOnce}, then for each import {@code task token file table chunkRows}. Prints a line for
 * each, and runs those again that are snoozed.
 */
final class ImportInChild {
  private static final int OF_ALL = 4;
  private static final int OF_EACH = 5;

  private ImportInChild() {}

  /** Ends with 0 if every import ended, well or with a failure that it explained. */
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(args[0]);
    source.setUser(args[1]);
    source.setPassword(args[2]);
    CsvImport handler = new CsvImport(source, System::nanoTime);
    List<List<String>> due = new ArrayList<>();
    for (int at = OF_ALL; at < args.length; at += OF_EACH) {
      due.add(List.of(args).subList(at, at + OF_EACH));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(Integer.parseInt(args[3]))) {
      while (!due.isEmpty()) {
        List<List<String>> snoozed = new ArrayList<>();
        List<Future<String>> told = new ArrayList<>();
        for (List<String> one : due) {
          told.add(threads.submit(() -> run(handler, one)));
        }
        for (int i = 0; i < due.size(); i++) {
          if (told.get(i).get().startsWith("Snoozed")) {
            snoozed.add(due.get(i));
          }
          out.println(told.get(i).get());
        }
        due = snoozed;
      }
    }
  }

  private static String run(CsvImport handler, List<String> args) throws Exception {
    LeaseToken lease = new LeaseToken(Long.parseLong(args.get(0)), 1, UUID.fromString(args.get(1)));
    ImportParams params =
        ImportParamsBuilder.of(Path.of(args.get(2)), args.get(3))
            .chunkRows(Integer.parseInt(args.get(4)))
            .rejectsMax(Long.MAX_VALUE)
            .build();
    AttemptContext context =
        new AttemptContext(
            lease, Integer.MAX_VALUE, new ArrayList<>(), new ArrayList<>(), chunk -> {});
    long started = System.nanoTime();
    String told;
    try {
      told = handler.run(params, context).getClass().getSimpleName();
    } catch (FinalFailure e) {
      told = String.valueOf(e.getMessage());
    }
    long took_ms = (System.nanoTime() - started) / 1_000_000;
    return told + "\t" + took_ms + " ms\tpeak " + peak_mb() + " MB";
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
