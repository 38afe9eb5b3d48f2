package dev.batchyard.web.api;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Requirement;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.run.Submitter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes checked tasks of their JSON. Thread-safe. */
final class TaskReader {

  /** What the constructors of a task say begins with their name of the field. */
  private static final Pattern OF_FIELD =
      Pattern.compile("([a-zA-Z-]{1,30}): (.*)", Pattern.DOTALL);

  private static final Map<String, String> OUR_NAMES =
      Map.of(
          "unique-live", "uniqueLive",
          "unique-within", "uniqueWithin",
          "queueTimeout", "limits.queueTimeout",
          "attemptTimeout", "limits.attemptTimeout",
          "totalTimeout", "limits.totalTimeout",
          "deadline", "limits.deadline");

  /** In the place of parameters that do not fit, while the other fields are looked at. */
  private record Nothing() {}

  private static final NewTask UNREAD = NewTask.of("unread", new Nothing());

  private static final List<BiFunction<TaskFields, NewTask, NewTask>> FIELDS =
      List.of(
          text("label", NewTask::withLabel),
          text("queue", NewTask::withQueue),
          text("retry", NewTask::withRetry),
          text("requires", (task, list) -> task.withRequirement(Requirement.parse(list))),
          text("key", NewTask::withKey),
          text("uniqueLive", NewTask::withUniqueLive),
          (fields, task) ->
              fields
                  .uniqueWithin()
                  .map(within ->
                      task.withKeys(task.keys().withWithin(within.key(), within.period())))
                  .orElse(task),
          (fields, task) -> fields.priority().map(task::withPriority).orElse(task),
          (fields, task) -> fields.instant("due").map(task::withDue).orElse(task),
          TaskReader::inBatch,
          (fields, task) -> task.withPools(fields.pools()),
          timeout("queueTimeout", Limits::withQueueTimeout),
          timeout("attemptTimeout", Limits::withAttemptTimeout),
          timeout("totalTimeout", Limits::withTotalTimeout),
          (fields, task) ->
              fields
                  .instant("limits.deadline")
                  .map(at -> task.withLimits(task.limits().withDeadline(at)))
                  .orElse(task));

  private final Submitter submitter;

  TaskReader(Submitter submitter) {
    this.submitter = submitter;
  }

  /**
   * {@return a task, ready to be stored}
   *
   * @param json one object
   * @throws BadLine telling fields, values and cures
   */
  TaskDraft read(String json) throws BadLine {
    TaskFields fields = TaskFields.of(json);
    List<Problem> problems = fields.problems();
    Optional<NewTask> read = readParams(fields, problems);
    NewTask task = with(fields, read.orElse(UNREAD));
    if (read.isPresent() && problems.isEmpty()) {
      try {
        return submitter.draft(task);
      } catch (InvalidParameters e) {
        problems.addAll(ours(e.problems()));
      }
    }
    throw new BadLine(problems);
  }

  private Optional<NewTask> readParams(TaskFields fields, List<Problem> problems) {
    Optional<String> type = fields.text("type");
    if (type.isEmpty()) {
      if (!fields.refused("type")) {
        problems.add(new Problem("type", "is missing; it must be the name of a task type"));
      }
      return Optional.empty();
    }
    try {
      return fields.refused("params")
          ? Optional.empty()
          : Optional.of(submitter.read(type.get(), fields.params()));
    } catch (UnknownName e) {
      problems.add(ofField("type", e));
    } catch (InvalidParameters e) {
      for (Problem each : e.problems()) {
        String path = each.path().isEmpty() ? "params" : "params." + each.path();
        problems.add(new Problem(path, each.message()));
      }
    }
    return Optional.empty();
  }

  /**
   * {@return the task with these fields} Those that do not fit are left out and told, each by
   * itself.
   */
  private static NewTask with(TaskFields fields, NewTask read) {
    NewTask task = read;
    for (BiFunction<TaskFields, NewTask, NewTask> field : FIELDS) {
      try {
        task = field.apply(fields, task);
      } catch (IllegalArgumentException e) {
        fields.problems().add(ofField("", e));
      }
    }
    return task;
  }

  private static BiFunction<TaskFields, NewTask, NewTask> text(
      String name, BiFunction<NewTask, String, NewTask> with) {
    return (fields, task) -> fields.text(name).map(text -> with.apply(task, text)).orElse(task);
  }

  private static BiFunction<TaskFields, NewTask, NewTask> timeout(
      String name, BiFunction<Limits, Duration, Limits> with) {
    return (fields, task) ->
        fields
            .duration("limits." + name)
            .map(span -> task.withLimits(with.apply(task.limits(), span)))
            .orElse(task);
  }

  private static NewTask inBatch(TaskFields fields, NewTask task) {
    OptionalLong batch = fields.batch();
    return batch.isPresent() ? task.withBatch(batch.getAsLong()) : task;
  }

  private static Problem ofField(String field, RuntimeException refused) {
    String message = String.valueOf(refused.getMessage());
    Matcher matcher = OF_FIELD.matcher(message);
    return matcher.matches()
        ? new Problem(ours(matcher.group(1)), matcher.group(2))
        : new Problem(field, message);
  }

  /** {@return what is said of a draft, by the names of the fields here} */
  static List<Problem> ours(List<Problem> problems) {
    return problems.stream()
        .map(each ->
            new Problem(each.path().isEmpty() ? "params" : ours(each.path()), each.message()))
        .toList();
  }

  private static String ours(String name) {
    return OUR_NAMES.getOrDefault(name, name);
  }
}
