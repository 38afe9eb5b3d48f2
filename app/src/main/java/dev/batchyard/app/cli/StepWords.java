package dev.batchyard.app.cli;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Compensations.Compensation;
import dev.batchyard.engine.port.Compensations.Settled;
import dev.batchyard.engine.port.Compensations.Step;
import dev.batchyard.engine.port.Compensations.StepUndo;
import dev.batchyard.engine.port.Compensations.TaskSteps;
import dev.batchyard.engine.port.Compensations.Turn;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Durable steps and what becomes of them, in words for people and documents for machines. */
final class StepWords {

  private static final JacksonParameters CODEC = new JacksonParameters();

  private final Show show;

  StepWords(ZoneId zone) {
    this.show = new Show(zone);
  }

  /** {@return the steps of a task, as a part of its page; empty if it has none} */
  String steps(TaskSteps task) {
    StringBuilder text = new StringBuilder();
    task.undoes()
        .ifPresent(undoes ->
            text.append(
                "it undoes step '%s' of task %d\n".formatted(undoes.step(), undoes.task())));
    if (!task.steps().isEmpty()) {
      Table table = new Table("round", "step", "name", "begun", "done", "undo", "by task", "is");
      for (Step step : task.steps()) {
        Optional<StepUndo> undo = step.undo();
        table.add(
            String.valueOf(step.round()),
            String.valueOf(step.number()),
            step.name(),
            show.at(step.started()),
            step.done().map(show::at).orElse("not recorded"),
            undo.map(StepUndo::type).orElse("-"),
            undo.filter(u -> u.task().isPresent())
                .map(u -> String.valueOf(u.task().getAsLong()))
                .orElse("-"),
            undo.flatMap(StepUndo::state).map(TaskState::word).orElse("-"));
      }
      text.append('\n').append(table.text()).append('\n');
      task.steps()
          .forEach(
              step -> step.settled().ifPresent(s -> text.append(sentence(step, s)).append('\n')));
    }
    task.compensation().ifPresent(c -> text.append(sentence(c)).append('\n'));
    return text.toString().stripTrailing();
  }

  private String sentence(Step step, Settled settled) {
    return "step '%s' %s by the word of %s, %s: %s"
        .formatted(
            step.name(),
            switch (settled.word().orElse("")) {
              case "done" -> "is done";
              case "not_done" -> "has not happened";
              default -> "was begun anew";
            },
            settled.by(),
            show.at(settled.at()),
            settled.why());
  }

  private static String sentence(Compensation compensation) {
    return switch (compensation.state()) {
      case UNDONE -> "its steps are undone";
      case UNDOING ->
          "its steps are being undone"
              + compensation
                  .turn()
                  .map(t -> "; task %d is at its turn".formatted(t.task()))
                  .orElse("");
      case NEEDS_PERSON ->
          compensation.turn().map(StepWords::work).orElse("its steps need a person");
    };
  }

  private static String work(Turn turn) {
    return "needs a person: task %d, which undoes '%s', is %s%s; after the cure, './batchyard rerun %d' goes on with it"
        .formatted(
            turn.task(),
            turn.step(),
            turn.state().word(),
            turn.problem().isEmpty() ? "" : ": " + turn.problem(),
            turn.task());
  }

  /** {@return compensations as a table, and what a person can do} */
  String compensations(List<Compensation> rows) {
    Table table =
        new Table("task", "type", "state", "since", "step", "undo", "is", "problem", "label");
    for (Compensation row : rows) {
      table.add(
          String.valueOf(row.task()),
          row.type(),
          row.state().word(),
          show.at(row.since()),
          row.turn().map(Turn::step).orElse("-"),
          row.turn().map(turn -> String.valueOf(turn.task())).orElse("-"),
          row.turn().map(turn -> turn.state().word()).orElse("-"),
          row.turn().map(Turn::problem).orElse(""),
          row.label());
    }
    return table.text();
  }

  /** {@return what a document about a task has of its steps} */
  static Map<String, Object> document(TaskSteps task) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("steps", task.steps().stream().map(StepWords::document).toList());
    task.compensation().ifPresent(c -> document.put("compensation", document(c)));
    task.undoes().ifPresent(undoes -> document.put("undoes", undoes));
    return document;
  }

  /** {@return a compensation as a document} */
  static Map<String, Object> document(Compensation row) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("task", row.task());
    document.put("type", row.type());
    document.put("label", row.label());
    document.put("round", row.round());
    document.put("state", row.state());
    document.put("since", row.since());
    row.turn().ifPresent(turn -> document.put("turn", turn));
    return document;
  }

  private static Map<String, Object> document(Step step) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("round", step.round());
    document.put("number", step.number());
    document.put("name", step.name());
    document.put("started", step.started());
    step.done().ifPresent(at -> document.put("done", at));
    step.resultJson().ifPresent(result -> document.put("result", CODEC.parse(result)));
    step.settled().ifPresent(settled -> document.put("settled", settled));
    step.undo()
        .ifPresent(undo -> {
          Map<String, Object> of = new LinkedHashMap<>();
          of.put("type", undo.type());
          of.put("params", CODEC.parse(undo.paramsJson()));
          undo.task().ifPresent(id -> of.put("task", id));
          undo.state().ifPresent(state -> of.put("state", state));
          document.put("undo", of);
        });
    return document;
  }
}
