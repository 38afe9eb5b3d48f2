package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.web.api.WhyJson;
import dev.batchyard.web.page.Formats;
import dev.batchyard.web.page.Language;
import dev.batchyard.web.page.WaitText;
import dev.batchyard.web.page.Words;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tells why a task does not run. */
@Command(
    name = "why",
    description = {
      "Tells why a task does not run: a line for each reason, the outermost first,",
      "with what holds it and the earliest start where that is known."
    })
final class WhyCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(paramLabel = "ID", converter = Numbers.Id.class, description = "The task.")
  private long task;

  @Option(names = "--lang", paramLabel = "en|zh", description = "The language; en unless set.")
  private Language language = Language.EN;

  WhyCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      Why why =
          installation
              .store()
              .waitReasons()
              .of(task)
              .orElseThrow(() -> CliFailure.noSuchTask(task));
      WaitText words = words(cli.context(), language);
      cli.console().tell(WhyJson.document(why, words));
      words.lines(why).forEach(cli.console()::say);
    }
    return Exit.OK.code();
  }

  /** {@return the words of these reasons, as the pages and the API have them} */
  static WaitText words(Context context, Language language) {
    Words words = Words.in(language);
    return new WaitText(words, new Formats(words, context.zone()));
  }
}
