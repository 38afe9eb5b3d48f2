package dev.batchyard.web;

import static dev.batchyard.web.WaitFixture.START;
import static dev.batchyard.web.WaitFixture.TYPE;
import static dev.batchyard.web.WaitFixture.UNDO;
import static dev.batchyard.web.WaitFixture.draft;
import static dev.batchyard.web.WaitFixture.failure;
import static dev.batchyard.web.WaitFixture.in;
import static dev.batchyard.web.WaitFixture.lease;
import static dev.batchyard.web.WaitFixture.member;
import static dev.batchyard.web.WaitFixture.names;
import static dev.batchyard.web.WaitFixture.requiring;
import static dev.batchyard.web.WaitFixture.undoable;
import static dev.batchyard.web.WaitFixture.using;
import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.Batches.Opened;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.engine.task.Wait.Ahead;
import dev.batchyard.engine.task.Wait.Names;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import dev.batchyard.web.page.Language;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each cause for which a task waits is named with what holds it, in both languages. */
@PostgresTest
final class WaitReasonsTest {

  private static final Ahead NONE = new Ahead(0, false);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private WaitFixture f;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WaitFixture(test);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void a_full_pool_names_its_holders_and_when_one_of_them_will_be_done() {
    f.store.pools().create(Pool.slots("语言模型", 3), "ann");
    List<Long> tasks = f.submit(Collections.nCopies(4, using(Map.of("语言模型", 2))));
    Claim holder = f.claimOne();
    f.progress(holder, Duration.ofSeconds(83));

    Optional<Instant> end = Optional.of(f.now.plusSeconds(83));
    assertThat(f.waits(tasks.get(1)))
        .containsExactly(new Wait.PoolFull("语言模型", 3, 2, 2, names(tasks.getFirst()), NONE, end));
    assertThat(f.why(tasks.get(1)).earliest()).isEqualTo(end);
    assertThat(f.waits(tasks.get(3)))
        .as("behind two others nobody knows when")
        .containsExactly(
            new Wait.PoolFull(
                "语言模型", 3, 2, 2, names(tasks.getFirst()), new Ahead(2, false), Optional.empty()));
    f.says(
        tasks.get(1),
        "Pool 语言模型 has 3 slots, of which 2 are in use; this task needs 2. In use by tasks %d. Tasks that come before it: 0. Earliest start: about 30 Mar 2031, 01:31:23 +00:00."
            .formatted(tasks.getFirst()),
        "资源池 语言模型 共有 3 个名额，已用 2 个；该任务需要 2 个。占用者：任务 %d。排在它前面的任务：0 个。最早开始时间：约 2031年3月30日 01:31:23 +00:00。"
            .formatted(tasks.getFirst()));
  }

  @Test
  void a_key_names_the_tasks_that_hold_it() {
    f.store.pools().create(Pool.slots("客户", 1).withKeys(), "ann");
    long holder = f.submit(using(Map.of("客户:acme", 1)));
    f.claimOne();
    long task = f.submit(using(Map.of("客户:acme", 1)));
    long other = f.submit(using(Map.of("客户:x", 1)));

    assertThat(f.waits(task))
        .containsExactly(
            new Wait.KeyFull("客户", "3e", 1, 1, 1, names(holder), NONE, Optional.empty()));
    assertThat(f.reasons(other)).as("another key").containsExactly("line");
    f.says(
        task,
        "Pool 客户 has 1 slots for each line of keys, and of line 3e, in which its key is, 1 are in use; this task needs 1. In use by tasks %d. Tasks that come before it: 0."
            .formatted(holder),
        "资源池 客户 每行键有 1 个名额，它的键所在的行 3e 已用 1 个；该任务需要 1 个。占用者：任务 %d。排在它前面的任务：0 个。".formatted(holder));
  }

  @Test
  void a_pool_of_its_type_names_the_tasks_that_run() {
    f.store.pools().create(Pool.slots("works", 1).ofType(TYPE), "ann");
    long holder = f.submit();
    f.claimOne();
    long task = f.submit();

    assertThat(f.waits(task))
        .containsExactly(
            new Wait.TypeFull("works", TYPE, 1, 1, names(holder), NONE, Optional.empty()));
    f.says(
        task,
        "Pool works has 1 slots for all tasks of type test.work, of which 1 are in use. In use by tasks %d. Tasks that come before it: 0."
            .formatted(holder),
        "资源池 works 为类型 test.work 的所有任务共有 1 个名额，已用 1 个。占用者：任务 %d。排在它前面的任务：0 个。".formatted(holder));
  }

