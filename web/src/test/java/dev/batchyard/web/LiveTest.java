package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.LogLines.Line;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@PostgresTest
@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class LiveTest {

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
  void the_list_pushes_what_changes_and_only_that() throws IOException {
    f.submit("one", "{}");
    try (Events events = events("/live/tasks")) {
      assertThat(events.next("counts").text()).isEqualTo("all 1 ready 1");
      assertThat(events.next("rows").select(".badge").text()).isEqualTo("ready");

      Claim claim = f.claim(f.node("n1"), 1).getFirst();
      f.progress(claim, "n1", 0.5);
      assertThat(events.until("rows", "running").select("progress").attr("value")).isEqualTo("500");
      f.progress(claim, "n1", 0.75);
      assertThat(events.until("rows", "75%").select("progress").attr("value")).isEqualTo("750");
      assertThat(events.seen()).as("counts changed once").containsOnlyOnce("counts: all running");
    }
  }

  @Test
  void one_task_pushes_its_log_and_its_end() throws IOException {
    long task = f.submit("", "{}");
    Claim claim = f.claim(f.node("n1"), 1).getFirst();
    try (Events events = events("/live/tasks/" + task)) {
      assertThat(events.next("head").select(".badge").text()).isEqualTo("running");
      f.store
          .logLines()
          .append(List.of(new Line(0, task, 1, Instant.EPOCH, "info", "a <b>\nsecond line")));
      assertThat(events.until("log", "second").select(".text").text())
          .contains("a <b>", "second line");
      f.finish(claim, "n1", new Verdict.Complete("{}"));
      assertThat(events.until("history", "completed").select("tbody tr")).hasSize(3);
    }
    assertThat(browser.get("/live/tasks/" + (task + 1)).statusCode()).isEqualTo(404);
  }

  @Test
  void a_waiting_task_pushes_why_it_waits() throws IOException {
    f.node("n1");
    long task = f.submit("", "{}");
    try (Events events = events("/live/tasks/" + task)) {
      assertThat(events.next("head").select(".waits").text()).startsWith("Nothing holds it:");
      f.store.queues().pause("default", "王小明");
      assertThat(events.until("head", "王小明").select(".waits.warning").text())
          .startsWith("Queue default is paused, by 王小明 since ");
      f.store.operatorMoves().pause(task, "ann");
      assertThat(events.until("head", "by ann").select(".waits").eachText())
          .hasSize(3)
          .anyMatch(line -> line.startsWith("It is paused, by ann since "));
    }
  }

  @Test
  void a_batch_pushes_its_counts() throws IOException {
    long batch = f.store.batches().open("", Optional.empty()).batch();
    f.join(batch, 1);
    try (Events events = events("/live/batches/" + batch);
        Events list = events("/live/batches")) {
      assertThat(events.next("head").select(".title .badge").text()).isEqualTo("open");
      assertThat(list.next("rows").select("tbody .badge").text()).isEqualTo("open");
      f.store.batches().seal(batch);
      f.finish(f.claim(f.node("n1"), 1).getFirst(), "n1", new Verdict.Complete("{}"));
      assertThat(events.until("head", "Sealed, and all").text()).contains("completed 1");
      assertThat(list.until("rows", "ended").select("tbody tr")).hasSize(1);
    }
    assertThat(browser.get("/live/batches/" + (batch + 1)).statusCode()).isEqualTo(404);
  }

  @Test
  void the_queues_push_what_waits_and_who_paused() throws IOException {
    try (Events events = events("/live/queues")) {
      assertThat(events.next("rows").select("tbody tr").text()).startsWith("default 0 0 0");
      f.submit("", "{}");
      assertThat(events.until("rows", "default 1 0 0").select(".badge")).isEmpty();
      f.store.queues().pause("default", "王小明");
      assertThat(events.until("rows", "王小明").select(".badge").text()).isEqualTo("paused");
    }
  }

  @Test
  void a_store_that_is_away_is_told_and_the_pages_recover_by_themselves() throws IOException {
    f.submit("", "{}");
    try (Events events = events("/live/tasks")) {
      assertThat(events.next("rows").select("tbody tr")).hasSize(1);
      f.views.cut(true);
      assertThat(events.until("status", "does not answer").select(".warning")).hasSize(1);
      HttpResponse<String> answer = browser.get("/");
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(Jsoup.parse(answer.body()).select("meta[http-equiv=refresh]").attr("content"))
          .isEqualTo("5");

      f.views.cut(false);
      assertThat(events.next("status").text()).isEmpty();
      f.submit("", "{}");
      assertThat(events.next("rows").select("tbody tr")).hasSize(2);
      assertThat(browser.get("/").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void live_pages_are_limited_share_their_reads_and_end_when_the_browser_goes() throws IOException {
    f.submit("", "{}");
    List<Events> open = new ArrayList<>();
    try {
      long began = System.nanoTime();
      int before = f.views.lists.get();
      for (int i = 0; i < 64; i++) {
        open.add(events("/live/tasks"));
      }
      assertThat(browser.get("/live/tasks").statusCode()).isEqualTo(503);
      for (Events events : open) {
        assertThat(events.next("rows").select("tbody tr")).hasSize(1);
      }
      long passed = Duration.ofNanos(System.nanoTime() - began).toSeconds();
      assertThat(f.views.lists.get() - before).as("one read a second").isLessThan((int) passed + 3);
    } finally {
      for (Events events : open) {
        events.close();
      }
    }
    await().atMost(Duration.ofSeconds(20)).until(() -> f.server.livePages() == 0);
    try (Events events = events("/live/nodes")) {
      assertThat(events.next("nodes").text()).contains("No node lives");
    }
  }

  @Test
  void closing_the_server_ends_live_pages() throws IOException {
    try (Events events = events("/live/tasks")) {
      events.next("rows");
      f.server.close();
      assertThat(events.ends()).isTrue();
    }
  }

  private Events events(String path) {
    HttpResponse<InputStream> answer = browser.stream(path);
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type").orElseThrow())
        .startsWith("text/event-stream");
    return new Events(answer.body());
  }

  /** Reads a stream of events. */
  private static final class Events implements AutoCloseable {
    private final BufferedReader in;
    private final StringBuilder seen = new StringBuilder();

    Events(InputStream body) {
      in = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    /** The next event of that name. */
    Document next(String name) throws IOException {
      return until(name, "");
    }

    /** The next event of that name which says this. */
    Document until(String name, String text) throws IOException {
      while (true) {
        String event = "";
        StringBuilder data = new StringBuilder();
        for (String line = line(); !line.isEmpty(); line = line()) {
          if (line.startsWith("event: ")) {
            event = line.substring("event: ".length());
          } else if (line.startsWith("data: ")) {
            data.append(line.substring("data: ".length())).append('\n');
          }
        }
        Document html = Jsoup.parse(data.toString());
        seen.append(event).append(": ");
        html.select(".badge").forEach(badge -> seen.append(badge.text()).append(' '));
        seen.append('\n');
        if (event.equals(name) && html.text().contains(text)) {
          return html;
        }
      }
    }

    /** Which events came, with the badges in them. */
    String seen() {
      return seen.toString();
    }

    boolean ends() {
      try {
        while (in.readLine() != null) {
          // what was on its way
        }
        return true;
      } catch (IOException e) {
        return true; // cut off
      }
    }

    private String line() throws IOException {
      String line = in.readLine();
      if (line == null) {
        throw new IOException("the stream ended; seen: " + seen);
      }
      return line;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
