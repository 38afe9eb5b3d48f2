package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.TaskType;
import dev.batchyard.app.engine.Trip.Desk;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the page about steps shows is code that works. */
@PostgresTest
final class StepsPageTest {

  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Pattern CODE = Pattern.compile("(?s)```java\n(.*?)```");

  @Test
  void the_code_on_the_page_is_that_of_the_example() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "steps.md"));
    String source =
        Files.readString(Path.of("..", "app", "src/test/java/dev/batchyard/app/engine/Trip.java"));
    List<String> shown = CODE.matcher(page).results().map(code -> bare(code.group(1))).toList();
    assertThat(shown).hasSizeGreaterThanOrEqualTo(2);
    assertThat(shown).allSatisfy(code -> assertThat(bare(source)).contains(code));
  }

  @Test
  void a_trip_is_booked_whole(TestDatabase database) throws Exception {
    Desk hotel = new Desk(false);
    Desk railway = new Desk(false);
    Trip trip = new Trip(hotel, railway);
    try (Nodes nodes = new Nodes(database, trip.types().toArray(TaskType<?>[]::new))) {
      nodes.start("a");
      long task = submit(nodes);
      awaitState(nodes, task, TaskState.COMPLETED);
      assertThat(hotel.booked()).containsEntry(task + "-1", "王小明").hasSize(1);
      assertThat(railway.booked()).isEqualTo(hotel.booked());
    }
  }

  @Test
  void without_a_seat_the_room_is_given_back(TestDatabase database) throws Exception {
    Desk hotel = new Desk(false);
    Trip trip = new Trip(hotel, new Desk(true));
    try (Nodes nodes = new Nodes(database, trip.types().toArray(TaskType<?>[]::new))) {
      nodes.start("a");
      long task = submit(nodes);
      awaitState(nodes, task, TaskState.FAILED);
      await()
          .atMost(SOON)
          .until(() ->
              nodes.client().compensations().of(task).compensation().orElseThrow().state()
                  == Compensations.State.UNDONE);
      assertThat(hotel.booked()).isEmpty();
    }
  }

  private static long submit(Nodes nodes) {
    return nodes.submitter().submit(NewTask.of("trip.book", new Trip.Order("王小明"))).task();
  }

  private static void awaitState(Nodes nodes, long task, TaskState state) {
    await()
        .atMost(SOON)
        .until(() -> nodes.client().taskViews().find(task).orElseThrow().row().state() == state);
  }

  private static String bare(String code) {
    return code.replaceAll("\\s+", "");
  }
}
