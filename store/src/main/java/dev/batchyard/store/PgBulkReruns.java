package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.BulkReruns;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Looks for a page of ends first, without a lock. Those of plain tasks, which have nothing to take
 * back, move in one transaction, where their rows are locked and judged again; the others move one
 * by one, as an operator moves them.
 */
final class PgBulkReruns implements BulkReruns {

  /** A plain task. */
  private static final int PLAIN = 0;

  // Ends of each pair of state and type have their own run in the index outcome_bad. So many are
  // looked at, and so many of them that match are taken; the page ends where it has looked. What is
  // undone, or is to be, is not plain.
  static final String FIND =
      """
      with asked as materialized (
        select ?::text as queue, ?::text as error, ?::text as beginning, ?::timestamptz as since,
               coalesce(?::timestamptz, ?::timestamptz, clock_timestamp()) as until),
      seen as materialized (
        select o.id
          from unnest(?::text[]::task_state[]) s (state)
         cross join (select distinct type from lane where coalesce(type = ?::text, true)) t
         cross join lateral (
           select id
             from outcome
            where state = s.state and type = t.type and state <> 'completed' and id > ?
            order by id
            limit ?) o
         order by o.id
         limit ?),
      found as materialized (
        select o.id
          from asked a
         cross join seen s
         cross join lateral (
           select id, lane, finished_at,
                  case when error is not null
                       then coalesce(nullif(error ->> 'kind', ''), 'FinalFailure') end as kind
             from outcome where id = s.id offset 0) o
         cross join lateral (select queue from lane where id = o.lane offset 0) l
         where o.finished_at <= a.until
           and (a.since is null or o.finished_at >= a.since)
           and (a.queue is null or l.queue = a.queue)
           and (a.error is null or o.kind = a.error)
           and (a.beginning is null or starts_with(o.kind, a.beginning))
         order by o.id
         limit ?)
      select f.id, a.until,
             case when k.rounds > 0 then -1 else t.flags end as flags,
             (select count(*) from seen) as seen, (select max(id) from seen) as last
        from asked a
        left join found f on true
        left join lateral (select flags from task where id = f.id offset 0) t on true
        left join lateral (
          select count(*) as rounds from compensation c where c.task = f.id) k on true
       order by f.id
      """;

  private static final String SPANS =
      """
      select lo, hi, closed is not null as closed
        from id_span
       where lo <= ? and hi > ?
       order by lo
      """;

  // who wants to drop a span waits for these reruns, or has said so before them
  private static final String HOLD_SPANS = SPANS + " for share";

  private static final String LOCK =
      """
      select id
        from outcome
       where id = any (?) and state = any (?::text[]::task_state[]) and finished_at <= ?::timestamptz
       order by id
         for update
      """;

