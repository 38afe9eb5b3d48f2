package dev.batchyard.bench;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.SplittableRandom;

/** The rows that import benchmarks use: seven columns, some quoted, some Chinese; a fixed seed. */
final class CsvRows {

  /** The table that they fit. */
  static final String TABLE =
      """
      (id bigint primary key, name text not null, email text not null,
       amount numeric(12,2) not null, day date not null, status text not null, note text)
      """;

  private static final String[] STATUS = {"new", "paid", "shipped", "returned"};
  private static final String[] NOTES = {
    "", "plain words here", "\"quoted, with a comma\"", "需要在周五之前送达", "\"a \"\"quote\"\" inside\""
  };

  private CsvRows() {}

  /** Writes a file with a header and this many rows. */
  static void write(Path file, long rows) throws IOException {
    SplittableRandom random = new SplittableRandom(20_260_101);
    LocalDate first = LocalDate.of(2020, 1, 1);
    try (BufferedWriter out = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      out.write("id,name,email,amount,day,status,note\n");
      for (long id = 1; id <= rows; id++) {
        int person = random.nextInt(100_000);
        out.write(Long.toString(id));
        out.write(",Person ");
        out.write(Integer.toString(person));
        out.write(",person");
        out.write(Integer.toString(person));
        out.write("@example.org,");
        out.write(Integer.toString(random.nextInt(1_000_000)));
        out.write('.');
        out.write(Integer.toString(10 + random.nextInt(90)));
        out.write(',');
        out.write(first.plusDays(random.nextInt(2_000)).toString());
        out.write(',');
        out.write(STATUS[random.nextInt(STATUS.length)]);
        out.write(',');
        out.write(NOTES[random.nextInt(NOTES.length)]);
        out.write('\n');
      }
    }
  }
}
