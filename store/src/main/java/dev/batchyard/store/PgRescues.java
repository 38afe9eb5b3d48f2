package dev.batchyard.store;

import dev.batchyard.engine.port.Rescues;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Small pages, each a transaction; leases that another node is rescuing are passed over. */
final class PgRescues implements Rescues {

  private static final Logger LOG = LoggerFactory.getLogger(PgRescues.class);

  /** Up to 500 tasks a lease, two rows each: pages are small so that locks are short. */
  private static final int PAGE_LEASES = 20;

  private static final String GONE_BOOTS =
      """
      select distinct l.boot
        from lease l
       where not exists (select from node n where n.boot = l.boot and n.fenced_at is null)
      """;

  // waits for each of them to be gone: what it held is free then
  private static final String TERMINATE =
      """
      select pg_terminate_backend(pid, 1000)
        from pg_stat_activity
       where application_name = any (?) and pid <> pg_backend_pid()
      """;

  private static final String PAGE =
      """
      select l.id, (select sum(upper(r) - lower(r)) from unnest(l.ids) r) = 1 as alone
        from lease l
       where l.boot = any (?::text[]::uuid[])
       order by l.id
       limit ?
         for update skip locked
      """;

  private record Lost(long lease, boolean alone) {}

  private final Db db;
  private final LeaseReturns returns;
  private final WakeUps wakeUps;

  PgRescues(Db db, LeaseReturns returns, WakeUps wakeUps) {
    this.db = db;
    this.returns = returns;
    this.wakeUps = wakeUps;
  }

  @Override
  public int rescue() {
    List<String> boots = db.query(GONE_BOOTS, r -> r.getString("boot"));
    if (boots.isEmpty()) {
      return 0;
    }
    terminate(boots);
    int tasks = 0;
    for (int pages = 0; pages < LEASES_MAX / PAGE_LEASES; pages++) {
      int released = page(boots);
      tasks += released;
      if (released == 0) {
        break;
      }
    }
    if (tasks > 0) {
      wakeUps.wake();
    }
    return tasks;
  }

  private int page(List<String> boots) {
    return db.transaction(c -> {
      List<Lost> lost =
          Sql.query(
              c,
              PAGE,
              r -> new Lost(r.getLong("id"), r.getBoolean("alone")),
              boots.toArray(String[]::new),
              PAGE_LEASES);
      return lost.isEmpty()
          ? 0
          : returns.lost(
              c,
              lost.stream().filter(Lost::alone).map(Lost::lease).toList(),
              lost.stream().filter(l -> !l.alone()).map(Lost::lease).toList());
    });
  }

  private void terminate(List<String> boots) {
    String[] names =
        boots.stream()
            .map(b -> PgSessions.applicationName(UUID.fromString(b)))
            .toArray(String[]::new);
    try {
      List<Boolean> ended = db.query(TERMINATE, r -> r.getBoolean(1), new Object[] {names});
      if (!ended.isEmpty()) {
        LOG.info("ended {} database sessions of fenced nodes", ended.size());
      }
    } catch (StatementFailed e) {
      LOG.warn("database sessions of fenced nodes could not be ended: {}", e.getMessage());
    }
  }
}
