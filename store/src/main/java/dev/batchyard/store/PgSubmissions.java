package dev.batchyard.store;

import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One statement a submit; keys that were taken are looked up after it. */
final class PgSubmissions implements Submissions {

  private static final int LOOKUPS_MAX = 3;

  // No CTE is joined with another: without statistics the planner takes a nested loop over 1000 ×
  // 1000.
  static final String SUBMIT =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as at),
      given as materialized (
        select g.n, nextval('task_id') as id, g.type, g.lane, g.label, g.params, g.retry, g.key,
               greatest(g.due_at, c.at) as due_at, case when g.due_at > c.at then g.due_at end as later,
               c.at
          from clock c,
               unnest(?::text[], ?::integer[], ?::text[], ?::text[], ?::text[], ?::text[],
                      ?::text[]::timestamptz[])
               with ordinality g (type, lane, label, params, retry, key, due_at, n)),
      keyed as (
        insert into task_key (type, key, task)
        select distinct on (type, key) type, key, id
          from given
         where key is not null
         order by type, key, n
            on conflict do nothing
        returning task),
      fresh as materialized (
        select * from given where key is null or id in (select task from keyed)),
      stored as (
        insert into task (id, lane, label, params, retry, key, due_at, submitted_at)
        select id, lane, label, params::jsonb, retry, key, later, at from fresh),
      spans as (
        select lane, due_at, unnest(range_agg(int8range(id, id, '[]'))) as ids
          from fresh
         group by lane, due_at),
      blocks as (
        insert into block (lane, due_at, first, lo, hi)
        select lane, due_at, g, g, least(g + 499, upper(ids) - 1)
          from spans, generate_series(lower(ids), upper(ids) - 1, 500) g)
      select n, id from fresh
      """;

  private static final String HOLDERS =
      """
      select g.n, k.task
        from unnest(?::text[], ?::text[]) with ordinality g (type, key, n)
        join task_key k on k.type = g.type and k.key = g.key
      """;

  private final Db db;
  private final StoreClock clock;
  private final Lanes lanes;
  private final WakeUps wakeUps;

  PgSubmissions(Db db, StoreClock clock, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.lanes = new Lanes(db);
    this.wakeUps = wakeUps;
  }

  @Override
  public List<Submitted> submit(List<TaskDraft> drafts) {
    if (drafts.size() > BATCH_MAX) {
      throw new IllegalArgumentException(drafts.size() + " tasks at once; at most " + BATCH_MAX);
    }
    if (drafts.isEmpty()) {
      return List.of();
    }
    lanes.check(drafts);
    Map<Integer, Submitted> answers = new HashMap<>();
    insert(drafts).forEach((n, task) -> answers.put(n, new Submitted(task, true)));
    if (!answers.isEmpty()) {
      wakeUps.wake();
    }
    lookUpHolders(drafts, answers);
    List<Submitted> result = new ArrayList<>(drafts.size());
    for (int n = 1; n <= drafts.size(); n++) {
      result.add(java.util.Objects.requireNonNull(answers.get(n)));
    }
    return result;
  }

  /** {@return the ids of those that are new, by their place from 1} */
  private Map<Integer, Long> insert(List<TaskDraft> drafts) {
    Map<Integer, Long> ids = new HashMap<>();
    int[] lane = drafts.stream().mapToInt(lanes::number).toArray();
    db.query(
            SUBMIT,
            r -> Map.entry(r.getInt("n"), r.getLong("id")),
            clock.bound(),
            texts(drafts, TaskDraft::type),
            lane,
            texts(drafts, TaskDraft::label),
            texts(drafts, TaskDraft::paramsJson),
            texts(drafts, TaskDraft::retry),
            texts(drafts, d -> d.key().orElse(null)),
            texts(drafts, d -> d.due().map(Object::toString).orElse(null)))
        .forEach(e -> ids.put(e.getKey(), e.getValue()));
    return ids;
  }

  private void lookUpHolders(List<TaskDraft> drafts, Map<Integer, Submitted> answers) {
    for (int i = 0; answers.size() < drafts.size(); i++) {
      if (i == LOOKUPS_MAX) {
        throw new IllegalStateException("a key is taken, but no task holds it");
      }
      List<Integer> open = new ArrayList<>();
      for (int n = 1; n <= drafts.size(); n++) {
        if (!answers.containsKey(n)) {
          open.add(n);
        }
      }
      List<TaskDraft> asked = open.stream().map(n -> drafts.get(n - 1)).toList();
      db.query(
              HOLDERS,
              r -> Map.entry(r.getInt("n"), r.getLong("task")),
              texts(asked, TaskDraft::type),
              texts(asked, d -> d.key().orElse(null)))
          .forEach(e -> answers.put(open.get(e.getKey() - 1), new Submitted(e.getValue(), false)));
    }
  }

  private static @Nullable String[] texts(
      List<TaskDraft> drafts, Function<TaskDraft, @Nullable String> column) {
    return drafts.stream().map(column).toArray(String[]::new);
  }
}
