package dev.batchyard.store;

import dev.batchyard.api.NodeLabels;
import dev.batchyard.api.Requirement;
import dev.batchyard.engine.port.Broadcasts;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/** A task for each node is an ordinary one that requires the node's name; a batch counts them. */
final class PgBroadcasts implements Broadcasts {

  private static final String NODES =
      """
      select n.name
        from node n
       where n.fenced_at is null
         and n.lease_until >= coalesce(?::timestamptz, clock_timestamp())
         and ? = any (n.types)
         and (n.queues = '{}' or ? = any (n.queues))
         and exists (select from requirement r where r.text = ? and r.id = any (n.meets))
         and not exists (select from cordon c where c.name = n.name)
       order by n.name
       limit ?
      """;

  private static final String OPEN =
      """
      insert into batch (label, opened_at, kind)
      values (?, coalesce(?::timestamptz, clock_timestamp()), 'broadcast')
      returning id
      """;

  private static final String SEAL =
      """
      update batch set sealed_at = opened_at where id = ?
      """;

  private final Db db;
  private final StoreClock clock;
  private final Lanes lanes;
  private final IdSpans spans;
  private final WakeUps wakeUps;
  private final PgSubmissions submissions;

  PgBroadcasts(
      Db db,
      StoreClock clock,
      Lanes lanes,
      IdSpans spans,
      WakeUps wakeUps,
      PgSubmissions submissions) {
    this.db = db;
    this.clock = clock;
    this.lanes = lanes;
    this.spans = spans;
    this.wakeUps = wakeUps;
    this.submissions = submissions;
  }

  @Override
  public Sent submit(TaskDraft draft) {
    if (!draft.keys().isEmpty() || draft.batch().isPresent()) {
      throw wrong("a broadcast takes no keys and is a batch of its own; leave them out");
    }
    lanes.check(List.of(draft));
    int _ = lanes.number(draft); // from here on nodes know whether they meet its requirement
    List<String> nodes =
        db.query(
            NODES,
            r -> r.getString("name"),
            clock.bound(),
            draft.type(),
            draft.queue(),
            draft.requirement().text(),
            NODES_MAX + 1);
    if (nodes.isEmpty() || nodes.size() > NODES_MAX) {
      throw wrong(
          nodes.isEmpty()
              ? "no live node may run it; './batchyard nodes' shows what they serve"
              : "more than %d nodes may run it; require a label".formatted(NODES_MAX));
    }
    List<TaskDraft> each = nodes.stream().map(node -> bound(draft, node)).toList();
    int[] lane = each.stream().mapToInt(lanes::number).toArray();
    Sent sent = spans.withRoom(() -> store(draft.label(), nodes, each, lane));
    wakeUps.wake();
    spans.took(sent.tasks().getLast().task());
    return sent;
  }

  private Sent store(String label, List<String> nodes, List<TaskDraft> drafts, int[] lane) {
    return db.transaction(c -> {
      long batch = Sql.first(c, OPEN, r -> r.getLong("id"), label, clock.bound()).orElseThrow();
      List<TaskDraft> members = drafts.stream().map(d -> member(d, batch)).toList();
      List<Submitted> answers = submissions.submitFlagged(c, members, lane);
      Sql.run(c, SEAL, batch);
      return new Sent(
          batch,
          IntStream.range(0, nodes.size())
              .mapToObj(i -> new OfNode(nodes.get(i), answers.get(i).task()))
              .toList());
    });
  }

  private static TaskDraft bound(TaskDraft draft, String node) {
    String more = NodeLabels.NODE + "=" + node;
    String text = draft.requirement().text();
    try {
      return with(
          draft,
          OptionalLong.empty(),
          Requirement.parse(text.isEmpty() ? more : text + "," + more));
    } catch (IllegalArgumentException e) {
      throw wrong("node '%s' cannot be required: %s".formatted(node, e.getMessage()));
    }
  }

  private static TaskDraft member(TaskDraft draft, long batch) {
    return with(draft, OptionalLong.of(batch), draft.requirement());
  }

  private static TaskDraft with(TaskDraft draft, OptionalLong batch, Requirement requirement) {
    return new TaskDraft(
        draft.type(),
        draft.paramsJson(),
        draft.label(),
        draft.queue(),
        draft.priority(),
        draft.due(),
        draft.keys(),
        batch,
        draft.retry(),
        draft.limits().queueTimeout().isPresent()
            ? draft.limits()
            : draft.limits().withQueueTimeout(PATIENCE),
        requirement,
        draft.pools());
  }

  private static InvalidParameters wrong(String problem) {
    return new InvalidParameters(List.of(new InvalidParameters.Problem("broadcast", problem)));
  }
}
