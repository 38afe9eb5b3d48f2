package dev.batchyard.store;

import dev.batchyard.api.LeaseLost;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Limits;
import dev.batchyard.api.Part;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.port.TaskDraft;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The parts of a task lie in a span of ids that is taken beforehand, so that their order is it. */
final class PgSplits implements Splits {

  private static final int ROWS = 5_000;

  private static final String PARENT =
      """
      select l.queue, l.priority, t.label,
             coalesce((select name from retry_policy where name = t.retry), 'default') as retry
        from (select lane, retry, label from task where id = ? offset 0) t
       cross join lateral (select queue, priority from lane where id = t.lane offset 0) l
      """;

  private static final String HOLD =
      """
      select id, generation, asked @> ?::bigint as asked
        from lease
       where token = ? and ids @> ?::bigint
         for update
      """;

  private static final String OWN_FIRST_TRY =
      """
      select 1 from attempt_log where task = ? and attempt = ? and ended = 'split'
      """;

  private static final String GROUP =
      """
      insert into batch (label, opened_at, sealed_at, then_task, total, kind, first, in_turn,
                         tolerant, generation)
      select ?, now, now, ?::bigint, ?::bigint, 'split', ?::bigint, ?, ?, ?::smallint
        from (select coalesce(?::timestamptz, clock_timestamp()) as now) c
      returning id
      """;

  private static final String PARTS =
      """
      insert into task (id, submitted_at, lane, flags, label, params, retry, batch)
      select ?::bigint + g.n - 1, coalesce(?::timestamptz, clock_timestamp()), ?,
             case when ? and ?::bigint + g.n - 1 > ?::bigint then %1$d + %2$d else %1$d end,
             g.label, g.params::jsonb, ?, ?::bigint
        from unnest(?::text[], ?::text[]) with ordinality g (label, params, n)
      """
          .formatted(Claim.MEMBER, Claim.THEN);

  private static final String ALL_READY =
      """
      insert into block (lane, due_at, first, lo, hi)
      select ?, coalesce(?::timestamptz, clock_timestamp()), i, i, least(i + 499, ?::bigint)
        from generate_series(?::bigint, ?::bigint, 500) i
      """;

  private static final String FIRST_READY =
      """
      with c as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now, ?::integer as lane,
               ?::bigint as first, ?::bigint as last),
      ready as (
        insert into block (lane, due_at, first, lo, hi) select lane, now, first, first, first from c)
      insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                          generation, by, at)
      select g.id, 'blocked', 'blocked', 'new', c.lane, c.now, 0, 0, 0, 1, 'split', c.now
        from c cross join generate_series(c.first + 1, c.last) g (id)
      """;

  // An attempt that came to an end of its own did not kill its node: deaths before it count no
  // more.
  private static final String BLOCK =
      """
      with held as materialized (
        select l.*, ?::bigint as task, ?::text as node,
               coalesce(?::timestamptz, clock_timestamp()) as now, ?::bigint * interval '1 ms' as ran
          from lease l where l.id = ?),
      set_aside as (
        insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                            generation, by, at)
        select task, 'blocked', 'blocked', 'new', lane, due_at, attempt, failures, 0, generation,
               'split', now
          from held),
      logged as (
        insert into attempt_log (task, attempt, generation, lease, node, started_at, ended_at, ended)
        select task, attempt, generation, id, node, now - ran, now, 'split' from held),
      told as (
        insert into event (task, at, from_state, to_state, by, why)
        select task, now, 'running', 'blocked', node, ? from held),
      over as (
        delete from running where task = (select task from held)),
      deleted as (
        delete from lease l using held h
         where l.id = h.id and isempty(h.ids - int8multirange(int8range(h.task, h.task, '[]'))))
      update lease l set ids = l.ids - int8multirange(int8range(h.task, h.task, '[]'))
        from held h
       where l.id = h.id and not isempty(h.ids - int8multirange(int8range(h.task, h.task, '[]')))
      """;