  @Test
  void a_rate_tells_when_enough_of_it_falls_out_of_the_period() {
    f.store.pools().create(Pool.rate("api", 3, MINUTE), "ann");
    f.submit(using(Map.of("api", 1)));
    f.claimOne();
    f.now = f.now.plusSeconds(6);
    f.submit(using(Map.of("api", 2)));
    f.claimOne();
    long task = f.submit(using(Map.of("api", 2)));

    // a period after the second start, and a fiftieth of it
    Instant room = START.plusSeconds(6).plus(MINUTE).plusMillis(1_200);
    assertThat(f.waits(task))
        .containsExactly(new Wait.RateSpent("api", 3, MINUTE, 3, 2, NONE, Optional.of(room)));
    f.says(
        task,
        "Pool api lets 3 start within 1 min, and 3 have; this task needs 2. Tasks that come before it: 0. Earliest start: about 30 Mar 2031, 01:31:07 +00:00.",
        "资源池 api 在 1 分 内允许启动 3 个，已启动 3 个；该任务需要 2 个。排在它前面的任务：0 个。最早开始时间：约 2031年3月30日 01:31:07 +00:00。");
  }

  @Test
  void a_budget_tells_when_it_begins_anew_or_who_is_to_refill_it() {
    f.store.pools().create(new Pool("cny", Kind.BUDGET, 5, Optional.of(Duration.ofDays(1))), "ann");
    f.store.pools().create(new Pool("grant", Kind.BUDGET, 4, Optional.empty()), "ann");
    f.submit(using(Map.of("cny", 4, "grant", 4)));
    f.claimOne();
    long task = f.submit(using(Map.of("cny", 4, "grant", 1)));

    assertThat(f.waits(task))
        .containsExactly(
            new Wait.BudgetSpent(
                "cny",
                5,
                Optional.of(Duration.ofDays(1)),
                4,
                4,
                NONE,
                Optional.of(START.plus(Duration.ofDays(1)))),
            new Wait.BudgetSpent("grant", 4, Optional.empty(), 4, 1, NONE, Optional.empty()));
    assertThat(f.why(task).earliest()).as("one of them does not tell").isEmpty();
    f.says(
        task,
        "Pool cny has 5 to spend, of which 4 are spent; this task needs 4. Tasks that come before it: 0. Earliest start: about 31 Mar 2031, 01:30:00 +00:00.\n"
            + "Pool grant has 4 to spend, of which 4 are spent; this task needs 1. './batchyard pool refill grant' lets it go on. Tasks that come before it: 0.",
        "资源池 cny 的预算为 5，已用 4；该任务需要 4。排在它前面的任务：0 个。最早开始时间：约 2031年3月31日 01:30:00 +00:00。\n"
            + "资源池 grant 的预算为 4，已用 4；该任务需要 1。'./batchyard pool refill grant' 可补充。排在它前面的任务：0 个。");
  }

  @Test
  void a_pool_that_is_too_small_or_was_slowed_down_is_named() {
    f.store.pools().create(Pool.slots("db", 2), "ann");
    f.store.pools().create(Pool.slots("llm", 2), "ann");
    f.submit(using(Map.of("llm", 1)));
    Claim holder = f.claimOne();
    f.store.steps().slowDown(lease(holder), Optional.empty(), Duration.ofSeconds(30));
    long task = f.submit(using(Map.of("db", 3, "llm", 1)));

    Instant grows = START.plusSeconds(30);
    assertThat(f.waits(task))
        .containsExactly(new Wait.PoolTooSmall("db", 2, 3), new Wait.PoolSlowed("llm", grows));
    f.says(
        task,
        "Pool db has 2 in all, and this task needs 3; it starts only once the pool is larger.\n"
            + "Pool llm was told to slow down; nothing that uses it starts before 30 Mar 2031, 01:30:30 +00:00.",
        "资源池 db 总共只有 2，该任务需要 3；须先扩大该池才能开始。\n"
            + "资源池 llm 已被要求放慢；2031年3月30日 01:30:30 +00:00 之前，使用它的任务都不会启动。");
  }

