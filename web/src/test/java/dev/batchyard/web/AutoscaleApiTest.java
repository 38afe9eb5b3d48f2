package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** How many nodes the work asks for, as programs are told. */
@PostgresTest
final class AutoscaleApiTest {

  private WaitFixture f;
  private WebFixture web;
  private ApiClient api;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    web = new WebFixture(test);
    api = new ApiClient(web);
    f = new WaitFixture(test);
  }

  @AfterEach
  void close() {
    api.close();
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
    JsonNode all = api.fine("GET", "/api/autoscale", "");
    assertThat(all.path("desiredNodes").asInt()).isEqualTo(1);
    assertThat(all.path("groups")).hasSize(1);
    assertThat(api.fine("GET", "/api/autoscale?queue=default", "").path("waiting").asInt())
        .isEqualTo(1);
    assertThat(
            api.fine("GET", "/api/autoscale?queue=other&requires=gpu", "")
                .path("desiredNodes")
                .asInt())
        .isZero();
    api.refused(400, "GET", "/api/autoscale?requires=gpu", "", "requires: goes with a queue");
  }
}
