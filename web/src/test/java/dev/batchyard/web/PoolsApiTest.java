package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Pools set by programs, over a real connection into a real database. */
@PostgresTest
final class PoolsApiTest {

  private static final String MODEL =
      "/api/pools?name=" + URLEncoder.encode("语言模型", StandardCharsets.UTF_8);

  private final HttpClient client = HttpClient.newHttpClient();
  private WebFixture f;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WebFixture(test);
  }

  @AfterEach
  void close() {
    client.shutdownNow();
    client.close();
    f.close();
  }

  private HttpResponse<String> ask(String method, String path, String body)
      throws IOException, InterruptedException {
    String token = Files.readString(WebFixture.LINKS.resolve("api-token")).strip();
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + f.server.port() + path))
            .method(method, BodyPublishers.ofString(body))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .build(),
        BodyHandlers.ofString());
  }

  private static JsonNode fine(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JsonMapper.shared().readTree(answer.body());
  }

  private void refused(int status, String method, String path, String body, String... words)
      throws IOException, InterruptedException {
    HttpResponse<String> answer = ask(method, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(JsonMapper.shared().readTree(answer.body()).path("detail").asString())
        .contains(words);
  }

  @Test
  void a_pool_is_made_changed_named_by_a_task_shown_and_deleted() throws Exception {
    JsonNode made = fine(ask("PUT", "/api/pools", "{\"name\":\"语言模型\",\"capacity\":2}"));
    assertThat(made.path("kind").asString()).isEqualTo("slots");
    assertThat(made.path("setBy").asString()).isEqualTo("api");
    assertThat(
            fine(ask("PUT", "/api/pools", "{\"name\":\"语言模型\",\"kind\":\"slots\",\"capacity\":4}"))
                .path("capacity")
                .asLong())
        .isEqualTo(4);
    long task =
        fine(ask(
                "POST",
                "/api/tasks",
                "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"语言模型\":3}}"))
            .path("task")
            .asLong();
    f.claim(f.node("n1"), 1);

    JsonNode shown = fine(ask("GET", MODEL, ""));
    assertThat(shown.path("used").asLong()).isEqualTo(3);
    assertThat(shown.path("holders").get(0).path("task").asLong()).isEqualTo(task);
    assertThat(fine(ask("GET", "/api/pools", "")).get(0).path("name").asString()).isEqualTo("语言模型");
    refused(409, "DELETE", MODEL, "", "such as task " + task);
    refused(400, "POST", MODEL, "", "only a budget is refilled");
    f.store.pools().create(Pool.slots("b", 1), "ann");
    assertThat(ask("DELETE", "/api/pools?name=b", "").statusCode()).isEqualTo(204);
    refused(404, "DELETE", "/api/pools?name=b", "", "pool 'b': there is none");
    refused(404, "GET", "/api/pools?name=b", "", "pool 'b': there is none");
  }

  @Test
  void a_rate_or_a_budget_has_a_period() throws Exception {
    fine(
        ask(
            "PUT",
            "/api/pools",
            "{\"name\":\"api\",\"kind\":\"rate\",\"capacity\":60,\"period\":\"PT1M\"}"));
    fine(ask("PUT", "/api/pools", "{\"name\":\"cny\",\"kind\":\"budget\",\"capacity\":60}"));
    assertThat(fine(ask("POST", "/api/pools?name=cny", "")).path("used").asLong()).isZero();
    assertThat(f.store.pools().find("api").orElseThrow().pool().period().orElseThrow())
        .hasMinutes(1);
  }

  @Test
  void what_does_not_fit_is_refused_with_field_value_and_cure() throws Exception {
    refused(
        400,
        "PUT",
        "/api/pools",
        "[]",
        "must be a JSON object with capacity, kind, name, perKey, period, type");
    refused(400, "PUT", "/api/pools", "{", "is no JSON");
    refused(400, "PUT", "/api/pools", "{\"name\":\"a\"}", "capacity: is missing");
    refused(
        400,
        "PUT",
        "/api/pools",
        "{\"name\":\"a\",\"capacity\":\"x\"}",
        "capacity: 'x' does not fit: it must be a whole number");
    refused(
        400,
        "PUT",
        "/api/pools",
        "{\"name\":\"a\",\"capacity\":1,\"size\":2}",
        "size: is unknown; known: capacity, kind, name, perKey, period, type");
    refused(
        400,
        "PUT",
        "/api/pools",
        "{\"name\":\"a\",\"capacity\":1,\"kind\":\"slot\"}",
        "kind: 'slot' does not fit: it must be slots, rate or budget");
    refused(
        400, "PUT", "/api/pools", "{\"name\":\"a b\",\"capacity\":1}", "pool 'a b': a name has");
    refused(405, "PATCH", "/api/pools", "{}", "only GET, PUT, POST, DELETE are taken here");
    refused(
        400,
        "POST",
        "/api/tasks",
        "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"none\":1}}",
        "pools: pool 'none' does not exist; there is none yet");
    refused(
        400,
        "POST",
        "/api/tasks",
        "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"a\":\"1\"}}",
        "pools: '1' does not fit: it must be a whole number from 1 to 1000000000");
    refused(
        400,
        "POST",
        "/api/tasks",
        "{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\"},\"pools\":{\"a\":0}}",
        "pools: 0 units of 'a' must be 1 to 1000000000");
  }
}
