package dev.batchyard.tasks.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files made to be held in memory, imported by a process whose heap is far smaller than they. */
@PostgresTest
class ImportMemoryTest {
  private static final int END_MAX_S = 400;
  private static final int IMPORTS_AT_ONCE = 8;
  private static final int BLOCK = 1 << 16;

  private final TestDatabase database;
  private final List<ImportRun> runs = new ArrayList<>();
  private final List<String> arguments = new ArrayList<>();
  @TempDir Path folder;

  ImportMemoryTest(TestDatabase database) throws Exception {
    this.database = database;
    ImportRun.usePublicSchema(database);
  }

  /** A text so many times. */
  private record Part(String text, int times) {}

  private Path file(String name, Part... parts) throws Exception {
    Path path = folder.resolve(name);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path), BLOCK)) {
      for (Part part : parts) {
        int some = Math.clamp(BLOCK / part.text().length(), 1, part.times());
        byte[] bytes = part.text().repeat(some).getBytes(UTF_8);
        for (int i = 0; i < part.times() / some; i++) {
          out.write(bytes);
        }
        out.write(part.text().repeat(part.times() % some).getBytes(UTF_8));
      }
    }
    return path;
  }

  private void add(Path file, int chunkRows) throws Exception {
    String table = "m" + runs.size();
    database.execute(
        "drop table if exists %s; create table %s (id int, name text)".formatted(table, table));
    ImportRun run = new ImportRun(database, ImportParams.of(file.toString(), table));
    LeaseToken lease = run.lease();
    runs.add(run);
    arguments.addAll(
        List.of(
            String.valueOf(lease.task()),
            lease.token().toString(),
            file.toString(),
            table,
            String.valueOf(chunkRows)));
  }

  /** Runs what was added in a child and gives its lines. */
  private List<String> run(List<String> prefix, String heap, int atOnce) throws Exception {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx" + heap,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-cp",
            System.getProperty("java.class.path"),
            ImportInChild.class.getName(),
            database.dataSource().getURL(),
            database.address().user(),
            database.address().password(),
            String.valueOf(atOnce)));
    command.addAll(arguments);
    Path out = folder.resolve("out.txt");
    Process child =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    try {
      assertThat(child.waitFor(END_MAX_S, TimeUnit.SECONDS)).as("ended in time").isTrue();
    } finally {
      child.destroyForcibly();
    }
    assertThat(child.exitValue()).as(Files.readString(out)).isZero();
    for (int i = 0; i < runs.size(); i++) {
      runs.get(i).requireLedgerTells("m" + i);
    }
    return Files.readAllLines(out);
  }

  @Test
  void a_heap_of_64_mb_is_enough_whatever_the_file_is_like() throws Exception {
    Part header = new Part("id,name\n1,a\n", 1);
    add(
        file("two heaps.csv", header, new Part("2," + "a name ".repeat(140) + "\n", 120_000)),
        1000);
    add(
        file("large chunks.csv", header, new Part("2," + "n".repeat(200) + "\n", 200_000)),
        100_000);
    add(file("line.csv", header, new Part("2," + "x".repeat(998), 100_000)), 1000);
    add(file("quoted.csv", header, new Part("2,\"", 1), new Part("\n", 2_000_000)), 1000);
    add(file("blank.csv", header, new Part("\n", 10_000_000), new Part("2,b\n", 1)), 1000);
    add(file("delimiters.csv", header, new Part(",".repeat(2000) + "\n", 5_000)), 100_000);
    add(file("columns.csv", header, new Part("x,".repeat(1_000_000) + "x\n", 10)), 100_000);
    add(file("quotes.csv", header, new Part("2," + "\"".repeat(10_000) + "\n", 2000)), 100_000);
    add(
        file("odd quotes.csv", header, new Part("2,\"a\"" + "\"".repeat(1000) + "b\n", 1000)),
        1000);
    add(file("empty rows.csv", header, new Part("\"\"\n", 300_000)), 100_000);

    List<String> told = run(List.of(), "64m", 1);

    assertThat(told.stream().map(line -> line.substring(0, line.indexOf('\t'))))
        .satisfiesExactly(
            large -> assertThat(large).isEqualTo("Completed"),
            chunks -> assertThat(chunks).isEqualTo("Completed"),
            line ->
                assertThat(line)
                    .contains("row 2, line 3, byte 12: the record has more than 4,194,304 char"),
            quoted ->
                assertThat(quoted)
                    .contains("row 2, line 3, byte 12: the record has more than 1,048,576 lines"),
            blank -> assertThat(blank).isEqualTo("Completed"),
            delimiters -> assertThat(delimiters).isEqualTo("Completed"),
            columns -> assertThat(columns).isEqualTo("Completed"),
            quotes -> assertThat(quotes).isEqualTo("Completed"),
            odd -> assertThat(odd).isEqualTo("Completed"),
            empty -> assertThat(empty).isEqualTo("Completed"));
    assertThat(runs.stream().map(ImportMemoryTest::ledger))
        .containsExactly(
            "120001 120001 0 0",
            "200001 200001 0 0",
            "1 1 0 0",
            "1 1 0 0",
            "2 2 0 0",
            "5001 1 0 5000",
            "11 1 0 10",
            "2001 2001 0 0",
            "1001 1 0 1000",
            "300001 1 0 300000");
  }

  /** Each row is there in characters, encoded, and waiting to be sent. */
  @Test
  void a_heap_of_128_mb_is_enough_for_the_longest_rows() throws Exception {
    Part header = new Part("id,name\n1,a\n", 1);
    add(file("long.csv", header, new Part("2," + "x".repeat(4_000_000) + "\n", 12)), 1000);
    add(file("wide.csv", header, new Part("2,\"" + "龥".repeat(4_000_000) + "\"\n", 4)), 1000);

    List<String> told = run(List.of(), "128m", 1);

    assertThat(told).allSatisfy(line -> assertThat(line).startsWith("Completed\t"));
    assertThat(runs.stream().map(ImportMemoryTest::ledger)).containsExactly("13 13 0 0", "5 5 0 0");
  }

  /** As many as a node runs by default, in the heap that it has by default. */
  @Test
  void a_heap_of_256_mb_is_enough_for_eight_imports_at_once_of_wide_rows() throws Exception {
    Part header = new Part("id,name\n1,a\n", 1);
    Path ascii = file("ascii.csv", header, new Part("2," + "x".repeat(100_000) + "\n", 300));
    Path chinese = file("chinese.csv", header, new Part("2," + "龥".repeat(30_000) + "\n", 300));
    for (int i = 0; i < IMPORTS_AT_ONCE; i++) {
      add(i % 2 == 0 ? ascii : chinese, 1000);
    }

    List<String> told = run(List.of(), "256m", IMPORTS_AT_ONCE);

    assertThat(told)
        .hasSize(IMPORTS_AT_ONCE)
        .allSatisfy(line -> assertThat(line).startsWith("Completed\t"));
    assertThat(runs.stream().map(ImportMemoryTest::ledger)).containsOnly("301 301 0 0");
  }

  /** One at a time goes on beyond the first row; the others wait for their turn. */
  @Test
  void a_heap_of_256_mb_is_enough_for_eight_imports_at_once_of_the_longest_rows() throws Exception {
    Path file =
        file(
            "long.csv",
            new Part("id,name\n1,a\n", 1),
            new Part("2," + "龥".repeat(4_000_000) + "\n", 2));
    for (int i = 0; i < IMPORTS_AT_ONCE; i++) {
      add(file, 1000);
    }

    List<String> told = run(List.of(), "256m", IMPORTS_AT_ONCE);

    assertThat(told.stream().filter(line -> line.startsWith("Completed\t")))
        .hasSize(IMPORTS_AT_ONCE);
    assertThat(told)
        .allSatisfy(line -> assertThat(line).containsPattern("^(Completed|Snoozed)\t"))
        .anySatisfy(line -> assertThat(line).startsWith("Snoozed\t"));
    assertThat(runs.stream().map(ImportMemoryTest::ledger)).containsOnly("3 3 0 0");
  }

  private static String ledger(ImportRun run) {
    try {
      return run.ledger();
    } catch (java.sql.SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Root reads everything; without a mapping of users it is nobody in particular. */
  @Test
  void a_file_that_may_not_be_read_is_named_with_the_cure() throws Exception {
    Path file = file("secret.csv", new Part("id,name\n1,a\n", 1));
    add(file, 1000);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));

    List<String> told =
        run(Files.isReadable(file) ? List.of("unshare", "-U") : List.of(), "64m", 1);

    assertThat(told)
        .singleElement()
        .asString()
        .startsWith(
            "file: %s may not be read by the user that Batchyard runs as; give that user the right to read it (chmod, chown), then rerun the task: it goes on where it stopped"
                .formatted(file));
  }
}
