package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class QueueTwinCellTest {

  private final Figures figures =
      new Figures(new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8));
  private final List<String> order = new ArrayList<>();
  private final QueueTwinCell cell =
      new QueueTwinCell(
          "snapshot",
          List.of("batchyard", "limit"),
          "held",
          "unheld",
          0.6,
          0.8,
          (lab, system, burdened, warmsUp) -> burdened ? 30 : 40);

  @SuppressWarnings("NullAway") // its drains look at no lab
  private void round() throws Exception {
    cell.round(
        null,
        List.of("limit", "quartz", "batchyard"),
        false,
        (figure, value, unit) -> {
          order.add(figure);
          figures.add(figure, value, unit);
        });
  }

  @Test
  void the_twins_take_turns_in_being_first() throws Exception {
    round();
    round();
    assertThat(order)
        .containsExactly(
            "queue.snapshot.limit.unheld",
            "queue.snapshot.limit.held",
            "queue.snapshot.batchyard.unheld",
            "queue.snapshot.batchyard.held",
            "queue.snapshot.limit.held",
            "queue.snapshot.limit.unheld",
            "queue.snapshot.batchyard.held",
            "queue.snapshot.batchyard.unheld");
  }

  @Test
  void the_bound_is_on_the_burdened_over_the_free() throws Exception {
    round();
    cell.ratios(figures);
    assertThat(cell.bounds()).hasSize(1);
    assertThat(figures.median(cell.bounds().getFirst().figure())).hasValue(0.75);
    assertThat(figures.median("queue.snapshot.limit.ratio_unheld")).hasValue(0.75);
  }
}
