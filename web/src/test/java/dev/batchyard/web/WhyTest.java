package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.Limits;
import dev.batchyard.api.Requirement;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import dev.batchyard.web.page.Formats;
import dev.batchyard.web.page.Language;
import dev.batchyard.web.page.WaitText;
import dev.batchyard.web.page.Words;
import java.io.IOException;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Why a task waits, on its page and by the API. */
@PostgresTest
final class WhyTest {

  private WebFixture f;
  private ApiClient api;
  private Browser browser;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WebFixture(test);
    api = new ApiClient(f);
    browser = f.signIn();
  }

  @AfterEach
  void close() {
    api.close();
    browser.close();
    f.close();
  }

  @Test
  void page_and_api_tell_the_same_in_both_languages_and_the_page_leads_to_what_holds_it()
      throws Exception {
    f.store.pools().create(Pool.slots("llm", 1), "ann");
    long holder = submit("llm");
    assertThat(f.claim(f.node("n1"), 1)).hasSize(1);
    long task = submit("llm");
    f.store.queues().pause("default", "<i>李雷</i>");
    f.store.operatorMoves().pause(task, "王小明");

    for (Language language : Language.values()) {
      Words words = Words.in(language);
      List<String> lines =
          new WaitText(words, new Formats(words, ZoneOffset.UTC))
              .lines(f.store.waitReasons().of(task).orElseThrow());
      Document page = browser.page("/tasks/" + task + "?lang=" + language.word());
      assertThat(page.select(".waits").eachText()).isEqualTo(lines).hasSize(3);
      assertThat(page.select(".waits i, .waits b")).as("names are text").isEmpty();
      assertThat(page.select(".waits a").eachAttr("href"))
          .containsExactly("/pools?pool=llm", "/tasks/" + holder);
      JsonNode told = why("task=" + task + "&lang=" + language.word());
      assertThat(told.path("waits").valueStream().map(wait -> wait.path("text").asString()))
          .containsExactlyElementsOf(lines);
    }

    JsonNode told = why("task=" + task);
    assertThat(told.path("task").asLong()).isEqualTo(task);
    assertThat(told.path("state").asString()).isEqualTo("paused");
    assertThat(told.has("earliest")).as("nobody knows").isFalse();
    assertThat(told.path("waits").valueStream().map(wait -> wait.path("reason").asString()))
        .containsExactly("paused", "queue_paused", "pool_full");
    JsonNode pool = told.path("waits").get(2);
    assertThat(pool.path("pool").asString()).isEqualTo("llm");
    assertThat(pool.path("has").asLong()).isEqualTo(1);
    assertThat(pool.path("holders").toString())
        .isEqualTo("{\"named\":[%d],\"more\":0}".formatted(holder));
    assertThat(pool.path("ahead").toString()).isEqualTo("{\"tasks\":0,\"atLeast\":false}");
    assertThat(told.path("waits").get(0).path("since").asString()).endsWith("Z");
  }

  @Test
  void the_api_says_what_is_wrong_with_a_question() throws Exception {
    api.refused(404, "GET", "/api/why?task=99", "", "task 99: there is none");
    api.refused(400, "GET", "/api/why?task=-1", "", "task: '-1' must be the number of a task");
    api.refused(400, "GET", "/api/why", "", "task: '' must be the number of a task, such as");
  }

  private JsonNode why(String query) throws IOException, InterruptedException {
    return api.fine("GET", "/api/why?" + query, "");
  }

  private long submit(String pool) {
    TaskDraft draft =
        new TaskDraft(
            WebFixture.TYPE,
            "{}",
            "",
            "default",
            4,
            Optional.empty(),
            TaskKeys.NONE,
            OptionalLong.empty(),
            "default",
            Limits.NONE,
            Requirement.NONE,
            Map.of(pool, 1));
    return f.store.submissions().submit(List.of(draft)).getFirst().task();
  }
}