  @Test
  void what_no_node_has_is_named_part_by_part() {
    f.node("b", "gpu=t4");
    long task = f.submit(requiring("gpu=a100,区=东,memory=9GiB,cores=2"));
    assertThat(f.waits(task))
        .containsExactly(
            new Wait.NoEligibleNode(
                TYPE,
                "default",
                "gpu=a100,区=东,cores=2,memory=9GiB",
                List.of("gpu=a100", "区=东", "memory=9GiB"),
                names("b", "节点一")));
    f.says(
        task,
        "No live node that serves test.work in queue default has gpu=a100, 区=东, memory=9GiB; './batchyard nodes' shows what they have. Those that serve it: b, 节点一.",
        "在队列 default 中处理 test.work 的存活节点都不具备 gpu=a100、区=东、memory=9GiB；'./batchyard nodes' 显示各节点所具备的。这些节点是：b、节点一。");

    long both = f.submit(requiring("gpu=t4,node=节点一"));
    f.says(
        both,
        "No live node that serves test.work in queue default has all of gpu=t4,node=节点一 together; './batchyard nodes' shows what they have. Those that serve it: b, 节点一.",
        "在队列 default 中处理 test.work 的存活节点都不同时具备 gpu=t4,node=节点一；'./batchyard nodes' 显示各节点所具备的。这些节点是：b、节点一。");
  }

  @Test
  void cordoned_nodes_are_named_with_who_did_it() {
    f.store.cordons().cordon("节点一", "李雷");
    long task = f.submit();
    assertThat(f.waits(task))
        .containsExactly(
            new Wait.Cordoned(new Names<>(List.of(new Wait.Cordon("节点一", "李雷", f.now)), 0)));
    f.says(
        task,
        "Every live node that may run it is cordoned; './batchyard node NAME --uncordon' lets one claim again. Cordoned: 节点一 (by 李雷 since 30 Mar 2031, 01:30:00 +00:00).",
        "可以运行它的存活节点都已被封锁；'./batchyard node NAME --uncordon' 可解除一个。已封锁：节点一（封锁者：李雷，时间：2031年3月30日 01:30:00 +00:00）。");
  }

  @Test
  void a_queue_that_no_node_serves_and_a_type_that_none_has_are_named() {
    f.store.queues().create("夜间");
    f.leave(f.node);
    long task = f.submit(in("夜间"));
    f.says(
        task,
        "No live node serves test.work; './batchyard server' starts one.",
        "没有存活的节点处理 test.work；'./batchyard server' 可启动一个。");
    assertThat(f.waits(task)).containsExactly(new Wait.NoNode(TYPE));

    f.open(
            "day",
            new NodeTraits(Capacity.UNKNOWN, new TreeSet<>(), new TreeSet<>(List.of("default"))))
        .close();
    assertThat(f.waits(task)).containsExactly(new Wait.QueueNotServed(TYPE, "夜间", names("day")));
    f.says(
        task,
        "No live node that serves test.work serves queue 夜间; './batchyard server --queues 夜间' starts one. Those that serve test.work: day.",
        "处理 test.work 的存活节点都不服务队列 夜间；'./batchyard server --queues 夜间' 可启动一个。处理 test.work 的节点：day。");
  }

  @Test
  void a_then_task_names_its_batch_and_members_that_have_not_ended() {
    Opened opened = f.store.batches().open("每夜", Optional.of(draft()));
    List<Long> members = f.submit(Collections.nCopies(3, member(opened.batch())));
    f.finish(f.claimOne(), new Verdict.Complete("{}"));
    long then = opened.then().orElseThrow();

    List<Long> live = members.subList(1, 3);
    assertThat(f.waits(then))
        .containsExactly(new Wait.AfterBatch(opened.batch(), 2, 3, true, live));
    f.says(
        then,
        "It runs when Batch %d has ended; to go: 2 of 3 tasks. Not ended: %d, %d. The batch is open and ends only once './batchyard batch %d --seal' has sealed it."
            .formatted(opened.batch(), live.get(0), live.get(1), opened.batch()),
        "它在 批 %d 结束后运行；3 个任务中还有 2 个未结束。未结束的有：%d、%d。该批仍处于开启状态，须先用 './batchyard batch %d --seal' 封闭才会结束。"
            .formatted(opened.batch(), live.get(0), live.get(1), opened.batch()));

    f.store.batches().seal(opened.batch());
    f.finish(f.claim(9), new Verdict.Complete("{}"));
    assertThat(f.reasons(then)).containsExactly("line");
  }

