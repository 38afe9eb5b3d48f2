package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.placement.NodeLoad;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.NodePulse;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands about nodes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class NodeCliTest {

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

  @Test
  void nodes_are_listed_with_their_load_and_what_they_have() {
    try (NodeSession a = node("节点一", "区=东", "gpu=a100");
        NodeSession b = node("b")) {
      NodeLoad load = new NodeLoad(new MachineUse(0.5, 0.25, 0.75), 0.5);
      a.beat(true, 0, NodeSession.Look.NONE, new NodePulse(Optional.of(load), 3));
      b.beat(true, 0, NodeSession.Look.NONE);
      List<String> lines = terminal.run("nodes").fine().out().lines().toList();
      String head = lines.getFirst();
      String chinese = line(lines, "节点一");
      assertThat(chinese)
          .contains("40 %", "50 %", "25 %", "75 %", "3 of 8", "4 cores, 8,192 MiB, 97 GiB")
          .endsWith("gpu=a100,区=东");
      assertThat(Table.width(chinese.substring(0, chinese.indexOf("alive"))))
          .as("columns stand below each other")
          .isEqualTo(head.indexOf("state"));
      assertThat(line(lines, "b ")).contains("alive  -     -", "0 of 8").endsWith("-");

      JsonNode json =
          terminal.run("nodes", "--json").fine().documents().stream()
              .filter(node -> node.get("name").asString().equals("节点一"))
              .findFirst()
              .orElseThrow();
      assertThat(json.get("load").asDouble()).isBetween(0.39, 0.41);
      assertThat(json.get("freeSlots").asInt()).isEqualTo(5);
      assertThat(json.get("memoryMib").asInt()).isEqualTo(8_192);
      assertThat(json.get("labels").toString()).isEqualTo("[\"gpu=a100\",\"区=东\"]");
    }
  }

  @Test
  void a_task_that_no_node_may_run_says_what_is_missing() {
    try (NodeSession _ = node("c", "gpu=t4")) {
      String task =
          submit("--requires", "memory=4096 MiB, gpu=a100,区=东")
              .fine()
              .document()
              .get("id")
              .asString();
      assertThat(terminal.run("task", task).fine().out())
          .contains("requires    gpu=a100,区=东,memory=4GiB\n")
          .contains(
              "waits       No live node that serves data.import in queue default has gpu=a100, 区=东;");
      JsonNode json = terminal.run("task", task, "--json").fine().document();
      assertThat(json.get("requires").asString()).isEqualTo("gpu=a100,区=东,memory=4GiB");
      assertThat(json.get("waits").get(0).get("reason").asString()).isEqualTo("no_eligible_node");
      submit("--requires", "memory=lots")
          .refused(Exit.USAGE, "--requires: memory=lots must be a whole number and a unit");
      terminal.run("cancel", task).fine();
    }
  }

  @Test
  void why_tells_each_reason_in_a_line_in_both_languages_as_the_task_does() {
    try (NodeSession _ = node("节点三")) {
      terminal.run("node", "节点三", "--cordon").fine();
      String task =
          submit("--due", "2h", "--requires", "node=节点三").fine().document().get("id").asString();
      terminal.run("pause", task).fine();
      List<String> lines = terminal.run("why", task).fine().out().lines().toList();
      assertThat(lines).hasSize(3);
      assertThat(lines.get(0)).startsWith("It is paused, by 李雷 since ");
      assertThat(lines.get(1)).startsWith("It is due at ");
      assertThat(lines.get(2))
          .startsWith("Every live node that may run it is cordoned;")
          .contains("节点三 (by 李雷 since ");
      assertThat(terminal.run("task", task).fine().out())
          .contains(lines.stream().map(line -> "waits       " + line + "\n").toList());

      JsonNode json = terminal.run("why", task, "--json").fine().document();
      assertThat(json.get("state").asString()).isEqualTo("paused");
      assertThat(json.get("waits").valueStream().map(wait -> wait.get("text").asString()))
          .containsExactlyElementsOf(lines);
      assertThat(terminal.run("task", task, "--json").fine().document().get("waits"))
          .isEqualTo(json.get("waits"));
      assertThat(terminal.run("why", task, "--lang", "zh").fine().out())
          .contains("它已暂停，暂停者：李雷", "才到期", "已封锁：节点三（封锁者：李雷");
      terminal.run("cancel", task).fine();
      assertThat(terminal.run("why", task).fine().out())
          .startsWith("It ended at ")
          .endsWith(": cancelled.\n");
    }
    terminal.run("why", "99").refused(Exit.NOT_FOUND, "99");
    terminal.run("why", "1", "--lang", "de").refused(Exit.USAGE, "--lang");
  }

  @Test
  void a_node_is_cordoned_drained_and_let_claim_again() {
    try (NodeSession _ = node("节点二")) {
      assertThat(terminal.run("node", "节点二").fine().out())
          .contains("alive", "it holds no task")
          .doesNotContain("cordoned");
      assertThat(terminal.run("node", "节点二", "--cordon").fine().out())
          .contains("node 节点二 cordoned\n", "cordoned by 李雷 since 20", "--uncordon");
      assertThat(terminal.run("node", "节点二", "--cordon").fine().out())
          .contains("is cordoned already");
      assertThat(terminal.run("node", "节点二", "--drain", "--end").fine().out())
          .contains("is being drained\n", "  drains  ", ", to end when it holds nothing;");
      JsonNode json = terminal.run("node", "节点二", "--json").fine().document();
      assertThat(json.get("cordon").get("by").asString()).isEqualTo("李雷");
      assertThat(json.get("cordon").get("ends").asBoolean()).isTrue();
      assertThat(json.get("tasks").isEmpty()).isTrue();
      assertThat(terminal.run("node", "节点二", "--uncordon").fine().out())
          .contains("claims again\n")
          .doesNotContain("cordoned by");
      assertThat(terminal.run("node", "节点二", "--uncordon").fine().out())
          .contains("is not cordoned");
    }
    terminal
        .run("node", "nobody", "--drain")
        .refused(Exit.NOT_FOUND, "node 'nobody': none of this name lives", "nodes' lists them");
    terminal.run("node", "节点二", "--end").refused(Exit.USAGE, "--end goes with --drain");
    terminal.run("node", "节点二", "--drain", "--cordon").refused(Exit.USAGE, "--drain");
  }

  @Test
  void autoscale_tells_how_many_nodes_the_work_asks_for() {
    try (NodeSession _ = node("节点五", "区=东")) {
      String task = submit("--requires", "区=东").fine().document().get("id").asString();
      List<String> lines = terminal.run("autoscale").fine().out().lines().toList();
      assertThat(lines.getFirst()).startsWith("queue").contains("desired nodes");
      assertThat(line(lines, "(all)")).isNotEmpty();
      assertThat(lines).anyMatch(line -> line.startsWith("default") && line.contains("区=东"));
      JsonNode json = terminal.run("autoscale", "--json").fine().document();
      assertThat(json.get("desiredNodes").asInt()).isPositive();
      JsonNode group =
          json.get("groups")
              .valueStream()
              .filter(each -> each.get("requires").asString().equals("区=东"))
              .findFirst()
              .orElseThrow();
      assertThat(group.get("queue").asString()).isEqualTo("default");
      assertThat(group.get("waiting").asLong()).isEqualTo(1);
      assertThat(group.get("nodes").asInt()).isPositive();
      assertThat(group.get("desiredNodes").asInt()).isPositive();
      terminal.run("cancel", task).fine();
    }
  }

  @Test
  void a_broadcast_is_a_batch_of_one_task_for_each_node() {
    submit("--broadcast", "--watch").refused(Exit.USAGE, "--watch: watches one task; leave it out");
    try (NodeSession _ = node("甲");
        NodeSession _ = node("乙")) {
      JsonNode sent = submit("--broadcast").fine().document();
      assertThat(sent.get("tasks").valueStream().map(task -> task.get("node").asString()))
          .contains("甲", "乙");
      sent.get("tasks").forEach(task -> terminal.run("cancel", task.get("task").asString()).fine());
    }
  }

  private Terminal.Said submit(String... flags) {
    return terminal.run(
        Stream.concat(
                Stream.of(
                    "submit", "data.import", "-p", "file=rows.csv", "-p", "table=t", "--json"),
                Stream.of(flags))
            .toArray(String[]::new));
  }

  private static String line(List<String> lines, String start) {
    return lines.stream().filter(line -> line.startsWith(start)).findFirst().orElseThrow();
  }

  private NodeSession node(String name, String... labels) {
    return installation
        .store()
        .sessions()
        .open(
            new NodeRegistration(
                UUID.randomUUID(),
                name,
                "host",
                1,
                "0",
                List.of("data.import"),
                8,
                new NodeTraits(
                    new Capacity(4, 8_192, 100_000),
                    new TreeSet<>(List.of(labels)),
                    new TreeSet<>())));
  }
}
