package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@PostgresTest
@Timeout(value = 90, unit = TimeUnit.SECONDS)
final class ChromiumTest {

  private WebFixture f;
  private Chromium chromium;

  @BeforeEach
  void open(TestDatabase test) throws SQLException, IOException {
    f = new WebFixture(test);
    chromium = new Chromium(Path.of("target").toAbsolutePath());
  }

  @AfterEach
  void close() throws IOException {
    chromium.close();
    f.close();
  }

  @Test
  void a_running_task_moves_in_a_real_browser_without_reload_complaint_or_foreign_request() {
    long task = f.submit("<b>Names</b>", "{}");
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    f.progress(claim, "n1", 0.25);

    chromium.open(f.server.url());
    chromium.await("document.querySelector('progress')?.value + ''", "250");
    chromium.await("document.documentElement.dataset.live", "on");
    assertThat(chromium.evaluate("location.href")).endsWith(f.server.port() + "/");
    assertThat(chromium.evaluate("window.mark = 'same page'")).isEqualTo("same page");
    assertThat(chromium.evaluate("document.querySelector('tbody th').innerText"))
        .startsWith("<b>Names</b>");

    f.progress(claim, "n1", 0.75);
    chromium.await("document.querySelector('progress').value + ''", "750");
    assertThat(chromium.evaluate("window.mark")).isEqualTo("same page");

    chromium.open(URI.create("http://127.0.0.1:" + f.server.port() + "/tasks/" + task));
    chromium.await("document.querySelector('.title .badge')?.textContent", "running");
    chromium.await("document.documentElement.dataset.live", "on");
    f.finish(claim, "n1", new Verdict.Complete("{\"rows\": 3}"));
    chromium.await("document.querySelector('.title .badge').textContent", "completed");
    chromium.await("document.querySelector('progress').value + ''", "1000");

    assertThat(chromium.complaints()).isEmpty();
    assertThat(chromium.requests())
        .hasSizeGreaterThan(8)
        .allMatch(address ->
            address.startsWith("http://127.0.0.1:" + f.server.port() + "/")
                || address.equals("about:blank"));
  }

  @Test
  void a_queue_is_seen_to_be_paused_and_its_tasks_are_filtered_in_a_real_browser() {
    f.store.queues().create("夜间");
    f.submit("of default", "{}");
    chromium.open(f.server.url());
    chromium.await("document.documentElement.dataset.live", "on");
    chromium.evaluate("document.querySelector('header a[href=\"/queues\"]').click()");
    chromium.await("document.querySelectorAll('tbody tr').length + location.pathname", "2/queues");
    chromium.await("document.documentElement.dataset.live", "on");
    chromium.await(
        "[...document.querySelectorAll('tbody tr')].map(r => r.querySelector('th, td a').innerText"
            + " + r.querySelector('td a').innerText).sort().join(' ')",
        "default1 夜间0");
    f.store.queues().pause("夜间", "王小明");
    chromium.await("document.querySelector('tbody .badge.paused')?.textContent", "paused");
    chromium.evaluate(
        "[...document.querySelectorAll('tbody th a')].find(a => a.innerText === '夜间').click()");
    chromium.await("document.querySelector('#queue')?.value", "夜间");
    chromium.await("document.querySelector('.empty')?.innerText", "No task matches this filter.");
    chromium.evaluate("document.querySelector('#queue').value = 'default'");
    chromium.evaluate("document.querySelector('form.filter').requestSubmit()");
    chromium.await("document.querySelector('tbody th a')?.textContent", "of default");
    assertThat(chromium.complaints()).isEmpty();
  }

  @Test
  void seven_tabs_load_since_only_the_one_in_sight_is_live() {
    f.submit("", "{}");
    chromium.open(f.server.url());
    chromium.await("document.documentElement.dataset.live", "on");
    URI list = URI.create("http://127.0.0.1:" + f.server.port() + "/");
    for (int more = 1; more < 7; more++) {
      chromium.openTab();
      chromium.open(list);
      chromium.await("document.documentElement.dataset.live", "on");
    }
    // a browser that went away is noticed after two beats
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> f.server.livePages() == 1);

    f.submit("", "{}");
    chromium.await("document.querySelectorAll('tbody tr').length + ''", "2");
    assertThat(chromium.evaluateIn(0, "document.querySelectorAll('tbody tr').length + ''"))
        .as("a hidden page")
        .isEqualTo("1");
    chromium.show(0);
    chromium.await("document.documentElement.dataset.live", "on");
    chromium.await("document.querySelectorAll('tbody tr').length + ''", "2");
    f.submit("", "{}");
    chromium.await("document.querySelectorAll('tbody tr').length + ''", "3");
    assertThat(chromium.complaints()).isEmpty();
  }

  @Test
  void a_lost_connection_is_shown() {
    f.submit("", "{}");
    chromium.open(f.server.url());
    chromium.await("document.documentElement.dataset.live", "on");
    f.server.close();
    chromium.await("document.documentElement.dataset.live", "off");
    chromium.await(
        "getComputedStyle(document.querySelector('.connection .off')).display", "inline");
  }

  @Test
  void a_phone_needs_no_scrolling_sideways() {
    f.submit("a-name-without-any-space-that-is-longer-than-a-phone-is-wide-".repeat(3), "{}");
    f.store.queues().create("q".repeat(100));
    f.store.queues().pause("q".repeat(100), "u".repeat(60));
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    f.progress(claim, "n1", 0.25);
    chromium.call(
        "Emulation.setDeviceMetricsOverride",
        java.util.Map.of("width", 360, "height", 740, "deviceScaleFactor", 2, "mobile", true));
    chromium.open(f.server.url());
    chromium.await("document.documentElement.dataset.live", "on");
    for (String path :
        java.util.List.of("/", "/tasks/" + claim.task(), "/queues", "/retry-policies", "/nodes")) {
      chromium.open(URI.create("http://127.0.0.1:" + f.server.port() + path));
      chromium.await("document.readyState + location.pathname", "complete" + path);
      assertThat(chromium.evaluate("document.documentElement.scrollWidth + ''"))
          .as(path)
          .isEqualTo("360");
    }
  }
}
