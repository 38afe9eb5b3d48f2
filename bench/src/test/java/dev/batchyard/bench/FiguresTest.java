package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void a_ratio_is_taken_round_by_round() {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    Figures figures = new Figures(new PrintStream(text, true, StandardCharsets.UTF_8));
    // the machine is twice as slow in the second round: the ratio must not see it
    figures.add("a", 3, "s");
    figures.add("b", 2, "s");
    figures.add("a", 6, "s");
    figures.add("b", 4, "s");
    figures.ratio("a.ratio_b", "a", "b");
    figures.print();
    assertThat(text.toString(StandardCharsets.UTF_8))
        .contains("figure a 4.500 s")
        .contains("figure a.ratio_b 1.500 x")
        .contains("95 % interval 1.500 to 1.500 over 2 rounds");
  }
}
