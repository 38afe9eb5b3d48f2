package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.NodeViews.Cordoned;
import dev.batchyard.engine.port.NodeViews.NodeRow;
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
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Nodes shown to programs and cordoned by them, over a real connection. */
@PostgresTest
final class NodesApiTest {

  private static final String NODE =
      "/api/nodes?name=" + URLEncoder.encode("节点", StandardCharsets.UTF_8);

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

  private HttpResponse<String> ask(String method, String path, String token)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + f.server.port() + path))
            .method(method, BodyPublishers.noBody())
            .header("Authorization", "Bearer " + token)
            .build(),
        BodyHandlers.ofString());
  }

  private static String token() throws IOException {
    return Files.readString(WebFixture.LINKS.resolve("api-token")).strip();
  }

  private JsonNode fine(String method, String path) throws IOException, InterruptedException {
    HttpResponse<String> answer = ask(method, path, token());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JsonMapper.shared().readTree(answer.body());
  }

  private void refused(int status, String method, String path, String words)
      throws IOException, InterruptedException {
    HttpResponse<String> answer = ask(method, path, token());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(JsonMapper.shared().readTree(answer.body()).path("detail").asString())
        .contains(words);
  }

  private Optional<Cordoned> cordon() {
    return f.store.nodeViews().nodes().stream().findFirst().flatMap(NodeRow::cordon);
  }

  @Test
  void a_node_is_cordoned_drained_and_uncordoned_and_shows_what_it_holds() throws Exception {
    var boot = f.node("节点");
    long held = f.submit("a", "{}");
    assertThat(f.claim(boot, 1)).hasSize(1);

    JsonNode cordoned = fine("POST", NODE + "&do=cordon");
    assertThat(cordoned.path("cordon").path("by").asString()).isEqualTo("api");
    assertThat(cordoned.path("cordon").path("drains").asBoolean()).isFalse();
    assertThat(cordon()).hasValueSatisfying(row -> assertThat(row.drains()).isFalse());
    long waits = f.submit("b", "{}");
    assertThat(f.claim(boot, 1)).isEmpty();

    JsonNode drained = fine("POST", NODE + "&do=drain&end=true");
    assertThat(drained.path("cordon").path("ends").asBoolean()).isTrue();
    assertThat(drained.path("tasks")).hasSize(1);
    assertThat(drained.path("tasks").get(0).path("task").asLong()).isEqualTo(held);
    assertThat(fine("POST", NODE + "&do=drain&end=true").path("cordon"))
        .isEqualTo(drained.path("cordon"));
    assertThat(cordon()).hasValueSatisfying(row -> assertThat(row.ends()).isTrue());
    JsonNode listed = fine("GET", "/api/nodes");
    assertThat(listed).hasSize(1);
    assertThat(listed.get(0).path("name").asString()).isEqualTo("节点");
    assertThat(listed.get(0).path("host").asString()).isEqualTo(WebFixture.HOST);
    assertThat(listed.get(0).path("held").asLong()).isEqualTo(1);

    assertThat(fine("POST", NODE + "&do=uncordon").has("cordon")).isFalse();
    assertThat(cordon()).isEmpty();
    assertThat(f.claim(boot, 1)).singleElement().matches(claim -> claim.task() == waits);
    assertThat(fine("GET", NODE).path("tasks")).hasSize(2);
  }

  @Test
  void what_does_not_fit_is_refused_with_field_value_and_cure_and_changes_nothing()
      throws Exception {
    f.node("节点");
    refused(400, "POST", "/api/nodes?do=cordon", "name: is missing; say which node");
    refused(400, "POST", NODE, "do: '' does not fit: it must be cordon, drain or uncordon");
    refused(400, "POST", NODE + "&do=stop", "do: 'stop' does not fit");
    refused(400, "POST", NODE + "&do=cordon&end=true", "end: goes with do=drain");
    refused(400, "POST", NODE + "&do=drain&end=yes", "end: 'yes' does not fit");
    refused(404, "POST", "/api/nodes?name=none&do=drain", "node 'none': none of this name lives");
    refused(404, "POST", "/api/nodes?name=none&do=uncordon", "GET /api/nodes lists them");
    refused(404, "GET", "/api/nodes?name=none", "node 'none': none of this name lives");
    refused(405, "DELETE", NODE, "only GET, POST are taken here");
    assertThat(ask("POST", NODE + "&do=cordon", "wrong").statusCode()).isEqualTo(401);
    assertThat(cordon()).isEmpty();
  }
}
