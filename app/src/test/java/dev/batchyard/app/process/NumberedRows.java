package dev.batchyard.app.process;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * Source rows for the proofs: numbered, Chinese in places, with duplicates that must stay double.
 */
final class NumberedRows {

  private static final int NAMES = 997;

  private NumberedRows() {}

  /** Writes a CSV file with a header and this many rows; no two files of a seed differ. */
  static void write(Path file, int rows, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      out.write("编号,name,amount\n");
      for (int row = 1; row <= rows; row++) {
        // every fiftieth row repeats its neighbour's number: the check is on multisets, not on keys
        out.write(Integer.toString(row % 50 == 0 ? row - 1 : row));
        out.write(random.nextInt(4) == 0 ? ",王小明" : ",name ");
        out.write(Integer.toString(random.nextInt(NAMES)));
        out.write(',');
        out.write(Integer.toString(random.nextInt(1_000_000)));
        out.write('\n');
      }
    }
  }
}
