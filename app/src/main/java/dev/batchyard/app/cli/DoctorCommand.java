package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.Doctor.Finding;
import dev.batchyard.engine.port.Doctor.Found;
import dev.batchyard.engine.port.Nearest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks over the installation for what should not be. */
@Command(
    name = "doctor",
    description =
        "Looks for what should not be: tasks that nobody has, counts that are wrong, what slows or endangers the database.",
    footer = {
      "",
      "Exit code 0 if all is fine, 1 if something was found and not repaired.",
      "It reads in small pages with pauses and locks nothing: it may run at any time."
    })
final class DoctorCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(
      paramLabel = "CHECK",
      arity = "0..*",
      description = "Makes these checks only, such as homes or batches; all of them otherwise.")
  private List<String> words = List.of();

  @Option(
      names = "--repair",
      description = "Does what is safe about what is found; without it nothing is changed.")
  private boolean repair;

  @Option(
      names = "--rows",
      paramLabel = "N",
      description = "Looks at so many rows of a table at most, the newest; 1,000,000. 0 is all.")
  private long rows = Doctor.ROWS;

  DoctorCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    if (rows < 0) {
      throw new CliFailure(Exit.USAGE, "--rows: %d is less than 0".formatted(rows));
    }
    List<Check> checks =
        words.isEmpty()
            ? List.of(Check.values())
            : words.stream().map(DoctorCommand::check).distinct().toList();
    boolean fine = true;
    try (Installation installation = cli.open()) {
      Doctor doctor = installation.store().doctor();
      List<Finding> bad = new ArrayList<>();
      cli.console().say("check            looked at       found");
      for (Check check : checks) {
        Finding finding = doctor.look(check, rows == 0 ? Long.MAX_VALUE : rows);
        cli.console().say(line(finding));
        if (finding.fine() || cli.console().json()) {
          fine &= told(doctor, finding);
        } else {
          bad.add(finding);
        }
      }
      for (Finding finding : bad) {
        fine &= told(doctor, finding);
      }
    }
    cli.console().say(fine ? "\nall is fine" : "");
    return (fine ? Exit.OK : Exit.FAILED).code();
  }

  private static Check check(String word) {
    return Check.of(word)
        .orElseThrow(() -> {
          List<String> all = Arrays.stream(Check.values()).map(Check::word).toList();
          return new CliFailure(
              Exit.USAGE,
              "CHECK: there is no '%s'%s; there are %s"
                  .formatted(
                      word,
                      Nearest.to(word, all).map(name -> ", did you mean " + name + "?").orElse(""),
                      String.join(", ", all)));
        });
  }

  private static String line(Finding finding) {
    String found =
        !finding.problem().isEmpty()
            ? "could not look"
            : finding.found().isEmpty()
                ? "-"
                : "%,d%s".formatted(finding.found().size(), finding.more() ? " or more" : "");
    return "%-15s %,11d%s  %s"
        .formatted(
            finding.check().word(),
            finding.looked(),
            finding.complete() || !finding.problem().isEmpty() ? "    " : "+ …",
            found)
        .stripTrailing();
  }

  /** {@return whether it is fine, or is now} */
  private boolean told(Doctor doctor, Finding finding) {
    List<Found> repaired =
        repair && finding.check().repairable() && !finding.found().isEmpty()
            ? doctor.repair(finding)
            : List.of();
    cli.console().tell(document(finding, repaired.size()));
    if (!finding.fine()) {
      cli.console().say(text(finding, repaired));
    }
    return finding.problem().isEmpty()
        && !finding.more()
        && repaired.size() == finding.found().size();
  }

  private String text(Finding finding, List<Found> repaired) {
    Check check = finding.check();
    StringBuilder text = new StringBuilder();
    text.append("\n%s: %s\n".formatted(check.word(), check.finds()));
    if (!finding.problem().isEmpty()) {
      text.append("  it could not look: ").append(finding.problem()).append('\n');
    }
    finding.found().stream()
        .limit(Doctor.EXAMPLES_MAX)
        .forEach(found ->
            text.append(
                "  %s: %s%s\n"
                    .formatted(
                        found.subject(),
                        found.detail(),
                        repaired.contains(found) ? "  (repaired)" : "")));
    int left = finding.found().size() - Doctor.EXAMPLES_MAX;
    if (left > 0) {
      text.append("  … and %,d%s\n".formatted(left, finding.more() ? " or more" : ""));
    }
    if (!finding.found().isEmpty()) {
      text.append("  cure: ").append(check.cure()).append('\n');
    }
    if (repair && check.repairable()) {
      text.append(
          "  repaired: %,d of %,d%s\n"
              .formatted(
                  repaired.size(),
                  finding.found().size(),
                  finding.more() ? "; there may be more: the same again goes on" : ""));
    }
    return text.toString().stripTrailing();
  }

  private static Map<String, Object> document(Finding finding, int repaired) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("check", finding.check().word());
    document.put("fine", finding.fine());
    document.put("looked", finding.looked());
    document.put("complete", finding.complete());
    document.put("found", finding.found().size());
    document.put("more", finding.more());
    document.put("problem", finding.problem());
    document.put(
        "examples",
        finding.found().stream()
            .limit(Doctor.EXAMPLES_MAX)
            .map(found -> Map.of("subject", found.subject(), "detail", found.detail()))
            .collect(Collectors.toList()));
    document.put("finds", finding.check().finds());
    document.put("cure", finding.check().cure());
    document.put("repairable", finding.check().repairable());
    document.put("repaired", repaired);
    return document;
  }
}
