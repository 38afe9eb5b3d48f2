package dev.batchyard.store;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.RetryPolicy.Backoff;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.RetryPolicies;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Who changes policies waits for others who do; claims and submits wait for nobody here. */
final class PgRetryPolicies implements RetryPolicies {

  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N}._-]*");

  /** Live tasks of a policy are counted so far. */
  private static final int USERS_MAX = 1_000;

  private static final String ALL =
      """
      select name, retries, backoff, (extract(epoch from first_delay) * 1000)::bigint as first_delay_ms,
             (extract(epoch from max_delay) * 1000)::bigint as max_delay_ms, kinds, slow_ms
        from retry_policy p
       cross join lateral (
         select coalesce(array_agg(kind order by kind), '{}') as kinds,
                array_agg((extract(epoch from slow) * 1000)::bigint order by kind) as slow_ms
           from retry_rule
          where policy = p.name) r
      """;

  private static final String LIST = ALL + " order by name";

  private static final String FIND = ALL + " where name = ?";

  private static final String ONE_AT_A_TIME =
      """
      lock table retry_policy in share row exclusive mode
      """;

  private static final String CREATE =
      """
      insert into retry_policy (name, retries, backoff, first_delay, max_delay)
      select ?, ?, ?, ? * interval '1 ms', ? * interval '1 ms'
       where (select count(*) from retry_policy) < ?
      """;

  private static final String EDIT =
      """
      update retry_policy
         set retries = ?, backoff = ?, first_delay = ? * interval '1 ms', max_delay = ? * interval '1 ms'
       where name = ?
      """;

  private static final String FORGET_RULES =
      """
      delete from retry_rule where policy = ?
      """;

  private static final String ADD_RULES =
      """
      insert into retry_rule (policy, kind, slow)
      select ?, kind, slow_ms * interval '1 ms' from unnest(?::text[], ?::bigint[]) r (kind, slow_ms)
      """;

  // walks all that lives: it is asked for once in months, by a person; a step says by which policy
  // it is undone before there is a task for that
  private static final String USERS =
      """
      with live as materialized (
        select lo, hi from block
        union all
        select lower(r.ids), upper(r.ids) - 1 from lease l cross join unnest(l.ids) r (ids)
        union all
        select id, id from parked)
      select count(*) as n, min(id) as first
        from (select t.id
                from live l
               cross join lateral (
                 select id, retry from task where id between l.lo and l.hi offset 0) t
               where t.retry = ?
                  or exists (select from step s where s.task = t.id and s.undo_retry = ?)
               limit ?) u
      """;

  private static final String REMOVE =
      """
      delete from retry_policy where name = ?
      """;

  /** Tasks that have not ended and use a policy. */
  private record Users(int count, long first) {}

  private final Db db;
  private final Lanes lanes;

  PgRetryPolicies(Db db, Lanes lanes) {
    this.db = db;
    this.lanes = lanes;
  }

  @Override
  public List<RetryPolicy> list() {
    return db.query(LIST, PgRetryPolicies::policy);
  }

  @Override
  public Optional<RetryPolicy> find(String name) {
    return db.query(FIND, PgRetryPolicies::policy, name).stream().findFirst();
  }

  @Override
  public Change create(RetryPolicy policy) {
    if (!NAME.matcher(policy.name()).matches()) {
      throw new IllegalArgumentException(
          "retry policy '%s': a name has letters, digits, dots, dashes or underscores and begins"
                  .formatted(policy.name())
              + " with a letter or a digit");
    }
    return changing(c -> {
      if (found(c, policy.name()).isPresent()) {
        return Change.ALREADY;
      }
      int made =
          Sql.update(
              c,
              CREATE,
              policy.name(),
              policy.retries(),
              word(policy),
              policy.firstDelay().toMillis(),
              policy.maxDelay().toMillis(),
              POLICIES_MAX);
      if (made == 0) {
        throw new IllegalArgumentException(
            "retry policy '%s': there are %d already, which is the most; remove one"
                .formatted(policy.name(), POLICIES_MAX));
      }
      addRules(c, policy);
      return Change.DONE;
    });
  }

  @Override
  public Change edit(String name, UnaryOperator<RetryPolicy> change) {
    return changing(c -> {
      Optional<RetryPolicy> before = found(c, name);
      if (before.isEmpty()) {
        return Change.NOT_FOUND;
      }
      RetryPolicy after = change.apply(before.get());
      if (!after.name().equals(name)) {
        throw new IllegalArgumentException(
            "retry policy '%s': its name cannot become '%s'".formatted(name, after.name()));
      }
      if (after.equals(before.get())) {
        return Change.ALREADY;
      }
      Sql.run(
          c,
          EDIT,
          after.retries(),
          word(after),
          after.firstDelay().toMillis(),
          after.maxDelay().toMillis(),
          name);
      Sql.run(c, FORGET_RULES, name);
      addRules(c, after);
      return Change.DONE;
    });
  }

  @Override
  public Change remove(String name) {
    Change removed =
        changing(c -> {
          Optional<RetryPolicy> policy = found(c, name);
          if (policy.isEmpty()) {
            return Change.NOT_FOUND;
          }
          if (policy.get().builtIn()) {
            throw new IllegalArgumentException(
                "retry policy '%s' is chosen by priority and stays; it can be changed"
                    .formatted(name));
          }
          refuseUsed(name, users(c, name));
          Sql.run(c, REMOVE, name);
          return Change.DONE;
        });
    lanes.forget();
    return removed;
  }

  private Change changing(Db.Work<Change> work) {
    return db.transaction(c -> {
      Sql.run(c, ONE_AT_A_TIME);
      return work.on(c);
    });
  }

  private static Optional<RetryPolicy> found(Connection connection, String name)
      throws SQLException {
    return Sql.first(connection, FIND, PgRetryPolicies::policy, name);
  }

  private static Users users(Connection connection, String name) throws SQLException {
    return Sql.query(
            connection,
            USERS,
            r -> new Users(r.getInt("n"), r.getLong("first")),
            name,
            name,
            USERS_MAX)
        .getFirst();
  }

  private static void refuseUsed(String name, Users users) {
    if (users.count() == 1) {
      throw new MoveRefused(
          "retry policy '%s': task %d uses it; it can be removed when that task has ended"
              .formatted(name, users.first()));
    }
    if (users.count() > 1) {
      throw new MoveRefused(
          "retry policy '%s': %s%,d tasks use it, such as task %d; it can be removed when they have ended"
              .formatted(
                  name,
                  users.count() == USERS_MAX ? "at least " : "",
                  users.count(),
                  users.first()));
    }
  }

  private static void addRules(Connection connection, RetryPolicy policy) throws SQLException {
    if (!policy.rules().isEmpty()) {
      Sql.run(
          connection,
          ADD_RULES,
          policy.name(),
          policy.rules().stream().map(ErrorRule::kind).toArray(String[]::new),
          policy.rules().stream().map(PgRetryPolicies::slowMs).toArray(Long[]::new));
    }
  }

  private static @Nullable Long slowMs(ErrorRule rule) {
    return switch (rule) {
      case ErrorRule.Final(var _) -> null;
      case ErrorRule.Slow(var _, var firstDelay) -> firstDelay.toMillis();
    };
  }

  private static RetryPolicy policy(ResultSet row) throws SQLException {
    return new RetryPolicy(
        row.getString("name"),
        row.getInt("retries"),
        backoff(row.getString("backoff")),
        Duration.ofMillis(row.getLong("first_delay_ms")),
        Duration.ofMillis(row.getLong("max_delay_ms")),
        rules(row));
  }

  private static List<ErrorRule> rules(ResultSet row) throws SQLException {
    String[] kinds = (String[]) row.getArray("kinds").getArray();
    if (kinds.length == 0) {
      return List.of();
    }
    @Nullable Long[] slowMs = (Long[]) row.getArray("slow_ms").getArray();
    List<ErrorRule> rules = new ArrayList<>();
    for (int i = 0; i < kinds.length; i++) {
      Long slow = slowMs[i];
      rules.add(
          slow == null
              ? new ErrorRule.Final(kinds[i])
              : new ErrorRule.Slow(kinds[i], Duration.ofMillis(slow)));
    }
    return rules;
  }

  static Backoff backoff(String word) {
    return "linear".equals(word) ? Backoff.LINEAR : Backoff.EXPONENTIAL;
  }

  private static String word(RetryPolicy policy) {
    return policy.backoff().name().toLowerCase(Locale.ROOT);
  }
}
