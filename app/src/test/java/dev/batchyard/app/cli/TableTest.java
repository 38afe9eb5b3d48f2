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
  void a_text_is_cut_by_cells_and_never_in_the_middle_of_a_character() {
    assertThat(Table.cut("任务任务", 8)).isEqualTo("任务任务");
    assertThat(Table.cut("任务任务", 7)).isEqualTo("任务任…");
    assertThat(Table.cut("任务任务", 6)).as("half of a character is none").isEqualTo("任务…");
    assertThat(Table.cut("a𠀀𠀀", 4)).isEqualTo("a𠀀…");
    assertThat(Table.cut("eee\u0301\u0301", 3)).isEqualTo("eee\u0301\u0301");
    for (String text : new String[] {"x".repeat(200), "务".repeat(200), "👩‍👩‍👧".repeat(50)}) {
      assertThat(Table.width(Table.cut(text, 40))).isBetween(39, 40);
    }
  }

  @Test
  void a_row_is_one_line_whatever_its_cells_hold() {
    Table table = new Table("a", "b");
    table.add("one\r\ntwo\u001B[31m\u202E", "x\n");
    assertThat(table.text()).isEqualTo("a              b\none⏎two\uFFFD[31m\uFFFD  x");
  }

  @Test
  void columns_are_aligned_by_cells() {
    Table table = new Table("名", "b");
    table.add("x", "1");
    table.add("任务", "2");
    assertThat(table.text()).isEqualTo("名    b\nx     1\n任务  2");
  }
}
