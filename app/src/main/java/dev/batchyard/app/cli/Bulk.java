package dev.batchyard.app.cli;

import dev.batchyard.engine.port.BulkReruns.Filter;
import dev.batchyard.engine.port.BulkReruns.Refused;
import dev.batchyard.engine.run.Reruns;
import dev.batchyard.store.Store;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs the tasks again that a filter finds, and tells what came of it. */
final class Bulk {

  private static final int REASONS_SHOWN = 10;

  private final Cli cli;
  private final RerunFlags flags;

  Bulk(Cli cli, RerunFlags flags) {
    this.cli = cli;
    this.flags = flags;
  }

  Exit rerun(Store store) {
    Reruns reruns = new Reruns(store.bulkReruns());
    Filter filter = flags.filter(cli.context());
    int limit = flags.limit();
    Reruns.Report report = report(reruns, filter, limit);
    cli.console().tell(document(report));
    cli.console().say(told(report));
    report.reasons().stream()
        .limit(REASONS_SHOWN)
        .map(Refused::why)
        .forEach(why -> cli.console().say("  " + why));
    if (report.reasons().size() > REASONS_SHOWN) {
      cli.console().say("  … and others");
    }
    if (report.more()) {
      cli.console().say("there may be more: the same again%s".formatted(goesOn()));
    }
    return report.refused() == 0 ? Exit.OK : Exit.FAILED;
  }

  private Reruns.Report report(Reruns reruns, Filter filter, int limit) {
    try {
      return flags.dryRun()
          ? reruns.wouldRun(filter, limit)
          : reruns.run(filter, limit, cli.context().user(), flags.why());
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
  }

  private String goesOn() {
    return flags.dryRun() ? " with a higher --limit" : " goes on";
  }

  private String told(Reruns.Report report) {
    return flags.dryRun()
        ? "%s would run again, %,d would be refused; nothing is changed"
            .formatted(count(report.moved()), report.refused())
        : "%s run%s again, %,d refused"
            .formatted(count(report.moved()), report.moved() == 1 ? "s" : "", report.refused());
  }

  private static String count(long tasks) {
    return tasks == 1 ? "1 task" : "%,d tasks".formatted(tasks);
  }

  private Map<String, Object> document(Reruns.Report report) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("move", "RERUN");
    document.put("dryRun", flags.dryRun());
    document.put("moved", report.moved());
    document.put("refused", report.refused());
    document.put("reasons", report.reasons());
    document.put("more", report.more());
    document.put("until", report.until());
    return document;
  }
}