  @Test
  void an_undo_task_names_the_one_before_it_and_whether_that_needs_a_person() {
    long task = f.submit();
    Claim claim = f.claimOne();
    for (String step : List.of("预订", "pay")) {
      var _ = f.store.steps().begin(lease(claim), undoable(step), false);
      f.store.steps().done(lease(claim), step, "{}");
    }
    f.finish(claim, new Verdict.Fail(failure()));
    long first = f.undoOf(task, "预订");
    long before = f.undoOf(task, "pay");

    assertThat(f.waits(first))
        .containsExactly(new Wait.AfterUndo(task, "预订", before, "pay", false));
    assertThat(f.reasons(before)).containsExactly("line");
    f.says(
        first,
        "It undoes step 预订 of task %d when the steps after it are undone; at its turn is task %d, which undoes pay."
            .formatted(task, before),
        "它撤销任务 %d 的步骤 预订，须等其后的步骤都已撤销；现在轮到任务 %d，它撤销 pay。".formatted(task, before));

    f.finish(f.claim(UNDO, 1), new Verdict.Fail(failure()));
    assertThat(f.waits(first)).containsExactly(new Wait.AfterUndo(task, "预订", before, "pay", true));
    f.says(
        first,
        "It undoes step 预订 of task %d when the steps after it are undone; task %d, which was to undo pay, did not, and needs a person: './batchyard rerun %d' tries it again."
            .formatted(task, before, before),
        "它撤销任务 %d 的步骤 预订，须等其后的步骤都已撤销；任务 %d 应撤销 pay 而未成功，需人工处理：'./batchyard rerun %d' 可重试。"
            .formatted(task, before, before));
  }

  @Test
  void a_task_that_is_due_later_tells_when() {
    Instant due = START.plus(Duration.ofHours(2));
    long task = f.submit(draft("default", 4, Optional.of(due), OptionalLong.empty(), "", Map.of()));
    assertThat(f.waits(task)).containsExactly(new Wait.Scheduled(due));
    assertThat(f.why(task).earliest()).contains(due);
    f.says(
        task, "It is due at 30 Mar 2031, 03:30:00 +00:00.", "它到 2031年3月30日 03:30:00 +00:00 才到期。");
  }

  @Test
  void a_back_off_tells_its_end_its_policy_and_what_went_wrong() {
    long task = f.submit();
    f.finish(f.claimOne(), new Verdict.Retry(Duration.ofSeconds(8), failure()));
    Instant until = START.plusSeconds(8);
    assertThat(f.waits(task)).containsExactly(new Wait.BackOff(until, 1, "default", "坏了 {0}"));
    assertThat(f.why(task).state()).isEqualTo(TaskState.RETRYING);
    f.says(
        task,
        "It is tried again at 30 Mar 2031, 01:30:08 +00:00, after failure 1, by retry policy default. The last problem: 坏了 {0}",
        "它在第 1 次失败后，按重试策略 default 于 2031年3月30日 01:30:08 +00:00 重试。最近的问题：坏了 {0}");
  }

