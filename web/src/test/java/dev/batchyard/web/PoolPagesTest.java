package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The pages about pools. */
@PostgresTest
final class PoolPagesTest {

  private static final String MODEL = "tbody tr:has(th:contains(语言模型))";

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

  private long submit(String label, Map<String, Integer> pools) {
    TaskDraft draft =
        new TaskDraft(
            WebFixture.TYPE,
            "{}",
            label,
            "default",
            4,
            Optional.empty(),
            TaskKeys.NONE,
            OptionalLong.empty(),
            "default",
            Limits.NONE,
            Requirement.NONE,
            pools);
    return f.store.submissions().submit(List.of(draft)).getFirst().task();
  }

  @Test
  void each_pool_shows_what_it_has_and_what_is_used_and_leads_to_its_holders() {
    assertThat(browser.page("/pools").select(".empty").text()).contains("pool create llm");
    f.store.pools().create(Pool.slots("语言模型", 4), "王小明");
    f.store.pools().create(Pool.rate("api", 60, Duration.ofMinutes(1)), "ann");
    f.store
        .pools()
        .create(new Pool("cny", Kind.BUDGET, 2_000, Optional.of(Duration.ofDays(1))), "ann");
    long holder = submit("<b>生成</b>", Map.of("语言模型", 3));
    List<Claim> claims = f.claim(f.node("n1"), 5);
    assertThat(claims).extracting(Claim::task).containsExactly(holder);
    long waiting = submit("waits", Map.of("语言模型", 3));

    Document page = browser.page("/pools");
    assertThat(page.select("header a[aria-current=page]").text()).isEqualTo("Pools");
    assertThat(page.select("main").attr("sse-connect")).isEqualTo("/live/pools");
    assertThat(page.select(MODEL).text()).startsWith("语言模型 4 slots 3 1 0 by 王小明,");
    assertThat(page.select(MODEL).select("progress").attr("value")).isEqualTo("0.75");
    assertThat(page.text()).contains("60 starts per 1 min", "2,000 to spend per 1 d", "anew at");

    String address = page.select(MODEL).select("th a").attr("href");
    assertThat(address)
        .isEqualTo("/pools?pool=" + URLEncoder.encode("语言模型", StandardCharsets.UTF_8));
    Document sheet = browser.page(address);
    assertThat(sheet.select("h1").text()).isEqualTo("Pool 语言模型");
    assertThat(sheet.select(".holders tbody tr").text()).startsWith(holder + " <b>生成</b> 3 n1 ");
    assertThat(sheet.select(".holders th a").attr("href")).isEqualTo("/tasks/" + holder);
    assertThat(browser.get("/pools?pool=none").statusCode()).isEqualTo(404);

    Document task = browser.page("/tasks/" + waiting);
    assertThat(task.select(".waits").text())
        .isEqualTo(
            "Pool 语言模型 has 4 slots, of which 3 are in use; this task needs 3. In use by tasks %d. Tasks that come before it: 0."
                .formatted(holder));
    assertThat(task.select("dd a[href^=/pools]").text()).isEqualTo("语言模型");

    Document chinese = browser.page("/pools?lang=zh");
    assertThat(chinese.select("h1").text()).isEqualTo("资源池");
    assertThat(chinese.select(MODEL).text()).contains("4 个名额");
  }
}