  private static final String FIND =
      """
      select b.id, b.first, b.total, b.completed, b.failed, b.cancelled, b.in_turn, b.tolerant,
             b.generation, o.id as bad, o.state, coalesce(o.error ->> 'message', '') as problem
        from (select * from batch where then_task = ? and kind = 'split' order by id desc limit 1) b
        left join lateral (
          select o.id, o.state, o.error
            from outcome o
           where o.id >= b.first and o.id < b.first + b.total and o.state <> 'completed'
             and b.completed < b.total
           order by o.id
           limit 1) o on true
      """;

  private static final String AGAIN =
      """
      select split_again(?, ?, ?, ?::timestamptz) as why
      """;

  private static final String RESULTS =
      """
      select o.id, o.result::text as result
        from outcome o
       where o.id >= ? and o.id < ? and o.state = 'completed'
       order by o.id
       limit ?
      """;

  // of a broadcast there are as many as nodes: they are counted
  private static final String PART =
      """
      select case b.kind when 'split' then t.id - b.first
                         else (select count(*) from task m where m.batch = t.batch and m.id < t.id)
             end as index,
             b.total
        from (select id, batch from task where id = ? offset 0) t
       cross join lateral (
         select first, total, kind from batch where id = t.batch and kind <> 'batch' offset 0) b
      """;

  private record Parent(String queue, int priority, String retry, String label) {}

  private record Held(long lease, int generation, boolean asked) {}

  private final Db db;
  private final StoreClock clock;
  private final Lanes lanes;
  private final IdSpans spans;
  private final WakeUps wakeUps;

  PgSplits(Db db, StoreClock clock, Lanes lanes, IdSpans spans, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.lanes = lanes;
    this.spans = spans;
    this.wakeUps = wakeUps;
  }

  @Override
  public Done split(LeaseToken lease, Draft draft, End end) {
    Parent parent =
        db.query(PARENT, PgSplits::parent, lease.task()).stream()
            .findFirst()
            .orElseThrow(() -> new LeaseLost(lease.task()));
    TaskDraft sample = sample(draft, parent);
    lanes.check(List.of(sample));
    int lane = lanes.number(sample); // not within the transaction: it takes another
    long first = spans.take(draft.params().size());
    long last = first + draft.params().size() - 1;
    Done done =
        spans.withRoom(() ->
            db.transaction(c -> {
              lanes.keepPools(c, List.of(sample));
              Optional<Held> held = hold(c, lease);
              if (held.isEmpty() || held.get().asked()) {
                return held.isEmpty() ? Done.WAITS : Done.ASKED;
              }
              long batch = group(c, lease, draft, parent, held.get(), first);
              submit(c, draft, sample, lane, batch, first);
              if (draft.inTurn()) {
                Sql.run(c, FIRST_READY, clock.bound(), lane, first, last);
              } else {
                Sql.run(c, ALL_READY, lane, clock.bound(), last, first, last);
              }
              String why =
                  "split into %,d parts, from task %d on".formatted(draft.params().size(), first);
              block(c, lease, held.get(), end, why);
              return Done.WAITS;
            }));
    wakeUps.wake();
    spans.took(last);
    return done;
  }

  private static TaskDraft sample(Draft draft, Parent parent) {
    return new TaskDraft(
        draft.type(),
        draft.params().getFirst(),
        parent.label(),
        parent.queue(),
        parent.priority(),
        Optional.empty(),
        TaskKeys.NONE,
        OptionalLong.empty(),
        draft.retry().orElse(parent.retry()),
        Limits.NONE,
        draft.requirement(),
        draft.pools());
  }

  /**
   * {@return the lease; empty if the attempt has ended by our own first try}
   *
   * @throws LeaseLost if it is neither
   */
  private static Optional<Held> hold(Connection connection, LeaseToken lease) throws SQLException {
    Optional<Held> held =
        Sql.first(
            connection,
            HOLD,
            r -> new Held(r.getLong("id"), r.getInt("generation"), r.getBoolean("asked")),
            lease.task(),
            lease.token(),
            lease.task());
    if (held.isEmpty()
        && Sql.first(connection, OWN_FIRST_TRY, r -> true, lease.task(), lease.attempt())
            .isEmpty()) {
      throw new LeaseLost(lease.task());
    }
    return held;
  }

