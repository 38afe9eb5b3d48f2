package dev.batchyard.web.api;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.run.Submitter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes checked tasks of their JSON. Thread-safe. */
final class TaskReader {

  /** What the constructors of a task say begins with their name of the field. */
  private static final Pattern OF_FIELD =
      Pattern.compile("([a-zA-Z-]{1,30}): (.*)", Pattern.DOTALL);

  private static final Map<String, String> OUR_NAMES =
      Map.of("unique-live", "uniqueLive", "unique-within", "uniqueWithin");

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
    NewTask read = readParams(fields, problems);
    TaskKeys keys = keys(fields, problems);
    Limits limits = limits(fields, problems);
    if (read != null) {
      TaskDraft draft = draft(read, fields, keys, limits, problems);
      if (draft != null && problems.isEmpty()) {
        return draft;
      }
    }
    throw new BadLine(problems);
  }

  private @Nullable NewTask readParams(TaskFields fields, List<Problem> problems) {
    Optional<String> type = fields.text("type");
    if (type.isEmpty()) {
      if (problems.stream().noneMatch(problem -> problem.path().equals("type"))) {
        problems.add(new Problem("type", "is missing; it must be the name of a task type"));
      }
      return null;
    }
    try {
      return submitter.read(type.get(), fields.params());
    } catch (UnknownName e) {
      problems.add(ofField("type", e));
    } catch (InvalidParameters e) {
      for (Problem each : e.problems()) {
        String path = each.path().isEmpty() ? "params" : "params." + each.path();
        problems.add(new Problem(path, each.message()));
      }
    }
    return null;
  }

  private static TaskKeys keys(TaskFields fields, List<Problem> problems) {
    try {
      return new TaskKeys(fields.text("key"), fields.text("uniqueLive"), fields.uniqueWithin());
    } catch (IllegalArgumentException e) {
      problems.add(ofField("", e));
      return TaskKeys.NONE;
    }
  }

  private static Limits limits(TaskFields fields, List<Problem> problems) {
    try {
      return fields.limits();
    } catch (IllegalArgumentException e) {
      Problem problem = ofField("", e);
      problems.add(new Problem("limits." + problem.path(), problem.message()));
      return Limits.NONE;
    }
  }

  private @Nullable TaskDraft draft(
      NewTask read, TaskFields fields, TaskKeys keys, Limits limits, List<Problem> problems) {
    try {
      return submitter.draft(
          new NewTask(
              read.type(),
              read.params(),
              fields.text("label").orElse(read.label()),
              fields.text("queue").orElse(read.queue()),
              fields.priority().orElse(read.priority()),
              fields.due(),
              keys,
              fields.batch(),
              fields.text("retry"),
              limits));
    } catch (InvalidParameters e) {
      for (Problem each : e.problems()) {
        problems.add(
            new Problem(each.path().isEmpty() ? "params" : ours(each.path()), each.message()));
      }
    } catch (IllegalArgumentException e) {
      problems.add(ofField("", e));
    }
    return null;
  }

  private static Problem ofField(String field, RuntimeException refused) {
    String message = String.valueOf(refused.getMessage());
    Matcher matcher = OF_FIELD.matcher(message);
    return matcher.matches()
        ? new Problem(ours(matcher.group(1)), matcher.group(2))
        : new Problem(field, message);
  }

  private static String ours(String name) {
    return OUR_NAMES.getOrDefault(name, name);
  }
}
