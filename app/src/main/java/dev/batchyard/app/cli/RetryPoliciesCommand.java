package dev.batchyard.app.cli;

import dev.batchyard.api.RetryPolicy;
import dev.batchyard.app.Installation;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Lists retry policies. */
@Command(
    name = "retry-policies",
    description = "Lists the retry policies: how often and after what delay a task is tried again.")
final class RetryPoliciesCommand implements Callable<Integer> {

  private final Cli cli;

  RetryPoliciesCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() {
    try (Installation installation = cli.open()) {
      List<RetryPolicy> policies = installation.store().retryPolicies().list();
      policies.forEach(policy -> cli.console().tell(RetryPolicyCommand.document(policy)));
      cli.console().say(Show.retryPolicies(policies));
    }
    return Exit.OK.code();
  }
}
