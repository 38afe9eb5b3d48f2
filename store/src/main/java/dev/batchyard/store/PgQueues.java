package dev.batchyard.store;

import dev.batchyard.engine.port.Queues;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/** Each change is one guarded statement; a claim looks at the queue's row within its own. */
final class PgQueues implements Queues {

  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N}._-]*");

  private static final String LIST =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      waiting as (
        select l.queue,
               sum(b.hi - b.lo + 1) filter (where b.due_at <= c.now)::bigint as waiting,
               sum(b.hi - b.lo + 1) filter (where b.due_at > c.now)::bigint as later
          from block b
          join lane l on l.id = b.lane
         cross join clock c
         group by l.queue),
      running as (
        select l.queue, sum(upper(r.ids) - lower(r.ids))::bigint as running
          from lease e
          join lane l on l.id = e.lane
         cross join unnest(e.ids) r (ids)
         group by l.queue)
      select q.name, coalesce(w.waiting, 0) as waiting, coalesce(w.later, 0) as later,
             coalesce(r.running, 0) as running,
             (extract(epoch from q.age_step) * 1000)::bigint as age_step_ms,
             q.paused_by, q.paused_at
        from queue q
        left join waiting w on w.queue = q.name
        left join running r on r.queue = q.name
       order by q.name
      """;

  private static final String NAMES =
      """
      select name from queue order by name
      """;

  private static final String KNOWN =
      """
      select 1 from queue where name = ?
      """;

  private static final String CREATE =
      """
      insert into queue (name) values (?) on conflict do nothing
      """;

  private static final String PAUSE =
      """
      update queue set paused_by = ?, paused_at = coalesce(?::timestamptz, clock_timestamp())
       where name = ? and paused_at is null
      """;

  private static final String RESUME =
      """
      update queue set paused_by = null, paused_at = null where name = ? and paused_at is not null
      """;

  private static final String AGE_STEP =
      """
      update queue set age_step = s.step
        from (select ? * interval '1 ms' as step) s
       where name = ? and age_step <> s.step
      """;

  private final Db db;
  private final StoreClock clock;
  private final WakeUps wakeUps;

  PgQueues(Db db, StoreClock clock, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.wakeUps = wakeUps;
  }

  @Override
  public List<QueueRow> list() {
    return db.query(
        LIST,
        r ->
            new QueueRow(
                r.getString("name"),
                r.getLong("waiting"),
                r.getLong("later"),
                r.getLong("running"),
                Duration.ofMillis(r.getLong("age_step_ms")),
                Sql.maybeText(r, "paused_by"),
                Sql.maybeInstant(r, "paused_at")),
        clock.bound());
  }

  @Override
  public List<String> names() {
    return db.query(NAMES, r -> r.getString("name"));
  }

  @Override
  public Change create(String name) {
    if (name.length() > NAME_MAX || !NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "queue '%s': a name has 1 to %d letters, digits, dots, dashes or underscores and begins"
                  .formatted(name, NAME_MAX)
              + " with a letter or a digit");
    }
    return db.update(CREATE, name) == 1 ? Change.DONE : Change.ALREADY;
  }

  @Override
  public Change pause(String name, String by) {
    return change(name, db.update(PAUSE, by, clock.bound(), name));
  }

  @Override
  public Change resume(String name) {
    Change change = change(name, db.update(RESUME, name));
    if (change == Change.DONE) {
      wakeUps.wake();
    }
    return change;
  }

  @Override
  public Change ageStep(String name, Duration step) {
    if (step.isNegative() || step.compareTo(AGE_STEP_MAX) > 0) {
      throw new IllegalArgumentException(
          "age step of queue '%s': %s is not from 0 to %d days"
              .formatted(name, step, AGE_STEP_MAX.toDays()));
    }
    return change(name, db.update(AGE_STEP, step.toMillis(), name));
  }

  private Change change(String name, int rows) {
    if (rows > 0) {
      return Change.DONE;
    }
    return db.query(KNOWN, r -> true, name).isEmpty() ? Change.NOT_FOUND : Change.ALREADY;
  }
}
