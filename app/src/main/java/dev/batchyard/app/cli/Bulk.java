package dev.batchyard.app.cli;

import dev.batchyard.engine.port.BulkCancels;
import dev.batchyard.engine.port.BulkReruns.Filter;
import dev.batchyard.engine.port.BulkReruns.Refused;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.run.Cancels;
import dev.batchyard.engine.run.Reruns;
import dev.batchyard.store.Store;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Moves the tasks that a filter finds, and tells what came of it. */
final class Bulk {

  private static final int REASONS_SHOWN = 10;

  private final Cli cli;

  Bulk(Cli cli) {
    this.cli = cli;
  }

  /** Runs them again. */
  Exit rerun(Store store, RerunFlags flags) {
    Reruns reruns = new Reruns(store.bulkReruns());
    Filter filter = flags.filter(cli.context());
    int limit = flags.limit();
    Reruns.Report report = report(reruns, filter, limit, flags);
    cli.console().tell(document(report, flags));
    cli.console().say(told(report, flags));
    tell(report.reasons().stream().map(Refused::why).toList(), report.more(), flags.dryRun());
    return report.refused() == 0 ? Exit.OK : Exit.FAILED;
  }

  /** Cancels them. */
  Exit cancel(Store store, CancelFlags flags) {
    Cancels cancels = new Cancels(store.bulkCancels());
    TaskViews.Filter filter = flags.filter();
    int limit = flags.limit();
    Cancels.Report report;
    try {
      report =
          flags.dryRun()
              ? cancels.wouldRun(filter, limit)
              : cancels.run(filter, limit, cli.context().user());
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("move", "CANCEL");
    document.put("dryRun", flags.dryRun());
    document.put("cancelled", report.cancelled());
    document.put("asked", report.asked());
    document.put("refused", report.refused());
    document.put("reasons", report.reasons());
    document.put("more", report.more());
    cli.console().tell(document);
    cli.console()
        .say(
            flags.dryRun()
                ? "%s would be cancelled, %,d would be refused; nothing is changed"
                    .formatted(count(report.cancelled()), report.refused())
                : "%s cancelled, %,d asked to end at the next checkpoint, %,d refused"
                    .formatted(count(report.cancelled()), report.asked(), report.refused()));
    tell(
        report.reasons().stream().map(BulkCancels.Refused::why).toList(),
        report.more(),
        flags.dryRun());
    return report.refused() == 0 ? Exit.OK : Exit.FAILED;
  }

  private void tell(List<String> reasons, boolean more, boolean dryRun) {
    reasons.stream().limit(REASONS_SHOWN).forEach(why -> cli.console().say("  " + why));
    if (reasons.size() > REASONS_SHOWN) {
      cli.console().say("  … and others");
    }
    if (more) {
      cli.console()
          .say(
              "there may be more: the same again"
                  + (dryRun ? " with a higher --limit" : " goes on"));
    }
  }

  private Reruns.Report report(Reruns reruns, Filter filter, int limit, RerunFlags flags) {
    try {
      return flags.dryRun()
          ? reruns.wouldRun(filter, limit)
          : reruns.run(filter, limit, cli.context().user(), flags.why());
    } catch (IllegalArgumentException e) {
      throw new CliFailure(Exit.USAGE, "--" + e.getMessage());
    }
  }

  private static String told(Reruns.Report report, RerunFlags flags) {
    return flags.dryRun()
        ? "%s would run again, %,d would be refused; nothing is changed"
            .formatted(count(report.moved()), report.refused())
        : "%s run%s again, %,d refused"
            .formatted(count(report.moved()), report.moved() == 1 ? "s" : "", report.refused());
  }

  private static String count(long tasks) {
    return tasks == 1 ? "1 task" : "%,d tasks".formatted(tasks);
  }

  private static Map<String, Object> document(Reruns.Report report, RerunFlags flags) {
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
