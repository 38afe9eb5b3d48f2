package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.api.RetryPolicy.Backoff;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.Test;

@PostgresTest
final class RetryPagesTest {

  private static final RetryPolicy NIGHTLY =
      new RetryPolicy(
          "nightly",
          10,
          Backoff.LINEAR,
          Duration.ofMillis(1_500),
          Duration.ofHours(1),
          List.of(
              new ErrorRule.Slow("SocketTimeoutException", Duration.ofMinutes(10)),
              new ErrorRule.Final("非法*")));

  @Test
  void the_policies_are_listed_with_their_rules_in_either_language(TestDatabase test)
      throws SQLException {
    try (WebFixture f = new WebFixture(test);
        Browser browser = f.signIn()) {
      f.store.retryPolicies().create(NIGHTLY);
      Document page = browser.page("/retry-policies");
      assertThat(page.select("header a[aria-current=page]").text()).isEqualTo("Retries");
      assertThat(page.select("tbody tr").eachText())
          .containsExactly(
              "critical 5 by the first delay each time 5 s 5 min none",
              "default 3 twice as long each time 1 s 1 min none",
              "nightly 10 by the first delay each time 1 s 500 ms 1 h"
                  + " SocketTimeoutException from 10 min on 非法* is final");
      Document chinese = browser.page("/retry-policies?lang=zh");
      assertThat(chinese.select("h1").text()).isEqualTo("重试策略");
      assertThat(chinese.select("tbody tr").eachText().getLast())
          .isEqualTo(
              "nightly 10 每次增加首次延迟 1 秒 500 毫秒 1 小时 SocketTimeoutException 从 10 分 起 非法* 不再重试");
      f.store.retryPolicies().remove("nightly");
    }
  }
}
