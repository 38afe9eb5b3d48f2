package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.NodeSession.Look;
import dev.batchyard.engine.port.RunningRows.RunningRow;
import dev.batchyard.engine.port.Steps.Draft;
import dev.batchyard.engine.port.Steps.Undo;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.engine.task.Wait.Names;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.Database;
import dev.batchyard.testkit.TestDatabase;
import dev.batchyard.web.page.Formats;
import dev.batchyard.web.page.Language;
import dev.batchyard.web.page.WaitText;
import dev.batchyard.web.page.Words;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;

/**
 * A store whose clock a test moves, nodes that live and die on it, and the reasons that it tells.
 */
final class WaitFixture implements AutoCloseable {

  static final String TYPE = "test.work";
  static final String UNDO = "test.undo";
  static final Instant START = Instant.parse("2031-03-30T01:30:00Z");

  final Store store;
  final UUID node;
  volatile Instant now = START;
  private final Database database;
  private final Random random = new Random(11);
  private UUID boot = new UUID(0, 0);
  private int deaths;

  WaitFixture(TestDatabase test) throws SQLException {
    database = test.database(new UUID(2, 4));
    store =
        new Store(
            database.queue(),
            database::session,
            () -> Optional.of(now),
            new Random(3),
            Store.Settings.DEFAULT);
    try (var connection = database.queue().getConnection();
        var statement = connection.createStatement()) {
      statement.execute(WebFixture.EMPTY);
    }
    node = node("节点一", "");
  }

  @Override
  public void close() {
    database.close();
  }

  Why why(long task) {
    return store.waitReasons().of(task).orElseThrow();
  }

  List<Wait> waits(long task) {
    return why(task).waits();
  }

  List<String> reasons(long task) {
    return waits(task).stream().map(Wait::reason).toList();
  }

  void says(long task, String english, String chinese) {
    assertThat(text(task, Language.EN)).isEqualTo(english);
    assertThat(text(task, Language.ZH)).isEqualTo(chinese);
  }

  String text(long task, Language language) {
    Words words = Words.in(language);
    return String.join(
        "\n", new WaitText(words, new Formats(words, ZoneOffset.UTC)).lines(why(task)));
  }

  static Names<String> names(String... nodes) {
    return new Names<>(List.of(nodes), 0);
  }

  static Names<Long> names(long task) {
    return new Names<>(List.of(task), 0);
  }

  static TaskDraft draft() {
    return draft("default", 4, Optional.empty(), OptionalLong.empty(), "", Map.of());
  }

  static TaskDraft in(String queue) {
    return in(queue, 4);
  }

  static TaskDraft in(String queue, int priority) {
    return draft(queue, priority, Optional.empty(), OptionalLong.empty(), "", Map.of());
  }

  static TaskDraft member(long batch) {
    return draft("default", 4, Optional.empty(), OptionalLong.of(batch), "", Map.of());
  }

  static TaskDraft using(Map<String, Integer> pools) {
    return draft("default", 4, Optional.empty(), OptionalLong.empty(), "", pools);
  }

  static TaskDraft requiring(String text) {
    return draft("default", 4, Optional.empty(), OptionalLong.empty(), text, Map.of());
  }

  static TaskDraft draft(
      String queue,
      int priority,
      Optional<Instant> due,
      OptionalLong batch,
      String requires,
      Map<String, Integer> pools) {
    return new TaskDraft(
        TYPE,
        "{}",
        "",
        queue,
        priority,
        due,
        TaskKeys.NONE,
        batch,
        "default",
        Limits.NONE,
        Requirement.parse(requires),
        pools);
  }

  long submit() {
    return submit(draft());
  }

  long submit(TaskDraft draft) {
    return submit(List.of(draft)).getFirst();
  }

  List<Long> submit(List<TaskDraft> drafts) {
    return new ArrayList<>(
        store.submissions().submit(drafts).stream().map(each -> each.task()).toList());
  }

  UUID node(String name, String label) {
    try (NodeSession session =
        open(
            name,
            new NodeTraits(
                new Capacity(4, 8_192, 100_000),
                new TreeSet<>(label.isEmpty() ? List.of() : List.of(label)),
                new TreeSet<>()))) {
      assertThat(session).isNotNull();
      return boot;
    }
  }

  NodeSession open(String name, NodeTraits traits) {
    boot = new UUID(random.nextLong(), random.nextLong());
    return store
        .sessions()
        .open(new NodeRegistration(boot, name, "host", 1, "0", List.of(TYPE, UNDO), 8, traits));
  }

  void leave(UUID of) {
    store.sessions().leave(of);
  }

  /** Takes what is first in line and dies with it; {@return the node that comes after it} */
  UUID dies(UUID of) {
    assertThat(claim(of, TYPE, 1, true)).hasSize(1);
    return successor(of);
  }

  /** A node dies; the next one finds out, and its tasks go back into their lines. */
  UUID successor(UUID of) {
    deaths++;
    now = now.plusSeconds(11);
    try (NodeSession next = open("next-" + deaths, NodeTraits.NONE)) {
      var _ = next.beat(true, 0, Look.ALL);
    }
    assertThat(store.rescues().rescue()).as("of " + of).isPositive();
    return boot;
  }

  Claim claimOne() {
    List<Claim> claims = claim(1);
    assertThat(claims).hasSize(1);
    return claims.getFirst();
  }

  List<Claim> claim(int wanted) {
    return claim(TYPE, wanted);
  }

  List<Claim> claim(String type, int wanted) {
    return claim(node, type, wanted, true);
  }

  List<Claim> claim(UUID by, String type, int wanted, boolean idle) {
    UUID token = new UUID(random.nextLong(), random.nextLong());
    return store.claims().claim(by, token, Map.of(type, 500), wanted, idle);
  }

  void finish(Claim claim, Verdict verdict) {
    finish(List.of(claim), verdict);
  }

  void finish(List<Claim> claims, Verdict verdict) {
    assertThat(claims).isNotEmpty();
    var _ =
        store
            .finishes()
            .finish(
                claims.stream()
                    .map(claim -> new Finish(claim, verdict, "节点一", Duration.ofMillis(3)))
                    .toList());
  }

  void progress(Claim claim, Duration left) {
    store
        .runningRows()
        .record(
            "节点一",
            List.of(
                new RunningRow(
                    claim, Duration.ofSeconds(3), 100, 0.5, 10, OptionalLong.of(left.toMillis()))));
  }

  static LeaseToken lease(Claim claim) {
    return new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
  }

  static Draft undoable(String step) {
    return new Draft(step, Optional.of(new Undo(UNDO, "{}", "default")));
  }

  long undoOf(long task, String step) {
    return store.compensations().of(task).steps().stream()
        .filter(each -> each.name().equals(step))
        .flatMap(each -> each.undo().stream())
        .findFirst()
        .orElseThrow()
        .task()
        .orElseThrow();
  }

  static Failure failure() {
    return new Failure("Oops", "坏了 {0}", "");
  }
}
