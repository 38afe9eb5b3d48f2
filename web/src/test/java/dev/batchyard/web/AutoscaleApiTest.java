package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How many nodes the work asks for, as programs are told. */
@PostgresTest
final class AutoscaleApiTest {

  private final HttpClient client = HttpClient.newHttpClient();
  private WaitFixture f;
  private WebFixture web;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    web = new WebFixture(test);
    f = new WaitFixture(test);
  }

  @AfterEach
  void close() {
    client.shutdownNow();
    client.close();
    f.close();
    web.close();
  }

  @Test
  void what_waits_is_told_by_queue_and_requirement_and_what_no_node_could_start_apart()
      throws Exception {
    f.submit();
    f.claimOne();
    f.submit();
    var _ = f.store.queues().create("夜间");
    f.submit(WaitFixture.in("夜间"));
    var _ = f.store.queues().pause("夜间", "kim");
    assertThat(f.store.pools().create(Pool.slots("full", 0), "kim")).isEqualTo(Change.DONE);
    f.submit(WaitFixture.using(Map.of("full", 1)));
    f.submit(WaitFixture.requiring("gpu=a100"));
    f.now = f.now.plus(Duration.ofSeconds(7));

    assertThat(f.store.demands().all())
        .returns(2L, all -> all.waiting())
        .returns(2L, all -> all.held())
        .returns(1L, all -> all.running())
        .returns(1, all -> all.nodes())
        .returns(Duration.ofSeconds(7), all -> all.oldest())
        .returns(1, all -> all.desiredNodes());
    assertThat(f.store.demands().list())
        .extracting(g -> g.queue() + "/" + g.requires() + " " + g.waiting() + " " + g.nodes())
        .containsExactlyInAnyOrder("default/ 1 1", "default/gpu=a100 1 0", "夜间/ 0 1");
  }

  @Test
  void a_scaler_reads_one_number_at_a_path_that_stays() throws Exception {
    var _ = web.submit("a", "{}");
    JsonNode all = ask("/api/autoscale", 200);
    assertThat(all.path("desiredNodes").asInt()).isEqualTo(1);
    assertThat(all.path("groups")).hasSize(1);
    assertThat(ask("/api/autoscale?queue=default", 200).path("waiting").asInt()).isEqualTo(1);
    assertThat(ask("/api/autoscale?queue=other&requires=gpu", 200).path("desiredNodes").asInt())
        .isZero();
    assertThat(ask("/api/autoscale?requires=gpu", 400).path("detail").asString())
        .contains("requires: goes with a queue");
  }

  private JsonNode ask(String path, int status) throws IOException, InterruptedException {
    String token = Files.readString(WebFixture.LINKS.resolve("api-token")).strip();
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + web.server.port() + path))
                .header("Authorization", "Bearer " + token)
                .build(),
            BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return JsonMapper.shared().readTree(answer.body());
  }
}
