package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Batches.Opened;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
final class BatchPagesTest {

  private static final String MARKUP = "<script>alert(1)</script>";

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
  void a_batch_shows_its_counts_its_then_task_and_leads_to_its_members() throws SQLException {
    assertThat(browser.page("/batches").select(".empty").text())
        .contains("No batch yet", "./batchyard batch --open");
    f.submit("of no batch", "{}");
    Opened opened = f.store.batches().open("nightly", Optional.of(f.draft("sums", "{}")));
    long then = opened.then().orElseThrow();
    f.join(opened.batch(), 5);
    List<Claim> claims = f.claim(f.node("n1"), 4);
    f.finish(claims.get(1), "n1", new Verdict.Complete("{}"));
    f.finish(claims.get(2), "n1", new Verdict.Fail(new Failure("Bad", "no file", "")));

    var row = browser.page("/batches").select("tbody tr");
    assertThat(row.text()).startsWith("1 nightly open 5 1 1 0 3 " + then);
    Document page = browser.page(row.select("th a").attr("href"));
    assertThat(page.select("h1").text()).isEqualTo("nightly");
    assertThat(page.select(".title .badge").text()).isEqualTo("open");
    assertThat(page.select(".counts").text())
        .isEqualTo("all 5 completed 1 failed 1 cancelled 0 to go 3");
    assertThat(page.select(".facts a").attr("href")).isEqualTo("/tasks/" + then);
    Document waiting = browser.page("/tasks/" + then);
    assertThat(waiting.select(".title .badge").text()).isEqualTo("blocked");
    assertThat(waiting.select(".waits").text())
        .isEqualTo(
            "It runs when Batch 1 has ended; to go: 3 of 5 tasks. Not ended: 5, 6, 7. The batch is open and ends only once './batchyard batch 1 --seal' has sealed it.");
    assertThat(waiting.select(".waits a, .facts a").eachAttr("href"))
        .containsExactly("/batches/1", "/tasks/5", "/tasks/6", "/tasks/7", "/batches/1");

    Document members = browser.page(page.select(".more a").attr("href"));
    assertThat(members.select("tbody tr")).hasSize(5);
    assertThat(members.text()).doesNotContain("of no batch");
    assertThat(members.select(".filter a[href=/batches/1]").text()).isEqualTo("Members of batch 1");
    assertThat(members.select(".filter input[name=batch]").attr("value")).isEqualTo("1");
    assertThat(members.select(".counts").text()).as("those are of all tasks").doesNotContain("1");
    assertThat(members.select("main").attr("sse-connect")).isEqualTo("/live/tasks?batch=1");
    Document live = browser.page(page.select(".counts a:has(.live)").attr("href"));
    assertThat(live.select("tbody .badge").eachText()).containsExactly("ready", "ready", "running");
    Document failed = browser.page(page.select(".counts a:has(.failed)").attr("href"));
    assertThat(failed.select("tbody .problem").text()).isEqualTo("no file");
    String member = failed.select("tbody th a").attr("href");
    assertThat(browser.page(member).select(".facts a").attr("href")).isEqualTo("/batches/1");

    f.store.batches().seal(opened.batch());
    assertThat(browser.page("/batches/1").select(".subtitle").text())
        .contains("Batch 1", "ends when all its members have ended");
    assertThat(browser.page("/tasks/" + then + "?lang=zh").select(".waits").text())
        .isEqualTo("它在 批 1 结束后运行；5 个任务中还有 3 个未结束。未结束的有：5、6、7。");
    f.sql("update batch set completed = 4, ended_at = sealed_at");
    assertThat(browser.page("/tasks/" + then).select(".waits")).isEmpty();
  }

  @Test
  void pages_of_batches_lead_on_in_both_languages_and_labels_are_text() {
    for (int i = 0; i < 51; i++) {
      f.store.batches().open(i == 0 ? MARKUP : "b" + i, Optional.empty());
    }
    Document first = browser.page("/batches");
    assertThat(first.select("tbody tr")).hasSize(50);
    assertThat(first.select("header a[aria-current=page]").text()).isEqualTo("Batches");
    Document rest = browser.page(first.select("a[rel=next]").attr("href"));
    assertThat(rest.select("tbody th").text()).isEqualTo(MARKUP);
    assertThat(rest.select("a[rel=next]")).isEmpty();
    assertThat(rest.select("main").attr("sse-connect")).isEqualTo("/live/batches?before=2");
    assertThat(rest.select(".pager a").attr("href")).isEqualTo("/batches");
    for (Document each : List.of(rest, browser.page("/batches/1"))) {
      assertThat(each.select("script")).allMatch(script -> script.data().isEmpty());
    }

    Document chinese = browser.page("/batches/2?lang=zh");
    assertThat(chinese.select(".title .badge").text()).isEqualTo("开启");
    assertThat(chinese.select(".counts").text()).isEqualTo("全部 0 完成 0 失败 0 取消 0 未结束 0");
    assertThat(browser.page("/batches").select("h1").text()).isEqualTo("批");

    assertThat(browser.get("/batches/99").statusCode()).isEqualTo(404);
    assertThat(browser.get("/batches/x").statusCode()).isEqualTo(404);
    assertThat(browser.get("/batches?before=-1").statusCode()).isEqualTo(400);
    assertThat(browser.get("/?batch=x").statusCode()).isEqualTo(400);
  }
}
