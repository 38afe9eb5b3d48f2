package dev.batchyard.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class HotTablesTest {

  private static final long MIB = 1_048_576;

  @Test
  void tables_are_compared_with_their_live_rows_but_with_no_less_than_a_mebibyte() {
    assertThat(new HotTables.Sizes(12 * MIB, 4 * MIB).ratio()).isEqualTo(3);
    assertThat(new HotTables.Sizes(3 * MIB, 20_000).ratio()).isEqualTo(3);
  }
}
