package dev.batchyard.engine.run;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.DurableStep.IfUnknown;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.UnknownName;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** The durable steps of one attempt, one at a time. */
final class AttemptSteps {

  private final Attempt attempt;
  private final Steps steps;
  private final TaskTypes types;
  private final ParameterCodec codec;
  private final Insistence insistence;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final Set<String> begun = new HashSet<>();
  private final Set<String> passed = new HashSet<>();

  AttemptSteps(
      Attempt attempt, Steps steps, TaskTypes types, ParameterCodec codec, Insistence insistence) {
    this.attempt = attempt;
    this.steps = steps;
    this.types = types;
    this.codec = codec;
    this.insistence = insistence;
  }

  /** As {@link dev.batchyard.api.TaskContext#step} says. */
  <R extends Record> R run(DurableStep<R> step) throws Exception {
    if (!busy.compareAndSet(false, true)) {
      throw new FinalFailure(
          "step '%s': another step of this task is being done; one at a time, none within another"
              .formatted(step.name()));
    }
    try {
      return inTurn(step);
    } finally {
      busy.set(false);
    }
  }

  /** As {@link dev.batchyard.api.TaskContext#slowDown(Duration)} says. */
  void slowDown(Optional<String> pool, Duration retryAfter) {
    steps.slowDown(attempt.lease(), pool, retryAfter);
  }

  private <R extends Record> R inTurn(DurableStep<R> step) throws Exception {
    if (passed.contains(step.name())) {
      throw new FinalFailure(
          "step '%s': there was one of this name before in this attempt; give each a name of its own"
              .formatted(step.name()));
    }
    attempt.effect();
    Steps.Draft draft = draft(step);
    boolean again = !begun.add(step.name());
    Steps.Found found = insistence.on(() -> steps.begin(attempt.lease(), draft, again));
    R result =
        switch (found) {
          case Steps.Found.Started() -> {
            CrashPoint.STEP_BEGUN.pass();
            yield act(step);
          }
          case Steps.Found.Unknown() -> resolve(step);
          case Steps.Found.Done(var json) -> stored(step, json);
          case Steps.Found.Refused(var why) -> throw new FinalFailure(why);
        };
    passed.add(step.name());
    return result;
  }

  private <R extends Record> R act(DurableStep<R> step) throws Exception {
    attempt.effect();
    return keep(step, step.action().run());
  }

  private <R extends Record> R resolve(DurableStep<R> step) throws Exception {
    return switch (step.ifUnknown()) {
      case IfUnknown.Repeat<R>() -> act(step);
      case IfUnknown.Ask<R>(var question) -> {
        Optional<R> had = question.ask();
        yield had.isPresent() ? keep(step, had.get()) : act(step);
      }
      case IfUnknown.Fail<R>() ->
          throw new FinalFailure(
              "step '%s' was begun before, and nobody recorded that it was done: whether it has happened is unknown, and its action is neither declared idempotent nor can it be asked for; find out, say so (step ID NAME --done or --not-done on the command line) and rerun the task"
                  .formatted(step.name()));
    };
  }

  private <R extends Record> R keep(DurableStep<R> step, R result) throws InterruptedException {
    CrashPoint.STEP_HAPPENED.pass();
    String json;
    try {
      json = codec.encode(result);
    } catch (InvalidParameters e) {
      throw new FinalFailure(
          "step '%s' happened, but its result cannot be kept: %s"
              .formatted(step.name(), e.getMessage()),
          e);
    }
    boolean _ =
        insistence.on(() -> {
          steps.done(attempt.lease(), step.name(), json);
          return true;
        });
    CrashPoint.STEP_RECORDED.pass();
    return result;
  }

  private <R extends Record> R stored(DurableStep<R> step, String json) {
    try {
      return codec.decode(step.result(), json);
    } catch (InvalidParameters e) {
      throw new FinalFailure(
          "step '%s' is done, but its stored result is no %s: %s"
              .formatted(step.name(), step.result().getSimpleName(), e.getMessage()),
          e);
    }
  }

  private Steps.Draft draft(DurableStep<?> step) {
    try {
      return new Steps.Draft(step.name(), step.undo().map(undo -> undo(step.name(), undo)));
    } catch (UnknownName | InvalidParameters e) {
      throw new FinalFailure(
          "step '%s' cannot be recorded: %s".formatted(step.name(), e.getMessage()), e);
    }
  }

  private Steps.Undo undo(String step, DurableStep.Undo undo) {
    TaskType<?> type = types.get(undo.type());
    if (!type.params().isInstance(undo.params())) {
      throw new FinalFailure(
          "step '%s': the parameters of its undo are a %s; type %s takes a %s"
              .formatted(
                  step,
                  undo.params().getClass().getSimpleName(),
                  type.name(),
                  type.params().getSimpleName()));
    }
    return new Steps.Undo(
        type.name(), codec.encode(undo.params()), undo.retry().orElse(RetryPolicy.CRITICAL.name()));
  }
}