  @Test
  void a_pause_names_the_person_and_beneath_it_stands_what_would_hold_it_then() {
    f.store.pools().create(Pool.slots("db", 1), "ann");
    long holder = f.submit(using(Map.of("db", 1)));
    f.claimOne();
    long task = f.submit(using(Map.of("db", 1)));
    long behind = f.submit(using(Map.of("db", 1)));
    f.store.operatorMoves().pause(task, "李雷");
    f.store.queues().pause("default", "ann");
    Instant paused = f.now;
    f.now = f.now.plusSeconds(1);

    assertThat(f.waits(task))
        .containsExactly(
            new Wait.Paused("李雷", paused),
            new Wait.QueuePaused("default", "ann", paused),
            new Wait.PoolFull("db", 1, 1, 1, names(holder), new Ahead(1, false), Optional.empty()));
    assertThat(f.reasons(behind)).containsExactly("queue_paused", "pool_full");
    f.says(
        task,
        "It is paused, by 李雷 since 30 Mar 2031, 01:30:00 +00:00, until a person resumes it.\n"
            + "Queue default is paused, by ann since 30 Mar 2031, 01:30:00 +00:00, so nothing of it starts; './batchyard queue default --resume' lets it go on.\n"
            + "Pool db has 1 slots, of which 1 are in use; this task needs 1. In use by tasks %d. Tasks that come before it: 1."
                .formatted(holder),
        "它已暂停，暂停者：李雷，时间：2031年3月30日 01:30:00 +00:00；须由人恢复。\n"
            + "队列 default 已暂停，其中的任务不会启动；暂停者：ann，时间：2031年3月30日 01:30:00 +00:00；'./batchyard queue default --resume' 可恢复。\n"
            + "资源池 db 共有 1 个名额，已用 1 个；该任务需要 1 个。占用者：任务 %d。排在它前面的任务：1 个。".formatted(holder));
  }

  @Test
  void a_paused_then_task_and_one_that_is_due_later_say_both() {
    Opened opened = f.store.batches().open("", Optional.of(draft()));
    long then = opened.then().orElseThrow();
    long later =
        f.submit(
            draft(
                "default",
                4,
                Optional.of(START.plusSeconds(9)),
                OptionalLong.empty(),
                "",
                Map.of()));
    f.store.operatorMoves().pause(then, "ann");
    f.store.operatorMoves().pause(later, "ann");
    assertThat(f.reasons(then)).containsExactly("paused", "batch");
    assertThat(f.reasons(later)).containsExactly("paused", "scheduled");
  }

  @Test
  void its_place_in_the_line_counts_what_claims_take_before_it() {
    f.now = f.now.minus(Duration.ofSeconds(3));
    List<Long> held = f.submit(Collections.nCopies(8, draft()));
    f.claim(8);
    f.submit(Collections.nCopies(3, draft()));
    f.now = START;
    List<Long> mine = f.submit(List.of(draft(), draft()));
    long urgent =
        f.submit(draft("default", 1, Optional.empty(), OptionalLong.empty(), "", Map.of()));
    f.submit(draft("default", 7, Optional.empty(), OptionalLong.empty(), "", Map.of()));
    f.store.pools().create(Pool.slots("full", 0), "ann");
    f.submit(draft("default", 0, Optional.empty(), OptionalLong.empty(), "", Map.of("full", 1)));
    f.now = f.now.plusMillis(1);

    Names<Long> holders = new Names<>(held.subList(0, 5), 3);
    assertThat(f.waits(mine.get(1)))
        .as("three older ones, the one beside it and the urgent one; not what a full pool holds")
        .containsExactly(
            new Wait.InLine(new Ahead(5, false), names("节点一"), 8, 8, holders, Optional.empty()));
    assertThat(f.waits(urgent))
        .extracting(wait -> ((Wait.InLine) wait).ahead())
        .containsExactly(NONE);
    List<Long> first = held.subList(0, 5);
    f.says(
        mine.get(1),
        "All slots (8) of the nodes that may run it are taken: 节点一; tasks that they hold: 8. In use by tasks %d, %d, %d, %d, %d and 3 more. Tasks that come before it: 5."
            .formatted(first.toArray()),
        "可以运行它的节点的槽位（共 8 个）都已占满：节点一；它们持有的任务：8 个。占用者：任务 %d、%d、%d、%d、%d 等，另有 3 个。排在它前面的任务：5 个。"
            .formatted(first.toArray()));
  }

  @Test
  void a_task_that_nothing_holds_says_so() {
    long task = f.submit();
    assertThat(f.waits(task))
        .containsExactly(
            new Wait.InLine(NONE, names("节点一"), 8, 0, new Names<>(List.of(), 0), Optional.empty()));
    f.says(
        task,
        "Nothing holds it: nodes that may run it have free slots and take it in its turn: 节点一; slots: 8, taken: 0. Tasks that come before it: 0.",
        "没有什么阻碍它：可以运行它的节点还有空槽位，轮到时即认领：节点一；槽位 8 个，已占 0 个。排在它前面的任务：0 个。");
  }

