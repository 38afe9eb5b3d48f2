package dev.batchyard.app.cli;

import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Compensations.TaskSteps;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.web.api.WhyJson;
import dev.batchyard.web.page.Language;
import dev.batchyard.web.page.WaitText;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows one task. */
@Command(
    name = "task",
    description = "Shows one task: state, ledger, checkpoint, attempts, history, rejects, steps.")
final class TaskCommand implements Callable<Integer> {

  private static final int REJECTS = 5;
  static final int REJECTS_MAX = 1_000;

  private final Cli cli;

  @Parameters(paramLabel = "ID", converter = Numbers.Id.class, description = "The task.")
  private long task;

  @Option(
      names = "--rejects",
      paramLabel = "N",
      converter = Numbers.Rejects.class,
      description = "Shows so many rejects, 0 to 1,000; 5.")
  private int rejects = REJECTS;

  @Option(
      names = "--rejects-after",
      paramLabel = "ROW",
      converter = Numbers.Row.class,
      description = "The next page of rejects: rows above this one.")
  private long rejectsAfter;

  TaskCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      TaskViews views = installation.store().taskViews();
      TaskDetail detail = views.find(task).orElseThrow(() -> CliFailure.noSuchTask(task));
      List<Reject> shown = views.rejects(task, rejectsAfter, rejects);
      long passed =
          installation.store().checkpoints().of(task).stream().filter(c -> !c.last()).count();
      TaskSteps steps = installation.store().compensations().of(task);
      Optional<Why> why =
          detail.row().state().ended()
              ? Optional.empty()
              : installation.store().waitReasons().of(task);
      WaitText words = WhyCommand.words(cli.context(), Language.EN);
      Map<String, Object> document = TaskJson.of(detail, shown);
      why.ifPresent(w -> document.put("waits", WhyJson.document(w, words).get("waits")));
      document.putAll(StepWords.document(steps));
      cli.console().tell(document);
      cli.console()
          .say(
              new Show(cli.context().zone())
                  .task(detail, why.map(words::lines).orElse(List.of()), shown));
      String told = new StepWords(cli.context().zone()).steps(steps);
      if (!told.isEmpty()) {
        cli.console().say(told);
      }
      if (passed > 0) {
        cli.console()
            .say(
                "checkpoints %,d earlier; './batchyard checkpoints %d' lists them"
                    .formatted(passed, task));
      }
    }
    return Exit.OK.code();
  }
}
