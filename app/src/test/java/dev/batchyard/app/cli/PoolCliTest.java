package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about pools. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PoolCliTest {

  private TestInstallation installation;
  private Terminal terminal;

  @BeforeAll
  void open(@TempDir Path temp) throws Exception {
    installation = TestInstallation.in(temp);
    terminal = installation.terminal();
  }

  @AfterAll
  void close() {
    installation.close();
  }

  private Terminal.Said submit(String... flags) {
    List<String> words =
        new ArrayList<>(
            List.of("submit", "data.import", "-p", "file=rows.csv", "-p", "table=t", "--json"));
    words.addAll(List.of(flags));
    return terminal.run(words.toArray(String[]::new));
  }

  @Test
  void a_pool_is_made_named_by_a_task_changed_shown_and_deleted() {
    submit("--pool", "数据库")
        .refused(Exit.USAGE, "pool '数据库' does not exist", "pool create 数据库' makes it");
    assertThat(terminal.run("pool", "create", "数据库", "--slots", "2").fine().out())
        .contains("pool 数据库 made\n", "2 slots", "by 李雷, 20");
    assertThat(terminal.run("pool", "create", "数据库", "--slots", "3").fine().out())
        .contains("is there already", "2 slots");
    String task = submit("--pool", "数据库=3").fine().document().get("id").asString();
    assertThat(terminal.run("task", task).fine().out())
        .contains(
            "pools       数据库=3\n",
            "waits       Pool 数据库 has 2 in all, and this task needs 3; it starts only once");
    assertThat(terminal.run("pool", "set", "数据库", "--slots", "3").fine().out())
        .contains("pool 数据库 changed\n", "3 slots");
    assertThat(terminal.run("pool", "set", "数据库", "--slots", "3").fine().out())
        .contains("is so already");
    assertThat(terminal.run("task", task).fine().out()).doesNotContain("Pool 数据库");
    JsonNode shown = terminal.run("pool", "show", "数据库", "--json").fine().document();
    assertThat(shown.get("capacity").asLong()).isEqualTo(3);
    assertThat(shown.get("waiting").asLong()).isEqualTo(1);
    assertThat(terminal.run("pool", "show", "数据库").fine().out())
        .contains("no task that runs uses it");
    terminal
        .run("pool", "delete", "数据库")
        .refused(Exit.FAILED, "tasks that have not ended use it, such as task " + task);
    terminal.run("cancel", task).fine();
    assertThat(terminal.run("pool", "delete", "数据库").fine().out()).contains("deleted\n");
    terminal.run("pool", "delete", "数据库").refused(Exit.NOT_FOUND, "'数据库': there is none");
  }

  @Test
  void rates_and_budgets_are_made_and_refilled() {
    assertThat(terminal.run("pool", "create", "api", "--rate", "60/1m").fine().out())
        .contains("60 starts per 1m");
    assertThat(terminal.run("pool", "create", "cny", "--budget", "2000/1d").fine().out())
        .contains("2,000 to spend per 1d", "anew at 20");
    assertThat(terminal.run("pool", "create", "grant", "--budget", "500").fine().out())
        .contains("500 to spend until refilled");
    assertThat(terminal.run("pool", "refill", "grant").fine().out()).contains("is full already");
    assertThat(terminal.run("pool", "list", "--json").fine().documents())
        .extracting(pool -> pool.get("name").asString())
        .contains("api", "cny", "grant");
    terminal
        .run("pool", "set", "api", "--slots", "5")
        .refused(Exit.USAGE, "pool 'api' is rate and cannot become slots");
    terminal.run("pool", "refill", "api").refused(Exit.USAGE, "only a budget is refilled");
  }

  @Test
  void slots_per_key_and_for_a_type_are_made_and_named() {
    assertThat(terminal.run("pool", "create", "客户", "--slots", "1", "--per-key").fine().out())
        .contains("1 slot per key");
    String task = submit("--pool", "客户:甲").fine().document().get("id").asString();
    assertThat(terminal.run("task", task).fine().out()).containsPattern("pools +客户:[0-9a-f]{2}\n");
    submit("--pool", "客户").refused(Exit.USAGE, "pool '客户' is per key", "as 客户:KEY");
    assertThat(
            terminal
                .run("pool", "create", "imports", "--slots", "2", "--type", "data.import")
                .fine()
                .out())
        .contains("2 slots for all of type data.import");
    assertThat(terminal.run("task", task).fine().out()).contains("imports, 客户:");
    submit("--pool", "imports")
        .refused(Exit.USAGE, "counts all tasks of type data.import by itself; leave it out");
    assertThat(terminal.run("pool", "set", "imports", "--slots", "3").fine().out())
        .contains("3 slots for all of type data.import");
    assertThat(terminal.run("pool", "delete", "imports").fine().out()).contains("deleted");
    terminal
        .run("pool", "create", "x", "--rate", "1/1s", "--per-key")
        .refused(Exit.USAGE, "pool 'x': only slots are per key");
    terminal.run("cancel", task).fine();
  }

  @Test
  void wrong_use_names_the_cure() {
    terminal.run("pool", "create", "known", "--slots", "1").fine();
    terminal.run("pool").refused(Exit.USAGE, "a word is missing: create, set, refill, list");
    terminal.run("pool", "create", "x").refused(Exit.USAGE, "--slots");
    terminal.run("pool", "create", "a b", "--slots", "1").refused(Exit.USAGE, "'a b'", "letters");
    terminal
        .run("pool", "create", "x", "--slots", "many")
        .refused(Exit.USAGE, "--slots", "'many' must be a whole number from 0 to 1000000000000");
    terminal
        .run("pool", "create", "x", "--rate", "60")
        .refused(Exit.USAGE, "--rate", "'60' must be a number and a period, such as 60/1m");
    terminal
        .run("pool", "create", "x", "--rate", "60/soon")
        .refused(Exit.USAGE, "--rate", "'soon' is no length of time");
    terminal
        .run("pool", "create", "x", "--rate", "60/1ms")
        .refused(Exit.USAGE, "is not from 100 ms to 366 days");
    terminal.run("pool", "show", "konwn").refused(Exit.NOT_FOUND, "did you mean 'known'?");
    terminal.run("pool", "set", "konwn", "--slots", "1").refused(Exit.NOT_FOUND, "'konwn'");
    submit("--pool", "known=0")
        .refused(Exit.USAGE, "--pool: 0 units of 'known' must be 1 to 1000000000");
    submit("--pool", "known=x").refused(Exit.USAGE, "--pool: 'known=x' must be a name");
    submit("--pool", "known", "--pool", "known=2")
        .refused(Exit.USAGE, "--pool: 'known' is named twice");
  }
}
