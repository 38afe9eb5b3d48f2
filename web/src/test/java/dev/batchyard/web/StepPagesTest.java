package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.task.Failure;
import dev.batchyard.engine.task.Verdict;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@PostgresTest
final class StepPagesTest {

  private static final String MARKUP = "<b>座位</b>";
  private static final Verdict FAIL = new Verdict.Fail(new Failure("Bad", "no answer", ""));

  private WebFixture f;
  private Browser browser;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WebFixture(test);
    browser = f.signIn();
  }

  @AfterEach
  void close() {
    browser.close();
    f.close();
  }

  @Test
  void a_task_shows_its_steps_and_the_undo_that_needs_a_person() {
    UUID boot = f.node("n1");
    long task = f.submit("trip", "{}");
    String sheet = "/tasks/" + task;
    Claim trip = f.claim(boot, 1).getFirst();
    begin(trip, "room");
    f.store.steps().done(lease(trip), "room", "{}");
    begin(trip, MARKUP);
    assertThat(browser.page(sheet).select(".compensation")).as("it runs").isEmpty();
    f.finish(trip, "n1", FAIL);
    assertThat(browser.page(sheet).select(".compensation").text())
        .startsWith("being undone “" + MARKUP + "” is at its turn: Task ");
    Claim undo = f.claim(boot, 1).getFirst();
    f.finish(undo, "n1", FAIL);

    Document page = browser.page(sheet);
    assertThat(page.select("section[aria-labelledby=steps] tbody tr")).hasSize(2);
    assertThat(page.select("section[aria-labelledby=steps] tbody th").eachText())
        .containsExactly("room", MARKUP);
    assertThat(page.select("section[aria-labelledby=steps] tbody").text())
        .contains("not recorded", "blocked", "failed");
    assertThat(page.select(".compensation[role=alert]").text())
        .contains("needs a person", "could not be undone by Task " + undo.task(), "no answer")
        .endsWith("./batchyard rerun " + undo.task());
    assertThat(page.select(".compensation a").attr("href")).isEqualTo("/tasks/" + undo.task());
    Document of = browser.page("/tasks/" + undo.task());
    assertThat(of.select(".undoes").text())
        .isEqualTo("It undoes step “" + MARKUP + "” of Task " + task);
    assertThat(of.select(".undoes a").attr("href")).isEqualTo(sheet);

    assertThat(browser.page(sheet + "?lang=zh").select(".compensation").text())
        .contains("需人工处理", "未能撤销");
    assertThat(browser.page(sheet).select("h2#steps").text()).isEqualTo("步骤");
  }

  @Test
  void the_list_holds_what_is_not_undone_and_nothing_else() throws SQLException {
    assertThat(browser.page("/compensations").select(".empty").text())
        .contains("none needs a person");
    UUID boot = f.node("n1");
    long task = f.submit("trip", "{}");
    Claim trip = f.claim(boot, 1).getFirst();
    begin(trip, MARKUP);
    f.finish(trip, "n1", FAIL);
    Claim undo = f.claim(boot, 1).getFirst();
    f.finish(undo, "n1", FAIL);

    Document page = browser.page("/compensations");
    assertThat(page.select("header a[aria-current=page]").text()).isEqualTo("Undoing");
    assertThat(page.select("main").attr("sse-connect")).isEqualTo("/live/compensations");
    assertThat(page.select("tbody tr").text())
        .startsWith(task + " trip needs a person")
        .endsWith(MARKUP + " " + undo.task() + " failed no answer");
    assertThat(page.select("tbody th a").attr("href")).isEqualTo("/tasks/" + task + "#steps");
    assertThat(browser.page("/compensations?before=" + task).select(".empty").text())
        .isEqualTo("No older ones.");
    assertThat(browser.page("/compensations?lang=zh").select("tbody .needs_person").text())
        .isEqualTo("需人工处理");
    assertThat(browser.get("/compensations?before=x").statusCode()).isEqualTo(400);

    f.sql("update outcome set state = 'completed' where id = " + undo.task());
    f.sql("select undo_ended(array[%d]::bigint[], null)".formatted(undo.task()));
    assertThat(browser.page("/compensations?lang=en").select("tbody tr")).isEmpty();
  }

  @Test
  void a_task_without_steps_says_nothing_of_them() {
    long task = f.submit("plain", "{}");
    assertThat(browser.page("/tasks/" + task).select("#steps")).isEmpty();
  }

  private void begin(Claim claim, String name) {
    Steps.Undo undo = new Steps.Undo(WebFixture.TYPE, "{}", "default");
    assertThat(f.store.steps().begin(lease(claim), new Steps.Draft(name, Optional.of(undo)), false))
        .isEqualTo(new Steps.Found.Started());
  }

  private static LeaseToken lease(Claim claim) {
    return new LeaseToken(claim.task(), claim.counters().attempt(), claim.token());
  }
}
