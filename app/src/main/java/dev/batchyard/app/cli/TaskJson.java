package dev.batchyard.app.cli;

import dev.batchyard.api.TaskKeys.Within;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.port.TaskViews.TaskDetail;
import dev.batchyard.engine.port.TaskViews.TaskRow;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A task as a document for machines. Field names are those of the views; JSON stays JSON. */
final class TaskJson {

  private static final JacksonParameters CODEC = new JacksonParameters();

  private TaskJson() {}

  static Map<String, Object> of(TaskRow row) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("id", row.id());
    document.put("type", row.type());
    document.put("label", row.label());
    document.put("state", row.state());
    document.put("queue", row.queue());
    document.put("priority", row.priority());
    document.put("attempt", row.counters().attempt());
    document.put("failures", row.counters().failures());
    document.put("crashes", row.counters().crashes());
    document.put("generation", row.counters().generation());
    document.put("submitted", row.submitted());
    document.put("due", row.due());
    put(document, "started", row.started());
    put(document, "finished", row.finished());
    put(document, "node", row.node());
    document.put("items", row.items());
    if (row.fraction() >= 0) {
      document.put("fraction", row.fraction());
    }
    document.put("rate", row.rate());
    row.remainingMs().ifPresent(ms -> document.put("remainingMs", ms));
    document.put("problem", row.problem());
    return document;
  }

  static Map<String, Object> of(TaskDetail detail) {
    Map<String, Object> document = of(detail.row());
    document.put("params", CODEC.parse(detail.paramsJson()));
    document.put("retry", detail.retry());
    put(document, "key", detail.keys().idempotency());
    put(document, "uniqueLive", detail.keys().live());
    put(document, "uniqueWithin", detail.keys().within().map(Within::key));
    put(
        document,
        "uniqueUntil",
        detail.keys().within().map(w -> detail.row().submitted().plus(w.period())));
    put(document, "queueTimeoutMs", detail.limits().queueTimeout().map(Duration::toMillis));
    put(document, "attemptTimeoutMs", detail.limits().attemptTimeout().map(Duration::toMillis));
    put(document, "totalTimeoutMs", detail.limits().totalTimeout().map(Duration::toMillis));
    put(document, "deadline", detail.limits().deadline());
    put(
        document,
        "requires",
        Optional.of(detail.requirement().text()).filter(text -> !text.isEmpty()));
    detail.batch().ifPresent(batch -> document.put("batch", batch));
    put(document, "after", detail.after().map(BatchCommand::document));
    put(document, "result", detail.resultJson().map(CODEC::parse));
    put(document, "error", detail.errorJson().map(CODEC::parse));
    put(document, "ledger", detail.ledger());
    put(document, "position", detail.positionJson().map(CODEC::parse));
    put(document, "request", detail.request());
    if (!detail.pools().isEmpty()) {
      document.put("pools", detail.pools());
    }
    document.put(
        "attempts",
        detail.attempts().stream()
            .map(attempt -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("attempt", attempt.attempt());
              one.put("generation", attempt.generation());
              put(one, "node", attempt.node());
              put(one, "started", attempt.started());
              put(one, "finished", attempt.finished());
              one.put("ended", attempt.ended());
              put(one, "error", attempt.errorJson().map(CODEC::parse));
              return one;
            })
            .toList());
    document.put("events", detail.events());
    return document;
  }

  static Map<String, Object> of(TaskDetail detail, List<Reject> rejects) {
    Map<String, Object> document = of(detail);
    document.put("rejects", rejects);
    return document;
  }

  private static void put(Map<String, Object> document, String name, Optional<?> value) {
    value.ifPresent(present -> document.put(name, present));
  }
}
