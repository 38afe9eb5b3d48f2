package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Pools set by programs, over a real connection into a real database. */
@PostgresTest
final class PoolsApiTest {

  private static final String MODEL =
      "/api/pools?name=" + URLEncoder.encode("语言模型", StandardCharsets.UTF_8);

  private WebFixture f;
  private ApiClient api;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WebFixture(test);
    api = new ApiClient(f);
  }

  @AfterEach
  void close() {
    api.close();
    f.close();
  }

  @Test
  void a_pool_is_made_changed_named_by_a_task_shown_and_deleted() throws Exception {
    JsonNode made = api.fine("PUT", "/api/pools", "{\"name\":\"语言模型\",\"capacity\":2}");
    assertThat(made.path("kind").asString()).isEqualTo("slots");
    assertThat(made.path("setBy").asString()).isEqualTo("api");
    assertThat(
            api.fine("PUT", "/api/pools", "{\"name\":\"语言模型\",\"kind\":\"slots\",\"capacity\":4}")
                .path("capacity")
                .asLong())
        .isEqualTo(4);
    long task =
        api.fine(
                "POST",
                "/api/tasks",
                "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"语言模型\":3}}")
            .path("task")
            .asLong();
    f.claim(f.node("n1"), 1);

    JsonNode shown = api.fine("GET", MODEL, "");
    assertThat(shown.path("used").asLong()).isEqualTo(3);
    assertThat(shown.path("holders").get(0).path("task").asLong()).isEqualTo(task);
    assertThat(api.fine("GET", "/api/pools", "").get(0).path("name").asString()).isEqualTo("语言模型");
    api.refused(409, "DELETE", MODEL, "", "such as task " + task);
    api.refused(400, "POST", MODEL, "", "only a budget is refilled");
    f.store.pools().create(Pool.slots("b", 1), "ann");
    assertThat(api.ask("DELETE", "/api/pools?name=b", "").statusCode()).isEqualTo(204);
    api.refused(404, "DELETE", "/api/pools?name=b", "", "pool 'b': there is none");
    api.refused(404, "GET", "/api/pools?name=b", "", "pool 'b': there is none");
  }

  @Test
  void a_rate_or_a_budget_has_a_period() throws Exception {
    api.fine(
        "PUT",
        "/api/pools",
        "{\"name\":\"api\",\"kind\":\"rate\",\"capacity\":60,\"period\":\"PT1M\"}");
    api.fine("PUT", "/api/pools", "{\"name\":\"cny\",\"kind\":\"budget\",\"capacity\":60}");
    assertThat(api.fine("POST", "/api/pools?name=cny", "").path("used").asLong()).isZero();
    assertThat(f.store.pools().find("api").orElseThrow().pool().period().orElseThrow())
        .hasMinutes(1);
  }

  @Test
  void what_does_not_fit_is_refused_with_field_value_and_cure() throws Exception {
    api.refused(
        400,
        "PUT",
        "/api/pools",
        "[]",
        "must be a JSON object with capacity, kind, name, perKey, period, type");
    api.refused(400, "PUT", "/api/pools", "{", "is no JSON");
    api.refused(400, "PUT", "/api/pools", "{\"name\":\"a\"}", "capacity: is missing");
    api.refused(
        400,
        "PUT",
        "/api/pools",
        "{\"name\":\"a\",\"capacity\":\"x\"}",
        "capacity: 'x' does not fit: it must be a whole number");
    api.refused(
        400,
        "PUT",
        "/api/pools",
        "{\"name\":\"a\",\"capacity\":1,\"size\":2}",
        "size: is unknown; known: capacity, kind, name, perKey, period, type");
    api.refused(
        400,
        "PUT",
        "/api/pools",
        "{\"name\":\"a\",\"capacity\":1,\"kind\":\"slot\"}",
        "kind: 'slot' does not fit: it must be slots, rate or budget");
    api.refused(
        400, "PUT", "/api/pools", "{\"name\":\"a b\",\"capacity\":1}", "pool 'a b': a name has");
    api.refused(405, "PATCH", "/api/pools", "{}", "only GET, PUT, POST, DELETE are taken here");
    api.refused(
        400,
        "POST",
        "/api/tasks",
        "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"none\":1}}",
        "pools: pool 'none' does not exist; there is none yet");
    api.refused(
        400,
        "POST",
        "/api/tasks",
        "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"a\":\"1\"}}",
        "pools: '1' does not fit: it must be a whole number from 1 to 1000000000");
    api.refused(
        400,
        "POST",
        "/api/tasks",
        "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"a\":0}}",
        "pools: 0 units of 'a' must be 1 to 1000000000");
  }
}
