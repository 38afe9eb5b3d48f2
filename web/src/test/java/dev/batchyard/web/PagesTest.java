package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.NewTask;
import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeLoad;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.LogLines.Line;
import dev.batchyard.engine.port.NodePulse;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.net.http.HttpResponse;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
final class PagesTest {

  private static final String MARKUP = "<script>alert(\"1\")</script><img src=x onerror='a'>&amp;";
  private static final Instant AT = Instant.parse("2021-03-30T01:30:00Z");

  private WebFixture f;
  private Browser browser;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WebFixture(test);
    browser = f.signIn();
  }

  @AfterEach
  void close() {
    browser.close();
    f.close();
  }

  @Test
  void an_empty_store_says_what_to_do_first() {
    Document page = browser.page("/");
    assertThat(page.select(".empty").text()).contains("No task yet").contains("./batchyard demo");
    assertThat(page.select("html").attr("lang")).isEqualTo("en");
    assertThat(browser.page("/nodes").select(".empty").text()).contains("./batchyard server");
  }

  @Test
  void the_list_shows_each_task_with_its_state_bar_rate_and_node() {
    long first = f.submit("", "{}");
    f.submit("Import", "{}");
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    f.progress(claim, "n1", 0.25);

    Document page = browser.page("/");

    assertThat(page.select("tbody tr")).hasSize(2);
    var row = page.select("tbody tr").get(1);
    assertThat(row.select("th a").text()).isEqualTo(WebFixture.TYPE);
    assertThat(row.select(".badge").text()).isEqualTo("running");
    assertThat(row.select("progress").attr("value")).isEqualTo("250");
    assertThat(row.select("progress").attr("aria-label")).isEqualTo("Progress of task " + first);
    assertThat(row.text()).contains("25%", "30,000 items", "23,457/s", "1 min 23 s", "n1");
    assertThat(row.select("time").text()).endsWith("+00:00");
    assertThat(page.select(".counts").text()).isEqualTo("all 2 ready 1 running 1");
    assertThat(page.select("thead th")).allMatch(th -> th.attr("scope").equals("col"));
  }

  @Test
  void filters_and_pages_are_links_that_keep_each_other() {
    for (int i = 0; i < 60; i++) {
      f.submit("t" + i, "{}");
    }
    f.claim(f.node("n1"), 3);

    Document page = browser.page("/?type=" + WebFixture.TYPE);
    assertThat(page.select("tbody tr")).hasSize(50);
    assertThat(page.select("datalist option").attr("value")).isEqualTo(WebFixture.TYPE);
    Document older = browser.page(page.select("a[rel=next]").attr("href"));
    assertThat(older.select("tbody tr")).hasSize(10);
    assertThat(older.select("#type").attr("value")).isEqualTo(WebFixture.TYPE);

    Document running = browser.page(page.select(".counts a:has(.badge.running)").attr("href"));
    assertThat(running.select("tbody tr")).hasSize(3);
    assertThat(running.select(".filter input[name=state]").attr("value")).isEqualTo("running");
    assertThat(running.select(".counts a[aria-current]").text()).isEqualTo("running 3");

    assertThat(browser.page("/?type=other").select(".empty").text()).contains("No task matches");
    assertThat(browser.get("/?state=melting").statusCode()).isEqualTo(400);
    assertThat(browser.get("/?before=-1").statusCode()).isEqualTo(400);
    assertThat(browser.get("/?type=" + "x".repeat(201)).statusCode()).isEqualTo(400);
  }

  @Test
  void one_task_shows_all_that_is_known_of_it() throws SQLException {
    long task = f.submit("Names", "{\"file\": \"a.csv\", \"n\": 12345678901234567890.10}");
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    f.commitChunk(
        claim,
        "[{\"number\": 7, \"column\": \"age\", \"reason\": \"not a number: x\", \"raw\": \"a,x\"}]");
    f.store.logLines().append(List.of(new Line(0, task, 1, AT, "warn", "one line")));
    f.finish(claim, "n1", new Verdict.Complete("{\"rows\": 3}"));

    Document page = browser.page("/tasks/" + task);

    assertThat(page.select("h1").text()).isEqualTo("Names");
    assertThat(page.select(".title .badge").text()).isEqualTo("completed");
    assertThat(page.select(".ledger").text())
        .isEqualTo("read 120,000 = written 119,997 + skipped 1 + rejected 2");
    assertThat(page.select("section:has(#params) pre").text())
        .contains("\"file\": \"a.csv\"", "12345678901234567890.10");
    assertThat(page.select("section:has(#result) pre").text()).contains("\"rows\": 3");
    assertThat(page.select("section:has(#ledger) pre").text()).contains("\"row\": 120000");
    assertThat(page.select("section:has(#attempts) tbody tr").text())
        .contains("1", "completed", "n1");
    assertThat(page.select("section:has(#history) tbody .badge").eachText())
        .containsExactly("completed", "running", "ready");
    assertThat(page.select("section:has(#history) tbody td.long").eachText())
        .containsExactly("completed", "attempt 1", "submitted");
    assertThat(page.select("section:has(#rejects) tbody").text())
        .isEqualTo("7 age not a number: x a,x");
    assertThat(page.select(".log li.warn .text").text()).isEqualTo("one line");
    assertThat(page.select(".log time").text()).isEqualTo("30 Mar 2021, 01:30:00 +00:00");
  }

  @Test
  void a_task_of_a_paused_queue_says_so_in_both_languages() {
    long task = f.submit("waits", "{}");
    f.store.queues().pause("default", "王小明");
    try {
      assertThat(f.signIn().get("/tasks/" + task).body())
          .contains("Queue default is paused, by 王小明");
      assertThat(f.signIn().get("/tasks/" + task + "?lang=zh").body()).contains("队列 default 已暂停");
    } finally {
      f.store.queues().resume("default");
    }
    assertThat(f.signIn().get("/tasks/" + task).body()).doesNotContain("is paused");
  }

  @Test
  void the_limits_of_a_task_and_which_of_them_ended_it_are_shown_in_both_languages()
      throws SQLException {
    long task =
        f.submitter
            .submit(
                NewTask.of(WebFixture.TYPE, new WebFixture.Work(1, ""))
                    .withLimits(
                        Limits.NONE
                            .withQueueTimeout(Duration.ofMinutes(10))
                            .withAttemptTimeout(Duration.ofSeconds(90))
                            .withTotalTimeout(Duration.ofHours(25))
                            .withDeadline(Instant.parse("2099-12-31T14:00:00Z"))))
            .task();
    assertThat(browser.page("/tasks/" + task).select(".facts").text())
        .contains(
            "Queue timeout 10 min 0 s",
            "Attempt timeout 1 min 30 s",
            "Total timeout 1 d 1 h",
            "Deadline 31 Dec 2099, 14:00:00 +00:00");
    long plain = f.submit("", "{}");
    assertThat(browser.page("/tasks/" + plain).select(".facts").text())
        .doesNotContain("timeout", "Deadline");

    f.sql("update expiry set end_by = now(), look_at = now() where task = " + task);
    assertThat(f.store.expiries().expire()).isEqualTo(1);
    assertThat(browser.page("/tasks/" + task).select(".cause").text())
        .contains("its total timeout has passed");
    Document chinese = browser.page("/tasks/" + task + "?lang=zh");
    assertThat(chinese.select(".facts").text()).contains("排队超时 10 分 0 秒", "单次尝试超时", "总超时", "截止时间");
    assertThat(chinese.select(".cause").text()).contains("总超时");
  }

  @Test
  void what_a_task_says_is_text_and_never_markup() throws SQLException {
    long task = f.submit(MARKUP, "{\"p\": \"<script>p</script>\"}");
    UUID boot = f.node("node" + MARKUP);
    Claim claim = f.claim(boot, 1).getFirst();
    f.commitChunk(
        claim,
        """
        [{"number": 1, "column": "<script>c</script>", "reason": "<script>r</script>",
          "raw": "<script>w</script>"}]
        """);
    f.store.logLines().append(List.of(new Line(0, task, 1, AT, "error", MARKUP)));
    f.finish(claim, "node" + MARKUP, new Verdict.Fail(new Failure("K" + MARKUP, MARKUP, MARKUP)));

    Document page = browser.page("/tasks/" + task);
    assertThat(page.select("h1").text()).isEqualTo(MARKUP);
    assertThat(page.select(".cause").text()).isEqualTo("K" + MARKUP + " " + MARKUP);
    assertThat(page.select(".error details pre").text()).isEqualTo(MARKUP);
    assertThat(page.select(".log .text").text()).isEqualTo(MARKUP);
    assertThat(page.select("section:has(#rejects) tbody code").text())
        .isEqualTo("<script>w</script>");
    assertThat(page.select("section:has(#params) pre").text()).contains("<script>p</script>");

    Document list = browser.page("/?type=%22%3E%3Cscript%3E");
    assertThat(list.select("#type").attr("value")).isEqualTo("\"><script>");
    for (Document each :
        List.of(
            page,
            list,
            browser.page("/"),
            browser.page("/nodes"),
            browser.page("/tasks/" + task + "/log"))) {
      assertThat(each.select("script"))
          .allMatch(script -> script.attr("src").startsWith("/assets/"));
      assertThat(each.select("script")).allMatch(script -> script.data().isEmpty());
      assertThat(each.select("img, [onerror], [style], b:contains(1</b>)")).isEmpty();
    }
  }

  @Test
  void rejects_and_log_lines_come_page_by_page() throws SQLException {
    long task = f.submit("", "{}");
    f.sql(
        "insert into reject (task, generation, shard, number, \"column\", reason, raw)"
            + " select "
            + task
            + ", 1, 0, n, '', 'bad', 'x' from generate_series(1, 60) n");
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      lines.add(new Line(0, task, 1, AT, "info", "line " + i));
    }
    f.store.logLines().append(lines);

    Document page = browser.page("/tasks/" + task);
    assertThat(page.select("section:has(#rejects) tbody tr")).hasSize(50);
    assertThat(page.select(".log .text").eachText())
        .hasSize(200)
        .startsWith("line 400")
        .endsWith("line 599");
    Document next = browser.page(page.select("section:has(#rejects) a[rel=next]").attr("href"));
    assertThat(next.select("section:has(#rejects) tbody th").eachText()).hasSize(10).endsWith("60");
    assertThat(next.select("main").attr("sse-connect"))
        .isEqualTo("/live/tasks/" + task + "?rejects=50");

    Document log = browser.page(page.select(".more a").attr("href"));
    assertThat(log.select(".log li")).hasSize(500);
    Document rest = browser.page(log.select("a[rel=next]").attr("href"));
    assertThat(rest.select(".log .text").eachText()).hasSize(100).endsWith("line 599");
  }

  @Test
  void nodes_show_who_lives_and_what_they_hold() {
    f.submit("", "{}");
    f.claim(f.node("n1"), 1);
    UUID gone = f.node("n2");
    f.store.sessions().leave(gone);

    Document page = browser.page("/nodes");

    assertThat(page.select("tbody tr").get(0).text()).contains("n1", "alive", "1 of 8", "0.1.0");
    assertThat(page.select("tbody tr").get(1).select(".badge").text()).isEqualTo("gone");
    assertThat(page.select("tbody td").eachText()).contains(WebFixture.HOST);
  }

  @Test
  void nodes_show_how_loaded_they_are_and_what_they_have() {
    NodeTraits traits =
        new NodeTraits(
            new Capacity(4, 8_192, 100_000),
            new TreeSet<>(List.of("区=东")),
            new TreeSet<>(List.of("default")));
    try (NodeSession session =
        f.store
            .sessions()
            .open(
                new NodeRegistration(
                    UUID.randomUUID(), "节点一", "host", 1, "0", List.of(), 8, traits))) {
      NodeLoad load = new NodeLoad(new MachineUse(0.5, 0.25, 0.75), 0.5);
      session.beat(true, 0, NodeSession.Look.NONE, new NodePulse(Optional.of(load), 3));

      assertThat(browser.page("/nodes").select("tbody tr").text())
          .contains(
              "40%", "cpu 50%, memory 25%, disk 75%", "4 cores, 8,192 MiB, disk 97 GiB", "区=东");
      assertThat(browser.page("/nodes?lang=zh").select("tbody tr").text())
          .contains("节点一", "CPU 50%，内存 25%，磁盘 75%", "4 核，内存 8,192 MiB，磁盘 97 GiB");
    }
  }

  @Test
  void a_node_that_is_drained_shows_what_it_still_holds() {
    UUID boot = f.node("节点");
    long held = f.submit("a", "{}");
    assertThat(f.claim(boot, 1)).hasSize(1);
    assertThat(browser.page("/nodes").select("td a")).isEmpty();
    f.store.cordons().drain("节点", false, "kim");
    assertThat(browser.page("/nodes").select("td a").attr("href")).isEqualTo("/tasks/" + held);
    assertThat(browser.page("/nodes?lang=zh").select("td small").text()).contains("仍持有 " + held);
  }

  @Test
  void what_does_not_exist_is_a_page_that_says_so() {
    for (String path : List.of("/nothing", "/tasks/77", "/tasks/x", "/tasks/77/log", "/assets/x")) {
      HttpResponse<String> answer = browser.get(path);
      assertThat(answer.statusCode()).as(path).isEqualTo(404);
      assertThat(Jsoup.parse(answer.body()).select("h1").text()).isEqualTo("Nothing here");
    }
  }

  @Test
  void chinese_comes_by_the_browsers_wish_or_by_choice_and_stays() {
    long task = f.submit("", "{}");
    browser.accepting("zh-CN,zh;q=0.9,en;q=0.8");
    Document page = browser.page("/");
    assertThat(page.select("html").attr("lang")).isEqualTo("zh-CN");
    assertThat(page.select("h1").text()).isEqualTo("任务");
    assertThat(page.select("tbody .badge").text()).isEqualTo("就绪");
    assertThat(page.select("tbody time").text()).matches("\\d{4}年\\d+月\\d+日 .* \\+00:00");

    assertThat(browser.page(page.select(".languages a").attr("href")).select("h1").text())
        .isEqualTo("Tasks");
    assertThat(browser.page("/").select("h1").text()).as("the choice stays").isEqualTo("Tasks");
    assertThat(browser.page("/tasks/" + task + "?lang=zh").text()).contains("台账", "尝试", "重试策略");
    assertThat(browser.page("/nodes").select("h1").text()).isEqualTo("节点");
  }

  @Test
  void a_store_that_was_away_is_told_in_chinese_with_what_it_said() {
    long task = f.submit("", "{}");
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    Failure away = new Failure("SQLException", "the database was away: refused", "");
    f.finish(claim, "n1", new Verdict.Spare(new Verdict.Retry(Duration.ofSeconds(1), away)));
    browser.accepting("zh-CN");

    Document page = browser.page("/tasks/" + task);
    assertThat(page.select("section:has(#history) tbody td:last-child").eachText())
        .containsExactly("数据库当时不可用：refused", "第 1 次尝试", "提交");
    assertThat(page.select("section:has(#attempts) tbody td:last-child").text())
        .isEqualTo("数据库当时不可用：refused");
  }

  @Test
  void what_the_store_says_of_moves_and_ends_is_chinese_and_what_people_say_stays()
      throws SQLException {
    long task = f.submit("", "{}");
    f.store.operatorMoves().pause(task, "ann");
    f.store.operatorMoves().resume(task, "ann");
    f.store.operatorMoves().cancel(task, "ann");
    f.store.operatorMoves().rerun(task, "ann");
    for (int death = 1; death <= 3; death++) {
      UUID boot = f.node("n1");
      assertThat(f.claim(boot, 1)).hasSize(1);
      f.sql(
          "update node set fenced_at = now(), fenced_why = 'its lease lapsed' where boot = '%s'"
              .formatted(boot));
      assertThat(f.store.rescues().rescue()).isEqualTo(1);
    }
    browser.accepting("zh-CN");

    Document page = browser.page("/tasks/" + task);
    assertThat(page.select("section:has(#history) tbody td:last-child").eachText())
        .containsExactly(
            "节点 n1 失联：租约已过期",
            "第 3 次尝试",
            "节点 n1 失联：租约已过期",
            "第 2 次尝试",
            "节点 n1 失联：租约已过期",
            "第 1 次尝试",
            "重新运行",
            "在“就绪”状态下被取消",
            "继续运行",
            "在“就绪”状态下被暂停",
            "提交");
    assertThat(page.select("section:has(#history) tbody td:nth-child(4)").eachText())
        .contains("救援", "ann", "n1");
    String died = "该任务运行时，其节点 3 次死亡，最后一次该任务单独运行；最后：节点 n1 失联：租约已过期";
    assertThat(page.select(".cause").text()).isEqualTo("Quarantined " + died);
    assertThat(browser.page("/").select(".problem").text()).isEqualTo(died);
    assertThat(browser.page("/nodes").select("td small").eachText()).contains("租约已过期");

    long failed = f.submit("", "{}");
    f.finish(
        f.claim(f.node("n2"), 1).getFirst(),
        "n2",
        new Verdict.Fail(new Failure("Refused", "no such file", "")));
    assertThat(browser.page("/tasks/" + failed).select(".cause").text())
        .isEqualTo("Refused no such file");
  }

  @Test
  void times_are_in_the_zone_that_the_browser_tells() {
    f.submit("", "{}");
    browser.cookies().put("batchyard-zone", "Asia/Shanghai");
    assertThat(browser.page("/").select("tbody time").text()).endsWith("+08:00");
    browser.cookies().put("batchyard-zone", "Moon/Base");
    assertThat(browser.page("/").select("tbody time").text()).endsWith("+00:00");
  }

  @Test
  void the_doctors_page_shows_each_check_and_what_was_found_in_either_language()
      throws SQLException {
    Document before = browser.page("/doctor");
    assertThat(before.select("tbody tr")).hasSize(Check.values().length);
    assertThat(before.select("tbody").text()).contains("no node has looked yet");
    f.sql(
        "insert into request values (7, 'pause', gen_random_uuid(), '%s', now())"
            .formatted(MARKUP.replace("'", "''")));
    boolean _ = f.store.upkeep().examine();

    Document page = browser.page("/doctor");

    var row =
        page.select("tbody tr").stream()
            .filter(tr -> tr.select("th").text().startsWith("requests"))
            .findFirst()
            .orElseThrow();
    assertThat(row.select(".badge").text()).isEqualTo("1 found");
    assertThat(row.select("li").text()).startsWith("task 7: " + MARKUP);
    assertThat(row.select("script")).isEmpty();
    assertThat(row.select(".note").text()).isEqualTo(Check.REQUESTS.cure());
    assertThat(row.select("time")).hasSize(2);
    assertThat(page.select("nav a[aria-current=page]").text()).isEqualTo("Doctor");
    Document chinese = browser.page("/doctor?lang=zh");
    assertThat(chinese.select("h1").text()).isEqualTo("体检");
    assertThat(chinese.select("tbody").text()).contains("发现 1 个", "--repair 删除它们");
  }

  @Test
  void the_page_of_a_task_shows_the_checkpoints_that_it_has_passed() throws SQLException {
    long task = f.submit("", "{}");
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    f.commitChunk(claim, "[]");
    assertThat(browser.page("/tasks/" + task).text()).doesNotContain("Earlier checkpoints");
    f.sql(
        """
        insert into checkpoint_log
        select task, shard, i, jsonb_build_object('row', i * 1000), i * 1000, i * 1000, 0, 0, 1, now()
          from checkpoint, generate_series(1, 25) i
        """);
    Document page = browser.page("/tasks/" + task);
    var rows = page.select("h3:containsOwn(Earlier checkpoints) + table tbody tr");
    assertThat(rows).hasSize(20);
    assertThat(rows.getFirst().select("th").text()).isEqualTo("25");
    assertThat(rows.getFirst().text()).contains("25,000", "{\"row\": 25000}");
    assertThat(page.text()).contains("newest 20 of 25", "checkpoints " + task);
    assertThat(browser.page("/tasks/" + task + "?lang=zh").text()).contains("更早的断点");
  }
}
