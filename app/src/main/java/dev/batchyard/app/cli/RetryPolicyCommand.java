package dev.batchyard.app.cli;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.RetryPolicy.Backoff;
import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.RetryPolicies.Change;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** Makes, changes or removes one retry policy; then shows it. */
@Command(
    name = "retry-policy",
    description = "Shows one retry policy; with options, makes, changes or removes it.",
    footer = {
      "",
      "A change counts for all tasks that use it, those that wait already too.",
      "What --create is not told is as in the policy default.",
      "A policy has at most 20 rules for kinds of failures; the most exact one counts.",
      "Example: retry-policy nightly --create --retries 10 --first-delay 1m --max-delay 1h \\",
      "           --final-on 'IllegalArgument*' --slow-on SocketTimeoutException=10m"
    })
final class RetryPolicyCommand implements Callable<Integer> {

  private final Cli cli;

  @Parameters(paramLabel = "NAME", description = "The retry policy.")
  private String name = "";

  @Option(names = "--create", description = "Makes it, if there is none of this name.")
  private boolean create;

  @Option(names = "--remove", description = "Takes it away, if no live task uses it.")
  private boolean remove;

  @Option(
      names = "--retries",
      paramLabel = "N",
      description = "So many tries after the first one, 0 to 100.")
  private Optional<Integer> retries = Optional.empty();

  @Option(
      names = "--backoff",
      paramLabel = "WORD",
      description = "exponential: twice as long each time; linear: longer by the first delay.")
  private Optional<Backoff> backoff = Optional.empty();

  @Option(
      names = "--first-delay",
      paramLabel = "TIME",
      converter = Spans.Delay.class,
      description = "Before the first retry, such as 30s.")
  private Optional<Duration> firstDelay = Optional.empty();

  @Option(
      names = "--max-delay",
      paramLabel = "TIME",
      converter = Spans.Delay.class,
      description = "No delay is longer, a fifth more at random aside; at most 30d.")
  private Optional<Duration> maxDelay = Optional.empty();

  @Option(
      names = "--final-on",
      split = ",",
      paramLabel = "KIND",
      description =
          "Such a failure is not tried again. The simple name of what is thrown, or its beginning and *.")
  private List<String> finalOn = List.of();

  @Option(
      names = "--slow-on",
      split = ",",
      paramLabel = "KIND=TIME",
      description = "After such a failure the first delay is at least this, such as Sql*=5m.")
  private List<String> slowOn = List.of();

  @Option(
      names = "--no-rule",
      split = ",",
      paramLabel = "KIND",
      description = "Takes the rule for this KIND away.")
  private List<String> noRule = List.of();

  RetryPolicyCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    if (remove && (create || changes())) {
      throw new CliFailure(Exit.USAGE, "--remove takes no other option");
    }
    try (Installation installation = cli.open()) {
      RetryPolicies policies = installation.store().retryPolicies();
      try {
        if (remove) {
          tell(policies.remove(name), "removed", "is removed already");
          return Exit.OK.code();
        }
        change(policies);
      } catch (IllegalArgumentException e) {
        throw new CliFailure(Exit.USAGE, String.valueOf(e.getMessage()));
      } catch (MoveRefused e) {
        throw new CliFailure(Exit.FAILED, String.valueOf(e.getMessage()));
      }
      RetryPolicy policy = policies.find(name).orElseThrow(this::noSuchPolicy);
      cli.console().tell(document(policy));
      cli.console().say(Show.retryPolicies(List.of(policy)));
    }
    return Exit.OK.code();
  }

  private void change(RetryPolicies policies) {
    if (create) {
      RetryPolicy like = RetryPolicy.DEFAULT;
      RetryPolicy fresh =
          new RetryPolicy(name, like.retries(), like.backoff(), like.firstDelay(), like.maxDelay());
      Change made = policies.create(changed(fresh));
      tell(made, "made", "is there already");
      if (made == Change.DONE) {
        return;
      }
    }
    if (changes()) {
      tell(policies.edit(name, this::changed), "changed", "is so already");
    }
  }

  private boolean changes() {
    return retries.isPresent()
        || backoff.isPresent()
        || firstDelay.isPresent()
        || maxDelay.isPresent()
        || !(finalOn.isEmpty() && slowOn.isEmpty() && noRule.isEmpty());
  }

  private RetryPolicy changed(RetryPolicy before) {
    return new RetryPolicy(
        before.name(),
        retries.orElse(before.retries()),
        backoff.orElse(before.backoff()),
        firstDelay.orElse(before.firstDelay()),
        maxDelay.orElse(before.maxDelay()),
        rules(before.rules()));
  }

  private List<ErrorRule> rules(List<ErrorRule> before) {
    Map<String, ErrorRule> rules = new LinkedHashMap<>();
    before.forEach(rule -> rules.put(rule.kind(), rule));
    for (String kind : noRule) {
      if (rules.remove(kind) == null) {
        throw new IllegalArgumentException(
            "--no-rule: retry policy '%s' has no rule for '%s'; it has: %s"
                .formatted(
                    name, kind, rules.isEmpty() ? "none" : String.join(", ", rules.keySet())));
      }
    }
    finalOn.forEach(kind -> rules.put(kind, new ErrorRule.Final(kind)));
    slowOn.stream().map(RetryPolicyCommand::slow).forEach(rule -> rules.put(rule.kind(), rule));
    return List.copyOf(rules.values());
  }

  private static ErrorRule slow(String text) {
    int equals = text.indexOf('=');
    if (equals < 0) {
      throw new IllegalArgumentException(
          "--slow-on: '%s' must be a kind, = and a time, such as SocketTimeoutException=10m"
              .formatted(text));
    }
    try {
      return new ErrorRule.Slow(text.substring(0, equals), Spans.parse(text.substring(equals + 1)));
    } catch (TypeConversionException e) {
      throw new IllegalArgumentException("--slow-on: " + e.getMessage(), e);
    }
  }

  private void tell(Change change, String done, String already) {
    cli.console()
        .say(
            "retry policy %s %s"
                .formatted(
                    name,
                    switch (change) {
                      case DONE -> done;
                      case ALREADY -> already;
                      case NOT_FOUND -> throw noSuchPolicy();
                    }));
  }

  private CliFailure noSuchPolicy() {
    return new CliFailure(
        Exit.NOT_FOUND,
        "retry policy '%s': there is none; './batchyard retry-policies' lists them, --create makes one"
            .formatted(name));
  }

  /** {@return a policy for a machine} */
  static Map<String, Object> document(RetryPolicy policy) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("name", policy.name());
    document.put("retries", policy.retries());
    document.put("backoff", policy.backoff().name().toLowerCase(Locale.ROOT));
    document.put("firstDelayMs", policy.firstDelay().toMillis());
    document.put("maxDelayMs", policy.maxDelay().toMillis());
    List<String> finalOn = new ArrayList<>();
    Map<String, Long> slowOnMs = new LinkedHashMap<>();
    for (ErrorRule rule : policy.rules()) {
      switch (rule) {
        case ErrorRule.Final(var kind) -> finalOn.add(kind);
        case ErrorRule.Slow(var kind, var delay) -> slowOnMs.put(kind, delay.toMillis());
      }
    }
    document.put("finalOn", finalOn);
    document.put("slowOnMs", slowOnMs);
    return document;
  }
}
