package dev.batchyard.engine.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.Requirement;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequirementTest {

  private static final NodeTraits NODE =
      new NodeTraits(
          new Capacity(4, 8_192, 102_400),
          new TreeSet<>(List.of("gpu=a100", "区=东", "ssd")),
          new TreeSet<>());

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "|true",
        "gpu=a100|true",
        "gpu|true",
        "gpu=t4|false",
        "gp|false",
        "区=东,ssd|true",
        "区=西|false",
        "ssd=fast|false",
        "cores=4|true",
        "cores=5|false",
        "memory=8GiB|true",
        "memory=8193MiB|false",
        "disk=100GiB|true",
        "disk=1TiB|false",
        "gpu,cores=4,memory=8G,disk=1g|true",
        "gpu,cores=4,memory=9G|false",
      })
  void a_node_meets_what_it_has(String text, boolean met) {
    assertThat(NODE.meets(Requirement.parse(text == null ? "" : text))).isEqualTo(met);
  }

  @Test
  void however_it_is_written_equal_ones_have_one_text() {
    assertThat(Requirement.parse(" memory=8192 MiB, b,cores=4, a=1").text())
        .isEqualTo(Requirement.parse("a=1,b,cores=4,memory=8gib").text())
        .isEqualTo("a=1,b,cores=4,memory=8GiB");
    assertThat(Requirement.parse("disk=1500MiB").text()).isEqualTo("disk=1500MiB");
    assertThat(Requirement.parse(" ")).isEqualTo(Requirement.NONE);
    assertThat(Requirement.parse("cores=0").text()).isEmpty();
    for (String text : List.of("a=1,区=东,cores=4,memory=3MiB,disk=2GiB", "memory=1048576TiB")) {
      Requirement read = Requirement.parse(text);
      assertThat(Requirement.parse(read.text())).isEqualTo(read);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "cores|cores= must be a whole number, such as cores=4",
        "cores=four|cores=four must be a whole number",
        "cores=99999|cores of 99999 is not from 0 to 10000",
        "memory=8|memory=8 must be a whole number and a unit (MiB, GiB, TiB), such as memory=8GiB",
        "disk=1.5GiB|disk=1.5GiB must be a whole number and a unit",
        "memory=999999999999TiB|memory of",
        "cores=1,cores=2|cores is there twice; keep one",
        "gpu,gpu=a|'gpu=a': the key is there twice; keep one",
        "gpu,,x|'' is no label; write key or key=value",
      })
  void what_cannot_be_is_refused_with_the_cure(String text, String problem) {
    assertThatThrownBy(() -> Requirement.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("requires: ")
        .hasMessageContaining(problem);
  }
}
