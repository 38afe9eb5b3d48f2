package dev.batchyard.store;

import dev.batchyard.engine.port.Cordons;

/** Each change is one guarded statement; claims and beats look at the row within their own. */
final class PgCordons implements Cordons {

  private static final String PUT =
      """
      insert into cordon as c (name, by, at, drains, ends)
      select n.name, ?, coalesce(?::timestamptz, clock_timestamp()), d.drains, d.ends
        from (select ?::boolean as drains, ?::boolean as ends) d
       cross join (
         select name from node
          where name = ?
            and (fenced_at is null
                 or fenced_at > coalesce(?::timestamptz, clock_timestamp()) - interval '1 h')
          limit 1) n
          on conflict (name) do update
         set by = excluded.by, at = excluded.at, drains = excluded.drains, ends = excluded.ends
       where (c.drains, c.ends) <> (excluded.drains, excluded.ends)
      """;

  private static final String TAKE =
      """
      delete from cordon where name = ?
      """;

  private static final String CORDONED =
      """
      select 1 from cordon where name = ?
      """;

  private static final String KNOWN =
      """
      select 1 from node where name = ? limit 1
      """;

  private final Db db;
  private final StoreClock clock;
  private final WakeUps wakeUps;

  PgCordons(Db db, StoreClock clock, WakeUps wakeUps) {
    this.db = db;
    this.clock = clock;
    this.wakeUps = wakeUps;
  }

  @Override
  public Change cordon(String name, String by) {
    return put(name, by, false, false);
  }

  @Override
  public Change drain(String name, boolean ends, String by) {
    return put(name, by, true, ends);
  }

  private Change put(String name, String by, boolean drains, boolean ends) {
    if (db.update(PUT, by, clock.bound(), drains, ends, name, clock.bound()) == 1) {
      return Change.DONE;
    }
    return db.query(CORDONED, r -> true, name).isEmpty() ? Change.NOT_FOUND : Change.ALREADY;
  }

  @Override
  public Change uncordon(String name) {
    if (db.update(TAKE, name) == 1) {
      wakeUps.wake();
      return Change.DONE;
    }
    return db.query(KNOWN, r -> true, name).isEmpty() ? Change.NOT_FOUND : Change.ALREADY;
  }
}
