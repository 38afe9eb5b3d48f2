package dev.batchyard.store;

import dev.batchyard.engine.port.BootFenced;
import dev.batchyard.engine.port.NameTaken;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.engine.port.Sessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/** Opens sessions: the lock first, then the row, then the wake-ups. */
final class PgSessions implements Sessions {

  private static final String NAME_SESSION =
      """
      select set_config('application_name', ?, false)
      """;

  private static final String TRY_LOCK =
      """
      select pg_try_advisory_lock(?)
      """;

  // the boot is ours alone: who holds its lock is an earlier session of this process
  private static final String END_OLD_SESSION =
      """
      select pg_terminate_backend(pid, 2000)
        from pg_locks
       where locktype = 'advisory' and granted and objsubid = 1
         and database = (select oid from pg_database where datname = current_database())
         and classid  = ((?::bigint >> 32) & 4294967295)::oid
         and objid    = (?::bigint & 4294967295)::oid
         and pid <> pg_backend_pid()
      """;

  private static final String REGISTER =
      """
      insert into node as n
        (boot, name, host, pid, version, types, slots, cores, memory_mib, disk_mib, labels, queues,
         meets, lock_key, started_at, beat_at, lease_until)
      select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, c.now, c.now, c.now + ? * interval '1 ms'
        from (select coalesce(?::timestamptz, clock_timestamp()) as now) c
          on conflict (boot) do update
         set types = excluded.types, slots = excluded.slots, cores = excluded.cores,
             memory_mib = excluded.memory_mib, disk_mib = excluded.disk_mib,
             labels = excluded.labels, queues = excluded.queues, meets = excluded.meets, beat_at = excluded.beat_at,
             lease_until = excluded.lease_until, free_seen_at = null
       where n.fenced_at is null
      """;

  // with two numbers it is not among those that locks_held() tells of
  private static final String LOCK_NAME =
      """
      select pg_advisory_xact_lock(20308, hashtext(?))
      """;

  private static final String FENCE_OWN_DEAD =
      """
      update node n
         set fenced_at  = coalesce(?::timestamptz, clock_timestamp()),
             fenced_why = case when s.held then 'its lease lapsed'
                               else 'its process is gone and ' || n.name || ' started again' end
        from (select boot, h.held
                from node
               cross join lateral (select node_lock_held(lock_key) as held) h
               where name = ? and boot <> ? and fenced_at is null
                 and (not h.held or lease_until < coalesce(?::timestamptz, clock_timestamp()))
                 for update of node skip locked) s
       where n.boot = s.boot
      """;

  private static final String NAMESAKE =
      """
      select host, pid, beat_at
        from node
       where name = ? and boot <> ? and fenced_at is null
       order by beat_at desc
       limit 1
      """;

  /** Why a boot is fenced that stopped in good order. */
  static final String STOPPED = "stopped";

  // who was drained to end has done so: started again it is only drained
  private static final String LEAVE =
      """
      with gone as (
        update node
           set fenced_at = coalesce(?::timestamptz, clock_timestamp()), fenced_why = ?
         where boot = ? and fenced_at is null
        returning name)
      update cordon set ends = false where ends and name in (select name from gone)
      """;

  private final SessionSource source;
  private final Db db;
  private final StoreClock clock;
  private final Duration lease;

  PgSessions(SessionSource source, Db db, StoreClock clock, Duration lease) {
    this.source = source;
    this.db = db;
    this.clock = clock;
    this.lease = lease;
  }

  /** {@return how every connection of a boot calls itself, so that a rescue can end them} */
  static String applicationName(UUID boot) {
    return "batchyard " + boot;
  }

  /** {@return the key of a boot's advisory lock} */
  static long lockKey(UUID boot) {
    return boot.getMostSignificantBits() ^ boot.getLeastSignificantBits();
  }

  @Override
  public NodeSession open(NodeRegistration node) {
    try {
      Connection connection = source.open();
      try {
        begin(connection, node);
        return new PgNodeSession(connection, clock, node.boot(), lease, clock::nanos);
      } catch (SQLException | RuntimeException e) {
        connection.close();
        throw e;
      }
    } catch (SQLException e) {
      throw new SessionLost("no session: " + e.getMessage(), e);
    }
  }

  @Override
  public void leave(UUID boot) {
    int _ = db.update(LEAVE, clock.bound(), STOPPED, boot);
  }

  private void begin(Connection connection, NodeRegistration node) throws SQLException {
    connection.setAutoCommit(true);
    Sql.run(connection, NAME_SESSION, applicationName(node.boot()));
    lock(connection, lockKey(node.boot()));
    connection.setAutoCommit(false);
    register(connection, node);
    connection.commit();
    connection.setAutoCommit(true);
    Sql.run(connection, "listen " + WakeUps.CHANNEL);
    // beats need no flush of their own: a crash that loses some ends every session, and then nobody
    // is fenced for one lease; what others did because of a fence is flushed with it
    Sql.run(connection, "set synchronous_commit = off");
    // a beat must not be planned anew each time, nor for tables as small as they once were
    Sql.run(connection, "set plan_cache_mode = force_generic_plan");
    Sql.run(connection, "set enable_seqscan = off");
    // the check comes half a second after each beat and finds nothing: it would only wake the
    // backend
    Sql.run(connection, "set client_connection_check_interval = 0");
  }

  /** In one transaction, so that who is refused its name leaves nothing behind. */
  private void register(Connection connection, NodeRegistration node) throws SQLException {
    Sql.run(connection, LOCK_NAME, node.name());
    int rows =
        Sql.update(
            connection,
            REGISTER,
            node.boot(),
            node.name(),
            node.host(),
            node.pid(),
            node.version(),
            node.types().toArray(String[]::new),
            node.slots(),
            node.traits().capacity().cores(),
            node.traits().capacity().memoryMib(),
            node.traits().capacity().diskMib(),
            node.traits().labels().toArray(String[]::new),
            node.traits().queues().toArray(String[]::new),
            Requirements.met(connection, node.traits().named(node.name())),
            lockKey(node.boot()),
            lease.toMillis(),
            clock.bound());
    if (rows == 0) {
      throw new BootFenced(node.boot());
    }
    Sql.run(connection, FENCE_OWN_DEAD, clock.bound(), node.name(), node.boot(), clock.bound());
    Optional<NameTaken> namesake =
        Sql.first(
            connection,
            NAMESAKE,
            r ->
                new NameTaken(
                    node.name(), r.getString("host"), r.getLong("pid"), Sql.instant(r, "beat_at")),
            node.name(),
            node.boot());
    if (namesake.isPresent()) {
      throw namesake.get();
    }
  }

  private static void lock(Connection connection, long key) throws SQLException {
    if (tryLock(connection, key)) {
      return;
    }
    Sql.run(connection, END_OLD_SESSION, key, key);
    if (!tryLock(connection, key)) {
      throw new SQLException("an earlier session of this node still holds its lock");
    }
  }

  private static boolean tryLock(Connection connection, long key) throws SQLException {
    return Sql.query(connection, TRY_LOCK, r -> r.getBoolean(1), key).getFirst();
  }
}
