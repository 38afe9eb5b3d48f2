package dev.batchyard.store;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.Rescues;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Small pages, each a transaction; leases that another node is rescuing are passed over. A page
 * that the database refuses is done lease by lease, so that what it refuses holds up nothing else.
 */
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
      select l.id, (select sum(upper(r) - lower(r)) from unnest(l.ids) r) = 1 as alone,
             exists (select from node n where n.boot = l.boot and n.fenced_why = ?) as stopped
        from lease l
       where l.boot = any (?::text[]::uuid[]) and l.id between ? and ?
       order by l.id
       limit ?
         for update skip locked
      """;

  /**
   * A lease of a boot that is no more.
   *
   * @param alone whether it holds one task
   * @param stopped whether its node stopped in good order, which says nothing of its tasks
   */
  private record Lost(long lease, boolean alone, boolean stopped) {}

  /**
   * What became of a page.
   *
   * @param last the highest lease in it, from which the next page goes on; empty if there was none
   */
  private record Page(int tasks, OptionalLong last) {}

  private final Db db;
  private final LeaseReturns returns;
  private final WakeUps wakeUps;
  private final Set<Long> refused = ConcurrentHashMap.newKeySet();

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
    CrashPoint.SESSIONS_ENDED.pass();
    int tasks = 0;
    OptionalLong last = OptionalLong.of(0);
    for (int pages = 0; pages < LEASES_MAX / PAGE_LEASES && last.isPresent(); pages++) {
      Page page = page(boots, last.getAsLong() + 1);
      tasks += page.tasks();
      CrashPoint.PAGE_RESCUED.pass();
      last = page.last();
    }
    if (tasks > 0) {
      wakeUps.wake();
    }
    return tasks;
  }

  private Page page(List<String> boots, long from) {
    List<Lost> tried = new ArrayList<>();
    try {
      int tasks = release(boots, from, Long.MAX_VALUE, tried);
      return new Page(tasks, last(tried));
    } catch (StatementFailed e) {
      int tasks = tried.stream().mapToInt(lost -> alone(boots, lost.lease())).sum();
      return new Page(tasks, last(tried));
    }
  }

  /** One lease of a page that was refused; told of once if it is the one to blame. */
  private int alone(List<String> boots, long lease) {
    try {
      return release(boots, lease, lease, new ArrayList<>());
    } catch (StatementFailed e) {
      if (refused.add(lease)) {
        LOG.error("lease {} of a node that is no more cannot be released", lease, e);
      }
      return 0;
    }
  }

  /**
   * Releases a page of the leases from one to another.
   *
   * @param tried afterwards holds what the page was made of, released or not
   * @return how many tasks
   */
  private int release(List<String> boots, long from, long to, List<Lost> tried) {
    return db.transaction(c -> {
      tried.clear(); // it may be run again
      tried.addAll(
          Sql.query(
              c,
              PAGE,
              r -> new Lost(r.getLong("id"), r.getBoolean("alone"), r.getBoolean("stopped")),
              PgSessions.STOPPED,
              boots.toArray(String[]::new),
              from,
              to,
              PAGE_LEASES));
      int tasks = returns.uncharged(c, leases(tried, Lost::stopped));
      List<Long> alone = leases(tried, l -> !l.stopped() && l.alone());
      List<Long> many = leases(tried, l -> !l.stopped() && !l.alone());
      return alone.isEmpty() && many.isEmpty() ? tasks : tasks + returns.lost(c, alone, many);
    });
  }

  private static List<Long> leases(List<Lost> page, Predicate<Lost> which) {
    return page.stream().filter(which).map(Lost::lease).toList();
  }

  private static OptionalLong last(List<Lost> page) {
    return page.stream().mapToLong(Lost::lease).max();
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
