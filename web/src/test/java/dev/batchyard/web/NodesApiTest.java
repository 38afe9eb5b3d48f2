package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.NodeViews.Cordoned;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Nodes shown to programs and cordoned by them, over a real connection. */
@PostgresTest
final class NodesApiTest {

  private static final String NODE =
      "/api/nodes?name=" + URLEncoder.encode("节点", StandardCharsets.UTF_8);

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

  private Optional<Cordoned> cordon() {
    return f.store.nodeViews().nodes().stream().findFirst().flatMap(NodeRow::cordon);
  }

  @Test
  void a_node_is_cordoned_drained_and_uncordoned_and_shows_what_it_holds() throws Exception {
    var boot = f.node("节点");
    long held = f.submit("a", "{}");
    assertThat(f.claim(boot, 1)).hasSize(1);

    JsonNode cordoned = api.fine("POST", NODE + "&do=cordon", "");
    assertThat(cordoned.path("cordon").path("by").asString()).isEqualTo("api");
    assertThat(cordoned.path("cordon").path("drains").asBoolean()).isFalse();
    assertThat(cordon()).hasValueSatisfying(row -> assertThat(row.drains()).isFalse());
    long waits = f.submit("b", "{}");
    assertThat(f.claim(boot, 1)).isEmpty();

    JsonNode drained = api.fine("POST", NODE + "&do=drain&end=true", "");
    assertThat(drained.path("cordon").path("ends").asBoolean()).isTrue();
    assertThat(drained.path("tasks")).hasSize(1);
    assertThat(drained.path("tasks").get(0).path("task").asLong()).isEqualTo(held);
    assertThat(api.fine("POST", NODE + "&do=drain&end=true", "").path("cordon"))
        .isEqualTo(drained.path("cordon"));
    assertThat(cordon()).hasValueSatisfying(row -> assertThat(row.ends()).isTrue());
    JsonNode listed = api.fine("GET", "/api/nodes", "");
    assertThat(listed).hasSize(1);
    assertThat(listed.get(0).path("name").asString()).isEqualTo("节点");
    assertThat(listed.get(0).path("host").asString()).isEqualTo(WebFixture.HOST);
    assertThat(listed.get(0).path("held").asLong()).isEqualTo(1);

    assertThat(api.fine("POST", NODE + "&do=uncordon", "").has("cordon")).isFalse();
    assertThat(cordon()).isEmpty();
    assertThat(f.claim(boot, 1)).singleElement().matches(claim -> claim.task() == waits);
    assertThat(api.fine("GET", NODE, "").path("tasks")).hasSize(2);
  }

  @Test
  void what_does_not_fit_is_refused_with_field_value_and_cure_and_changes_nothing()
      throws Exception {
    f.node("节点");
    api.refused(400, "POST", "/api/nodes?do=cordon", "", "name: is missing; say which node");
    api.refused(400, "POST", NODE, "", "do: '' does not fit: it must be cordon, drain or uncordon");
    api.refused(400, "POST", NODE + "&do=stop", "", "do: 'stop' does not fit");
    api.refused(400, "POST", NODE + "&do=cordon&end=true", "", "end: goes with do=drain");
    api.refused(400, "POST", NODE + "&do=drain&end=yes", "", "end: 'yes' does not fit");
    api.refused(
        404, "POST", "/api/nodes?name=none&do=drain", "", "node 'none': none of this name lives");
    api.refused(404, "POST", "/api/nodes?name=none&do=uncordon", "", "GET /api/nodes lists them");
    api.refused(404, "GET", "/api/nodes?name=none", "", "node 'none': none of this name lives");
    api.refused(405, "DELETE", NODE, "", "only GET, POST are taken here");
    assertThat(api.ask("wrong", "POST", NODE + "&do=cordon", "").statusCode()).isEqualTo(401);
    assertThat(cordon()).isEmpty();
  }
}