  private static final String AGAIN =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      old as (
        delete from outcome where id = any (?) returning *),
      tallied as (
        insert into tally (day, lane, state, n)
        select (finished_at at time zone 'UTC')::date, lane, state, -count(*)
          from old
         group by 1, 2, 3),
      logged as (
        insert into attempt_log (task, attempt, generation, lease, node, started_at, ended_at, ended,
                                 final, result, error)
        select id, attempt, generation, lease, node, started_at, finished_at, state::text,
               true, result, error
          from old
         where lease is not null),
      again as (
        insert into block (lane, due_at, kind, first, lo, hi, attempt, generation)
        select lane, now, 'new', lower(ids), lower(ids), upper(ids) - 1, attempt, generation + 1
          from (select lane, attempt, generation, unnest(range_agg(int8range(id, id, '[]'))) as ids
                  from old
                 group by lane, attempt, generation) s
         cross join clock)
      insert into event (task, at, from_state, to_state, by, why)
      select id, now, state, 'ready', ?, ? from old cross join clock order by id
      """;

  /** A task that matches. */
  private record Found(long task, int flags) {}

  /**
   * What a look at a page found.
   *
   * @param next where the next page begins
   */
  private record Look(List<Found> found, OptionalLong next, Instant until) {

    long[] plain() {
      return found.stream().filter(f -> f.flags() == PLAIN).mapToLong(Found::task).toArray();
    }

    List<Long> flagged() {
      return found.stream().filter(f -> f.flags() != PLAIN).map(Found::task).toList();
    }
  }

  private final Db db;
  private final StoreClock clock;
  private final PgOperatorMoves moves;
  private final WakeUps wakeUps;

  PgBulkReruns(Db db, StoreClock clock, PgOperatorMoves moves, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.moves = moves;
    this.wakeUps = wakeUps;
  }

  @Override
  public Page rerun(Filter filter, long after, int limit, String by, String why) {
    PgOperatorMoves.requireReason(why);
    Look look = look(filter, after, limit);
    List<Refused> refused = new ArrayList<>();
    int moved = look.plain().length == 0 ? 0 : rerunPlain(look, filter, by, why, refused);
    if (moved > 0) {
      wakeUps.wake();
    }
    for (long task : look.flagged()) {
      try {
        moved += moves.rerun(task, by, why) == Move.DONE ? 1 : 0;
      } catch (MoveRefused e) {
        refused.add(new Refused(task, String.valueOf(e.getMessage())));
      }
    }
    return new Page(moved, refused, look.next(), look.until());
  }

  @Override
  public Page wouldRerun(Filter filter, long after, int limit) {
    Look look = look(filter, after, limit);
    List<Refused> refused = new ArrayList<>();
    int moved = look.found().size();
    if (look.plain().length > 0) {
      var _ = db.transaction(c -> open(c, SPANS, look.plain(), refused));
    }
    for (long task : look.flagged()) {
      moves.refusal(task).ifPresent(why -> refused.add(new Refused(task, why)));
    }
    return new Page(moved - refused.size(), refused, look.next(), look.until());
  }

  private Look look(Filter filter, long after, int limit) {
    int most = Math.clamp(limit, 1, PAGE_MAX);
    Optional<String> beginning =
        filter.error().filter(e -> e.endsWith("*")).map(e -> e.substring(0, e.length() - 1));
    List<Look> rows =
        db.query(
            FIND,
            r -> {
              long task = r.getLong("id");
              List<Found> found =
                  r.wasNull() ? List.of() : List.of(new Found(task, r.getInt("flags")));
              boolean cut = r.getInt("seen") == LOOK_MAX;
              long last = r.getLong("last");
              return new Look(
                  found,
                  cut ? OptionalLong.of(last) : OptionalLong.empty(),
                  Sql.instant(r, "until"));
            },
            filter.queue(),
            beginning.isPresent() ? Optional.empty() : filter.error(),
            beginning,
            filter.since(),
            filter.until(),
            clock.bound(),
            words(filter),
            filter.type(),
            after,
            LOOK_MAX,
            LOOK_MAX,
            most);
    List<Found> found = rows.stream().flatMap(row -> row.found().stream()).toList();
    Look first = rows.getFirst();
    return new Look(
        found,
        found.size() == most ? OptionalLong.of(found.getLast().task()) : first.next(),
        first.until());
  }

  private int rerunPlain(Look look, Filter filter, String by, String why, List<Refused> refused) {
    return db.transaction(c -> {
      refused.clear(); // it may be the second try
      long[] open = open(c, HOLD_SPANS, look.plain(), refused);
      long[] held =
          Sql.query(c, LOCK, r -> r.getLong("id"), open, words(filter), look.until()).stream()
              .mapToLong(Long::longValue)
              .toArray();
      return held.length == 0
          ? 0
          : Sql.update(c, AGAIN, clock.bound(), held, by, PgOperatorMoves.RUN_AGAIN + ": " + why);
    });
  }

  /** {@return those of these tasks that are not being deleted; the others are refused} */
  private static long[] open(
      Connection connection, String spans, long[] tasks, List<Refused> refused)
      throws SQLException {
    record Closed(long lo, long hi, boolean closed) {}
    List<Closed> closed =
        Sql.query(
                connection,
                spans,
                r -> new Closed(r.getLong("lo"), r.getLong("hi"), r.getBoolean("closed")),
                tasks[tasks.length - 1],
                tasks[0])
            .stream()
            .filter(Closed::closed)
            .toList();
    List<Long> open = new ArrayList<>();
    for (long task : tasks) {
      if (closed.stream().anyMatch(span -> span.lo() <= task && task < span.hi())) {
        refused.add(new Refused(task, PgOperatorMoves.beingDeleted(task)));
      } else {
        open.add(task);
      }
    }
    return open.stream().mapToLong(Long::longValue).toArray();
  }

  private static String[] words(Filter filter) {
    return filter.states().stream().map(TaskState::word).toArray(String[]::new);
  }
}
