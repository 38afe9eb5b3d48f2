package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Statements are planned once for all values, perhaps while a table is empty; such a plan stays
 * when the table has grown. So none may read a table that grows without a condition on an index: a
 * join with an empty table is as cheap from either side, and the planner takes any.
 */
@PostgresTest
class PlansTest {

  private static final List<String> GROWING =
      List.of(
          "block",
          "lease",
          "task",
          "outcome",
          "expiry",
          "parked",
          "request",
          "task_key",
          "checkpoint",
          "checkpoint_log",
          "reject",
          "attempt_log",
          "event",
          "batch",
          "step",
          "compensation");

  private static final List<Class<?>> ROOMS =
      List.of(
          PgClaims.class,
          PgSubmissions.class,
          PlainSubmissions.class,
          PgArrivals.class,
          PgFinishes.class,
          PgExpiries.class,
          PgOperatorMoves.class,
          PgBulkReruns.class,
          PgNodeSession.class,
          PgRunningRows.class,
          WaitingTasks.class,
          PgBatches.class,
          PgCheckpoints.class,
          LeaseReturns.class,
          Settlements.class,
          PgSteps.class,
          PgPools.class,
          WaitHomes.class,
          WaitNodes.class,
          WaitLines.class);

  /** What reads a whole table with a reason: few leases are held, few requests not answered. */
  private static final Map<String, Set<String>> MEANT =
      Map.ofEntries(
          Map.entry("PgClaims.UNHELD", Set.of("lease")),
          Map.entry("PgNodeSession.BEAT", Set.of("request")),
          Map.entry("PgOperatorMoves.LEASE", Set.of("lease")),
          Map.entry("PgPools.HOLDERS", Set.of("lease")),
          Map.entry("PgPools.USERS", Set.of("lease", "parked")),
          Map.entry("LeaseReturns.CANCEL", Set.of("request")),
          Map.entry("LeaseReturns.PAUSE", Set.of("request")),
          Map.entry("LeaseReturns.OBEYED", Set.of("request", "lease")),
          Map.entry("WaitHomes.HOME", Set.of("lease")),
          Map.entry("WaitNodes.NODES", Set.of("lease")),
          Map.entry("WaitLines.HOLDERS", Set.of("lease")),
          Map.entry("PgPools.ALL", Set.of("lease")),
          Map.entry("PgPools.LIST", Set.of("lease")),
          Map.entry("PgPools.FIND", Set.of("lease")));

  private static final Pattern STATEMENT =
      Pattern.compile("(?s)\\s*(with|select|insert|update|delete)\\b.*");
  private static final Pattern SCAN = Pattern.compile("Scan.* on (\\w+?)(_\\d+|_default)?( |$)");

  private final TestDatabase test;
  private StoreFixture f;

  PlansTest(TestDatabase test) {
    this.test = test;
  }

  @BeforeEach
  void analyzeEmptyTables() {
    f = new StoreFixture(test);
    f.submit();
    for (String table : GROWING) {
      f.sql("truncate " + table + " cascade");
      f.sql("vacuum analyze " + table);
    }
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void no_statement_planned_over_empty_tables_reads_all_of_one_that_grows()
      throws ReflectiveOperationException {
    List<String> scans = new ArrayList<>();
    int statements = 0;
    for (Class<?> room : ROOMS) {
      for (Field field : room.getDeclaredFields()) {
        if (field.getType() != String.class) {
          continue;
        }
        field.setAccessible(true);
        String sql = (String) field.get(null);
        String name = room.getSimpleName() + "." + field.getName();
        if (STATEMENT.matcher(sql).matches() && !sql.stripTrailing().endsWith(",")) {
          statements++;
          Set<String> meant = MEANT.getOrDefault(name, Set.of());
          wholeScans(f.plan(sql)).stream()
              .filter(table -> !meant.contains(table))
              .forEach(table -> scans.add(name + " reads all of " + table));
        }
      }
    }
    assertThat(statements).isGreaterThan(30);
    assertThat(scans).isEmpty();
  }

  /** The growing tables that a plan reads without a condition on an index. */
  private static List<String> wholeScans(String plan) {
    List<String> tables = new ArrayList<>();
    String[] lines = plan.split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      var scan = SCAN.matcher(lines[i]);
      boolean conditioned =
          lines[i].contains("Bitmap")
              || (i + 1 < lines.length && lines[i + 1].contains("Index Cond"));
      if (scan.find() && GROWING.contains(scan.group(1)) && !conditioned) {
        tables.add(scan.group(1));
      }
    }
    return tables;
  }
}
