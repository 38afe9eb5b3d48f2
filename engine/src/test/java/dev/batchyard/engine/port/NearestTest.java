package dev.batchyard.engine.port;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NearestTest {

  private static final List<String> KNOWN = List.of("file", "port", "slots", "delimiter");

  @ParameterizedTest
  @CsvSource({
    "prot, port", // two letters swapped count once
    "fiel, file",
    "FILE, file",
    "solts, slots",
    "slot, slots",
    "delimeter, delimiter",
    "edlimtier, delimiter",
  })
  void a_slip_of_the_fingers_is_understood(String written, String meant) {
    assertThat(Nearest.to(written, KNOWN)).contains(meant);
  }

  @Test
  void what_is_like_none_has_none() {
    assertThat(Nearest.to("colour", KNOWN)).isEmpty();
    assertThat(Nearest.to("tropp", KNOWN)).as("three edits of four letters").isEmpty();
    assertThat(Nearest.to("", KNOWN)).isEmpty();
    assertThat(Nearest.to("file", List.of())).isEmpty();
  }
}
