package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
final class QueuePagesTest {

  private static final String DEFAULT = "tbody tr:has(th:contains(default))";
  private static final String NIGHT = "tbody tr:has(th:contains(夜间))";
  private static final Instant LATER = Instant.parse("2999-01-01T00:00:00Z");

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
  void each_queue_shows_what_waits_and_runs_and_who_paused_it_and_leads_to_its_tasks() {
    f.store.queues().create("夜间");
    f.store.queues().ageStep("夜间", Duration.ofMillis(90_500));
    long running = f.submit("of default", "{}");
    f.claim(f.node("n1"), 1);
    long waiting = submit("夜间", Optional.empty());
    long other = submit("夜间", Optional.empty());
    long later = submit("夜间", Optional.of(LATER));
    f.store.queues().pause("夜间", "王小明");

    Document page = browser.page("/queues");
    assertThat(page.select("header a[aria-current=page]").text()).isEqualTo("Queues");
    assertThat(page.select("main").attr("sse-connect")).isEqualTo("/live/queues");
    assertThat(page.select("thead th").eachText())
        .containsExactly("Queue", "Waiting", "Later", "Running", "Age step", "State");
    assertThat(page.select(DEFAULT).text()).isEqualTo("default 0 0 1 1 min open");
    var row = page.select(NIGHT);
    assertThat(row.text()).startsWith("夜间 2 1 0 1 min 30 s 500 ms paused by 王小明 since ");
    assertThat(row.select("time").text()).endsWith("+00:00");

    assertThat(listed(row.select("th a").attr("href"))).containsExactly(later, other, waiting);
    List<String> lists = row.select("td a").eachAttr("href");
    assertThat(listed(lists.get(0))).containsExactly(other, waiting);
    assertThat(listed(lists.get(1))).containsExactly(later);
    assertThat(listed(lists.get(2))).isEmpty();
    assertThat(listed(page.select(DEFAULT).select("td a").get(2).attr("href")))
        .containsExactly(running);

    Document chinese = browser.page("/queues?lang=zh");
    assertThat(chinese.select("h1").text()).isEqualTo("队列");
    assertThat(chinese.select(NIGHT).text()).contains("1 分 30 秒 500 毫秒 已暂停 暂停者：王小明");
    f.store.queues().resume("夜间");
    assertThat(browser.page("/queues").select(".badge.paused")).isEmpty();
  }

  @Test
  void the_filter_by_queue_stays_over_pages_states_and_types() {
    f.store.queues().create("夜间");
    for (int i = 0; i < 60; i++) {
      submit("夜间", Optional.empty());
      f.submit("of default", "{}");
    }
    String queue = URLEncoder.encode("夜间", StandardCharsets.UTF_8);
    Document page = browser.page("/tasks?queue=" + queue);
    assertThat(page.select("tbody tr")).hasSize(50);
    assertThat(page.text()).doesNotContain("of default");
    assertThat(page.select("#queue").attr("value")).isEqualTo("夜间");
    assertThat(page.select("#queues option").eachAttr("value"))
        .containsExactlyInAnyOrder("default", "夜间");
    assertThat(page.select(".counts").text()).as("counts are of all queues").isEqualTo("all ready");
    assertThat(page.select("main").attr("sse-connect")).isEqualTo("/live/tasks?queue=" + queue);

    Document older = browser.page(page.select("a[rel=next]").attr("href"));
    assertThat(older.select("tbody tr")).hasSize(10);
    assertThat(older.select("#queue").attr("value")).isEqualTo("夜间");
    Document ready = browser.page(older.select(".counts a:has(.ready)").attr("href"));
    assertThat(ready.select("#queue").attr("value")).isEqualTo("夜间");
    assertThat(ready.select("tbody tr")).hasSize(50);
    assertThat(listed("/?type=" + WebFixture.TYPE + "&queue=" + queue)).hasSize(50);
    assertThat(listed("/?type=other&queue=" + queue)).isEmpty();

    assertThat(browser.page("/?queue=none").select(".empty").text()).contains("No task matches");
    Document markup = browser.page("/?queue=%22%3E%3Cscript%3E");
    assertThat(markup.select("#queue").attr("value")).isEqualTo("\"><script>");
    assertThat(browser.get("/?queue=" + "x".repeat(101)).statusCode()).isEqualTo(400);
  }

  private long submit(String queue, Optional<Instant> due) {
    TaskDraft draft =
        new TaskDraft(
            WebFixture.TYPE,
            "{}",
            "",
            queue,
            4,
            due,
            TaskKeys.NONE,
            OptionalLong.empty(),
            "default");
    return f.store.submissions().submit(List.of(draft)).getFirst().task();
  }

  private List<Long> listed(String address) {
    List<Long> ids = new ArrayList<>();
    browser
        .page(address)
        .select("tbody td:first-child")
        .eachText()
        .forEach(id -> ids.add(Long.valueOf(id)));
    return ids;
  }
}
