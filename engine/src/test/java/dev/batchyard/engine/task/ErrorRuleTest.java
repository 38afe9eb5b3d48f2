package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorRuleTest {

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b", "A*B", "**", "*A", "a=b", "A.B", "A\n", "A,B"})
  void what_no_exception_is_called_is_refused(String kind) {
    assertThatThrownBy(() -> new ErrorRule.Final(kind))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + kind + "' is no kind of failure");
  }

  @Test
  void a_kind_has_at_most_two_hundred_characters() {
    assertThat(new ErrorRule.Final("x".repeat(200)).matches("x".repeat(200))).isTrue();
    assertThat(new ErrorRule.Final("x".repeat(199) + "*").matches("x".repeat(200))).isTrue();
    assertThatThrownBy(() -> new ErrorRule.Final("x".repeat(201)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new ErrorRule.Final("x".repeat(200) + "*"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_first_delay_is_from_a_millisecond_to_thirty_days() {
    for (Duration wrong : List.of(Duration.ZERO, Duration.ofNanos(999_999), Duration.ofDays(31))) {
      assertThatThrownBy(() -> new ErrorRule.Slow("失败", wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'失败' is not from 1 ms to 30 days");
    }
  }

  @Test
  void a_policy_has_one_rule_for_a_kind_and_at_most_twenty() {
    List<ErrorRule> twenty =
        IntStream.range(0, 20).<ErrorRule>mapToObj(n -> new ErrorRule.Final("E" + n)).toList();
    assertThat(RetryPolicy.DEFAULT.withRules(twenty).rules()).hasSameElementsAs(twenty);
    List<ErrorRule> more =
        IntStream.range(0, 21).<ErrorRule>mapToObj(n -> new ErrorRule.Final("E" + n)).toList();
    assertThatThrownBy(() -> RetryPolicy.DEFAULT.withRules(more))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("21", "at most 20");
    assertThatThrownBy(() ->
            RetryPolicy.DEFAULT.withRules(
                List.of(new ErrorRule.Final("E"), new ErrorRule.Slow("E", Duration.ofSeconds(1)))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("same kind");
  }
}