  @Test
  void a_long_line_is_counted_up_to_a_limit() {
    for (int call = 0; call < 5; call++) {
      f.submit(
          IntStream.range(0, 1_000)
              .mapToObj(i ->
                  draft("default", i % 2, Optional.empty(), OptionalLong.empty(), "", Map.of()))
              .toList());
    }
    f.now = f.now.plusMillis(1);
    long task = f.submit();
    f.now = f.now.plusMillis(1);
    assertThat(f.waits(task))
        .extracting(wait -> ((Wait.InLine) wait).ahead())
        .containsExactly(new Ahead(2_000, true));
    assertThat(f.text(task, Language.EN)).endsWith("Tasks that come before it: more than 2,000.");
    assertThat(f.text(task, Language.ZH)).endsWith("排在它前面的任务：超过 2,000 个。");
  }

  @Test
  void a_suspect_names_the_nodes_that_are_not_idle() {
    long task = f.submit();
    UUID next = f.dies(f.dies(f.node));
    long other =
        f.submit(draft("default", 0, Optional.empty(), OptionalLong.empty(), "", Map.of()));
    assertThat(f.claim(next, TYPE, 1, false)).extracting(Claim::task).containsExactly(other);

    assertThat(f.waits(task)).containsExactly(new Wait.Suspect(2, true, names("next-2")));
    f.says(
        task,
        "It may have killed its node (deaths: 2), so it runs with nothing beside it and waits for a node that is idle. Those that are not: next-2.",
        "它可能使节点终止过（2 次），因此单独运行，须等一个空闲的节点。不空闲的节点：next-2。");
  }

  @Test
  void a_suspect_of_one_death_names_the_nodes_that_run_another() {
    List<Long> tasks = f.submit(List.of(draft(), in("default", 3)));
    assertThat(f.claim(1)).hasSize(1);
    assertThat(f.claim(1)).hasSize(1);
    UUID next = f.successor(f.node);
    assertThat(f.claim(next, TYPE, 1, true)).extracting(Claim::task).containsExactly(tasks.get(1));

    assertThat(f.waits(tasks.getFirst()))
        .containsExactly(new Wait.Suspect(1, false, names("next-1")));
    f.says(
        tasks.getFirst(),
        "It may have killed its node (deaths: 1) and waits for a node that runs no other such task. Those that do: next-1.",
        "它可能使节点终止过（1 次），须等一个没有其他嫌疑任务的节点。现有嫌疑任务的节点：next-1。");
  }

  @Test
  void a_task_that_is_claimed_runs_or_has_ended_says_so() {
    List<Long> tasks = f.submit(Collections.nCopies(2, draft()));
    List<Claim> claims = f.claim(2);
    long task = tasks.get(1);
    assertThat(f.waits(task))
        .containsExactly(new Wait.Claimed("节点一", f.now, 8, names(tasks.getFirst())));
    f.says(
        task,
        "Node 节点一 claimed it at 30 Mar 2031, 01:30:00 +00:00 and starts it as soon as one of its slots (8) is free. Other tasks that it holds: %d."
            .formatted(tasks.getFirst()),
        "节点 节点一 已于 2031年3月30日 01:30:00 +00:00 认领它，其槽位（共 8 个）一有空出就开始。该节点持有的其他任务：%d。"
            .formatted(tasks.getFirst()));

    f.progress(claims.get(1), Duration.ofSeconds(5));
    f.says(
        task,
        "It runs on node 节点一 since 30 Mar 2031, 01:29:57 +00:00.",
        "它自 2031年3月30日 01:29:57 +00:00 起在节点 节点一 上运行。");

    f.finish(claims.get(1), new Verdict.Complete("{}"));
    assertThat(f.waits(task)).containsExactly(new Wait.Ended(TaskState.COMPLETED, f.now));
    f.says(
        task,
        "It ended at 30 Mar 2031, 01:30:00 +00:00: completed.",
        "它已于 2031年3月30日 01:30:00 +00:00 结束：已完成。");
    assertThat(f.store.waitReasons().of(task + 1)).as("there is none").isEmpty();
  }
}