  private long group(
      Connection connection, LeaseToken lease, Draft draft, Parent parent, Held held, long first)
      throws SQLException {
    return Sql.first(
            connection,
            GROUP,
            r -> r.getLong("id"),
            parent.label(),
            lease.task(),
            draft.params().size(),
            first,
            draft.inTurn(),
            draft.tolerant(),
            held.generation(),
            clock.bound())
        .orElseThrow();
  }

  private void submit(
      Connection connection, Draft draft, TaskDraft sample, int lane, long batch, long first)
      throws SQLException {
    int parts = draft.params().size();
    for (int from = 0; from < parts; from += ROWS) {
      int to = Math.min(from + ROWS, parts);
      String[] labels =
          draft.labels().isEmpty()
              ? Collections.nCopies(to - from, "").toArray(String[]::new)
              : draft.labels().subList(from, to).toArray(String[]::new);
      Sql.run(
          connection,
          PARTS,
          first + from,
          clock.bound(),
          lane,
          draft.inTurn(),
          first + from,
          first,
          sample.retry(),
          batch,
          labels,
          draft.params().subList(from, to).toArray(String[]::new));
    }
  }

  private void block(Connection connection, LeaseToken lease, Held held, End end, String why)
      throws SQLException {
    Sql.run(
        connection,
        BLOCK,
        lease.task(),
        end.node(),
        clock.bound(),
        end.ran().toMillis(),
        held.lease(),
        why);
  }

  @Override
  public Optional<State> find(long task) {
    return db.query(FIND, PgSplits::state, task).stream().findFirst();
  }

  @Override
  public Done again(LeaseToken lease, State state, End end) {
    Done done =
        db.transaction(c -> {
          Optional<Held> held = hold(c, lease);
          if (held.isEmpty() || held.get().asked()) {
            return held.isEmpty() ? Done.WAITS : Done.ASKED;
          }
          // parked first: what ends the last part looks for it under the lock of the batch
          block(c, lease, held.get(), end, "waits for its parts once more");
          Optional<String> why =
              Sql.first(
                      c,
                      AGAIN,
                      r -> Sql.maybeText(r, "why"),
                      state.batch(),
                      held.get().generation(),
                      "split",
                      clock.bound())
                  .orElseThrow();
          if (why.isPresent()) {
            throw new MoveRefused("its parts cannot run again: " + why.get());
          }
          return Done.WAITS;
        });
    wakeUps.wake();
    return done;
  }

  @Override
  public List<Row> results(State state, int from) {
    return db.query(
        RESULTS,
        r ->
            new Row(
                (int) (r.getLong("id") - state.first()), r.getLong("id"), r.getString("result")),
        state.first() + from,
        state.first() + state.total(),
        PAGE_MAX);
  }

  @Override
  public Optional<Part> part(long task) {
    return db.query(PART, r -> new Part(r.getInt("index"), r.getInt("total")), task).stream()
        .findFirst();
  }

  private static Parent parent(ResultSet row) throws SQLException {
    return new Parent(
        row.getString("queue"),
        row.getInt("priority"),
        row.getString("retry"),
        row.getString("label"));
  }

  private static State state(ResultSet row) throws SQLException {
    long bad = row.getLong("bad");
    Optional<Bad> first =
        row.wasNull()
            ? Optional.empty()
            : Optional.of(new Bad(bad, row.getString("state"), row.getString("problem")));
    return new State(
        row.getLong("id"),
        row.getLong("first"),
        row.getInt("total"),
        row.getInt("completed"),
        row.getInt("failed"),
        row.getInt("cancelled"),
        first,
        row.getBoolean("in_turn"),
        row.getBoolean("tolerant"),
        row.getInt("generation"));
  }
}
