package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Tables on a terminal. */
final class TableTest {

  @Test
  void chinese_takes_two_cells_and_marks_take_none() {
    assertThat(Table.width("abc")).isEqualTo(3);
    assertThat(Table.width("任务a")).isEqualTo(5);
    assertThat(Table.width("ｆ")).isEqualTo(2);
    assertThat(Table.width("e\u0301")).isEqualTo(1);
    assertThat(Table.width("𠀀")).isEqualTo(2);
  }

  @Test
  void columns_are_aligned_by_cells() {
    Table table = new Table("名", "b");
    table.add("x", "1");
    table.add("任务", "2");
    assertThat(table.text()).isEqualTo("名    b\nx     1\n任务  2");
  }
}
