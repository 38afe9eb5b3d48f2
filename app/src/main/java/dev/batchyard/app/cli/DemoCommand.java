package dev.batchyard.app.cli;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskState;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.store.Store;
import dev.batchyard.tasks.data.CsvImport;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Imports the shipped file and shows what came of it. */
@Command(
    name = "demo",
    description =
        "Imports a real CSV file that comes with the program: bar, ledger, rejects, what to try next.")
final class DemoCommand implements Callable<Integer> {

  private static final String FILE = "babynames.csv";
  private static final int REJECTS_SHOWN = 10;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final Cli cli;

  @Option(names = "--serve", description = "Keeps the pages up afterwards and prints their URL.")
  private boolean serve;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "The port of the pages on 127.0.0.1; 8470 unless set, 0 for any.")
  private Optional<String> port = Optional.empty();

  DemoCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    Map<Key, String> flags = new EnumMap<>(Key.class);
    port.ifPresent(value -> flags.put(Key.PORT, value));
    try (Serving serving = Serving.start(cli, cli.settings(flags), serve)) {
      serving.url().ifPresent(url -> cli.console().say("pages: " + url));
      Exit exit = importFile(serving);
      if (serve && !serving.isStopped()) {
        serving
            .url()
            .ifPresent(url -> cli.console().say("\nthe pages stay up until Ctrl-C: " + url));
        Exit stopped = serving.untilStopped();
        exit = stopped == Exit.OK ? exit : stopped;
      }
      return exit.code();
    }
  }

  private Exit importFile(Serving serving) throws Exception {
    Store store = serving.installation().store();
    Path file = unpack(serving.installation().folder().root().resolve("demo"));
    // a table of its own for each demo, so that the ledger can be compared with what is in it
    String table = "babynames_" + STAMP.format(cli.context().clock().instant());
    Submitter submitter =
        new Submitter(
            serving.types(), new JacksonParameters(), store.submissions(), store.batches());
    long task = submitter.submit(task(submitter, file, table)).task();
    cli.console().say("imports %s into the table %s\n".formatted(file, table));
    Optional<TaskDetail> ended = new Watcher(cli, store).untilEnded(task, serving::isStopped);
    ended.ifPresent(detail -> tell(detail, serving));
    return ended.filter(detail -> detail.row().state() == TaskState.COMPLETED).isPresent()
        ? Exit.OK
        : Exit.FAILED;
  }

  private static NewTask task(Submitter submitter, Path file, String table) {
    Map<String, Object> params =
        Map.of(
            "file",
            file.toString(),
            "table",
            table,
            "create",
            true,
            "types",
            Map.of("year", "integer", "births", "integer"));
    return submitter
        .read(CsvImport.TYPE, new JacksonParameters().write(params))
        .withLabel("demo: US baby names 2007–2010");
  }

  private void tell(TaskDetail detail, Serving serving) {
    Console console = cli.console();
    Store store = serving.installation().store();
    long id = detail.row().id();
    Show show = new Show(cli.context().zone());
    var rejects = store.taskViews().rejects(id, 0, REJECTS_SHOWN);
    console.tell(TaskJson.of(detail, rejects));
    console.draw(show.progress(detail.row()));
    console.say(show.end(detail));
    if (!rejects.isEmpty()) {
      console.say(
          "\nthe rows that could not be taken (planted in the file):\n" + Show.rejects(rejects));
    }
    console.say(next(id));
  }

  private String next(long task) {
    String program = "  ./batchyard" + cli.place();
    Table next =
        new Table("%s task %d".formatted(program, task), "attempts, rejects, history, ledger");
    next.add("%s logs %d".formatted(program, task), "what the import said");
    next.add(program + " server", "a node with pages; then, in another terminal:");
    return """

    try next:
    %s
    %s submit data.import -p file=FILE.csv -p table=NAME -p create=true --watch\
    """
        .formatted(next.text(), program);
  }

  /** The node reads files, not jars; a second demo finds the file in place. */
  private static Path unpack(Path folder) {
    Path file = folder.resolve(FILE);
    try (InputStream in =
        Objects.requireNonNull(
            DemoCommand.class.getResourceAsStream("/examples/babynames/" + FILE))) {
      byte[] content = in.readAllBytes();
      if (Files.exists(file) && Files.size(file) == content.length) {
        return file;
      }
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, FILE, ".part");
      Files.write(part, content);
      return Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
