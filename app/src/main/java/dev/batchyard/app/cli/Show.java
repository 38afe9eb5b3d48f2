package dev.batchyard.app.cli;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.engine.port.Queues.QueueRow;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Words and figures for people. */
final class Show {

  private static final int BAR_CELLS = 30;
  private static final int RAW_SHOWN = 60;
  private static final int LABEL_CELLS = 40;
  private static final JacksonParameters CODEC = new JacksonParameters();

  private final DateTimeFormatter time;

  Show(ZoneId zone) {
    this.time = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT).withZone(zone);
  }

  /** {@return one line: state, bar, items, rate, time left, node} */
  String progress(TaskRow row) {
    StringBuilder line = new StringBuilder("task %d %s".formatted(row.id(), row.state().word()));
    if (row.fraction() >= 0) {
      line.append("  ").append(bar(row.fraction()));
    }
    if (row.items() > 0) {
      line.append("  %,d %s".formatted(row.items(), row.items() == 1 ? "item" : "items"));
    }
    if (row.state() == TaskState.RUNNING) {
      if (row.rate() > 0) {
        line.append("  %,.0f/s".formatted(row.rate()));
      }
      row.remainingMs()
          .ifPresent(ms -> line.append("  ").append(span(Duration.ofMillis(ms))).append(" left"));
      row.node().ifPresent(node -> line.append("  on ").append(node));
    }
    if (row.state() == TaskState.SCHEDULED || row.state() == TaskState.RETRYING) {
      line.append("  until ").append(at(row.due()));
    }
    if (row.state() == TaskState.RETRYING && !row.problem().isEmpty()) {
      line.append("  after: ").append(row.problem());
    }
    return line.toString();
  }

  private static String bar(double fraction) {
    int full = (int) Math.floor(Math.clamp(fraction, 0, 1) * BAR_CELLS);
    return "[%s%s] %5.1f %%"
        .formatted("█".repeat(full), "░".repeat(BAR_CELLS - full), fraction * 100);
  }

  /** {@return what became of it, and what to do about it} */
  String end(TaskDetail detail) {
    StringBuilder text = new StringBuilder();
    detail.ledger().ifPresent(ledger -> text.append(ledger(ledger)).append('\n'));
    TaskRow row = detail.row();
    detail
        .took()
        .ifPresent(took ->
            text.append(
                "took        %s in attempt %d\n".formatted(span(took), row.counters().attempt())));
    if (!row.problem().isEmpty()) {
      text.append("problem     ").append(row.problem()).append('\n');
    }
    switch (row.state()) {
      case FAILED, QUARANTINED -> {
        if (!saysWhatToDo(row.problem())) {
          text.append(
              "after the cure, './batchyard rerun %d' goes on with the same parameters; to change them, submit anew\n"
                  .formatted(row.id()));
        }
      }
      default -> {}
    }
    if (detail.ledger().map(Ledger::rejected).orElse(0L) > 0) {
      text.append(
          "'./batchyard task %d --rejects 50' shows what was rejected\n".formatted(row.id()));
    }
    return text.toString().stripTrailing();
  }

  /** Whether a message names its own cure, which may not be to do the same again. */
  private static boolean saysWhatToDo(String problem) {
    String said = problem.toLowerCase(Locale.ROOT);
    return said.contains("submit anew") || said.contains("rerun");
  }

  static String ledger(Ledger ledger) {
    return "ledger      read %,d = written %,d + skipped %,d + rejected %,d"
        .formatted(ledger.read(), ledger.written(), ledger.skipped(), ledger.rejected());
  }

  /**
   * {@return a page about one task}
   *
   * @param waits why it does not run, if it is to
   */
  String task(TaskDetail detail, List<String> waits, List<Reject> rejects) {
    TaskRow row = detail.row();
    StringBuilder text = new StringBuilder();
    field(
        text,
        "task",
        "%d  %s%s"
            .formatted(row.id(), row.type(), row.label().isEmpty() ? "" : "  " + row.label()));
    field(
        text,
        "state",
        row.state().word() + detail.request().map(r -> "; asked to " + r).orElse(""));
    if (row.fraction() >= 0 || row.items() > 0) {
      field(text, "progress", progress(row).replaceFirst("^task \\d+ \\w+\\s*", ""));
    }
    field(
        text,
        "queue",
        "%s, priority %d, retry policy %s".formatted(row.queue(), row.priority(), detail.retry()));
    field(text, "submitted", at(row.submitted()));
    if (row.due().isAfter(row.submitted())) {
      field(text, "due", at(row.due()));
    }
    TaskKeys keys = detail.keys();
    keys.idempotency().ifPresent(key -> field(text, "key", key));
    keys.live().ifPresent(key -> field(text, "unique", key + " among live tasks"));
    keys.within()
        .ifPresent(w ->
            field(
                text,
                "unique",
                "%s until %s".formatted(w.key(), at(row.submitted().plus(w.period())))));
    if (!detail.requirement().equals(Requirement.NONE)) {
      field(text, "requires", detail.requirement().text());
    }
    limits(text, detail.limits());
    if (!detail.pools().isEmpty()) {
      field(text, "pools", PoolWords.used(detail.pools()));
    }
    detail.batch().ifPresent(batch -> field(text, "batch", Long.toString(batch)));
    detail.after().ifPresent(batch -> after(text, batch));
    field(text, "params", detail.paramsJson());
    detail.resultJson().ifPresent(result -> field(text, "result", result));
    if (!row.problem().isEmpty()) {
      field(text, "problem", row.problem());
    }
    detail.positionJson().ifPresent(position -> field(text, "checkpoint", position));
    waits.forEach(wait -> field(text, "waits", wait));
    appendAttempts(text, detail);
    appendEvents(text, detail);
    if (!rejects.isEmpty()) {
      text.append("\nrejects\n").append(rejects(rejects)).append('\n');
      long all = detail.ledger().map(Ledger::rejected).orElse(0L);
      if (all > rejects.size()) {
        text.append(
            "%d of %,d; more: --rejects N --rejects-after %d\n"
                .formatted(rejects.size(), all, rejects.getLast().number()));
      }
    }
    // last, since a terminal shows the end of a long page
    detail.ledger().ifPresent(ledger -> text.append('\n').append(ledger(ledger)));
    return text.toString().stripTrailing();
  }

  private void after(StringBuilder text, Batch batch) {
    if (batch.kind() == Batches.Kind.SPLIT) {
      field(
          text,
          "parts",
          "%,d: %,d completed, %,d failed, %,d cancelled; './batchyard tasks --batch %d' lists them"
              .formatted(
                  batch.total(), batch.completed(), batch.failed(), batch.cancelled(), batch.id()));
    } else {
      field(text, "after", "batch " + batch.id());
    }
  }

  private void limits(StringBuilder text, Limits limits) {
    List<String> told = new ArrayList<>();
    limits.queueTimeout().ifPresent(span -> told.add("queue timeout " + Spans.text(span)));
    limits.attemptTimeout().ifPresent(span -> told.add("attempt timeout " + Spans.text(span)));
    limits.totalTimeout().ifPresent(span -> told.add("total timeout " + Spans.text(span)));
    limits.deadline().ifPresent(instant -> told.add("deadline " + at(instant)));
    if (!told.isEmpty()) {
      field(text, "limits", String.join(", ", told));
    }
  }

  private void appendAttempts(StringBuilder text, TaskDetail detail) {
    if (detail.attempts().isEmpty()) {
      return;
    }
    Table table = new Table("attempt", "node", "started", "took", "ended", "problem");
    detail
        .attempts()
        .forEach(a ->
            table.add(
                String.valueOf(a.attempt()),
                a.node().orElse("-"),
                at(a.started()),
                a.took().map(Show::span).orElse("-"),
                a.ended(),
                a.errorJson().map(Show::message).orElse("")));
    text.append('\n').append(table.text()).append('\n');
  }

  private void appendEvents(StringBuilder text, TaskDetail detail) {
    Table table = new Table("when", "from", "to", "by", "why");
    detail
        .events()
        .forEach(e ->
            table.add(
                at(e.at()),
                e.from().isEmpty() ? "-" : e.from(),
                e.to(),
                e.by().isEmpty() ? "-" : e.by(),
                e.why()));
    text.append('\n').append(table.text()).append('\n');
  }

  /** {@return rejects as a table} */
  static String rejects(List<Reject> rejects) {
    Table table = new Table("row", "column", "reason", "text");
    for (Reject reject : rejects) {
      table.add(
          String.valueOf(reject.number()),
          reject.column().isEmpty() ? "-" : reject.column(),
          reject.reason(),
          Table.cut(reject.raw(), RAW_SHOWN));
    }
    return table.text();
  }

  String tasks(List<TaskRow> rows) {
    Table table =
        new Table(
            "id", "type", "state", "done", "items", "rate", "left", "node", "submitted", "label");
    for (TaskRow row : rows) {
      boolean runs = row.state() == TaskState.RUNNING;
      table.add(
          String.valueOf(row.id()),
          row.type(),
          row.state().word(),
          row.fraction() < 0 ? "-" : "%.1f %%".formatted(row.fraction() * 100),
          row.items() == 0 ? "-" : "%,d".formatted(row.items()),
          runs && row.rate() > 0 ? "%,.0f/s".formatted(row.rate()) : "-",
          row.remainingMs().isPresent()
              ? span(Duration.ofMillis(row.remainingMs().getAsLong()))
              : "-",
          row.node().orElse("-"),
          at(row.submitted()),
          Table.cut(row.label(), LABEL_CELLS));
    }
    return table.text();
  }

  String queues(List<QueueRow> rows) {
    Table table = new Table("queue", "waiting", "later", "running", "age step", "paused");
    for (QueueRow row : rows) {
      table.add(
          row.name(),
          "%,d".formatted(row.waiting()),
          "%,d".formatted(row.later()),
          "%,d".formatted(row.running()),
          Spans.text(row.ageStep()),
          row.pausedBy().map(by -> "by %s, %s".formatted(by, at(row.pausedAt()))).orElse("-"));
    }
    return table.text();
  }

  static String retryPolicies(List<RetryPolicy> policies) {
    Table table =
        new Table(
            "retry policy", "retries", "backoff", "first delay", "max delay", "by kind of failure");
    for (RetryPolicy policy : policies) {
      table.add(
          policy.name(),
          String.valueOf(policy.retries()),
          policy.backoff().name().toLowerCase(Locale.ROOT),
          Spans.text(policy.firstDelay()),
          Spans.text(policy.maxDelay()),
          policy.rules().isEmpty()
              ? "-"
              : policy.rules().stream().map(Show::rule).collect(Collectors.joining(", ")));
    }
    return table.text();
  }

  private static String rule(ErrorRule rule) {
    return switch (rule) {
      case ErrorRule.Final(var kind) -> kind + " final";
      case ErrorRule.Slow(var kind, var delay) -> kind + " from " + Spans.text(delay);
    };
  }

  String batches(List<Batch> rows) {
    Table table =
        new Table(
            "id",
            "state",
            "total",
            "completed",
            "failed",
            "cancelled",
            "to go",
            "then",
            "opened",
            "label");
    for (Batch row : rows) {
      table.add(
          String.valueOf(row.id()),
          row.state().word(),
          "%,d".formatted(row.total()),
          "%,d".formatted(row.completed()),
          "%,d".formatted(row.failed()),
          "%,d".formatted(row.cancelled()),
          "%,d".formatted(row.live()),
          row.then().isPresent() ? "task " + row.then().getAsLong() : "-",
          at(row.opened()),
          Table.cut(row.label(), LABEL_CELLS));
    }
    return table.text();
  }

  String at(Instant instant) {
    return time.format(instant);
  }

  private String at(Optional<Instant> instant) {
    return instant.map(this::at).orElse("-");
  }

  private static String message(String errorJson) {
    return CODEC.parse(errorJson).path("message").asString("");
  }

  /** {@return such as 0.4 s, 12 s, 3 min 5 s, 2 h 10 min} */
  static String span(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < 10) {
      return "%.1f s".formatted(duration.toMillis() / 1e3);
    }
    if (seconds < 60) {
      return seconds + " s";
    }
    return seconds < 3_600
        ? "%d min %d s".formatted(seconds / 60, seconds % 60)
        : "%d h %d min".formatted(seconds / 3_600, seconds % 3_600 / 60);
  }

  private static void field(StringBuilder text, String name, String value) {
    text.append("%-12s%s\n".formatted(name, value));
  }
}
