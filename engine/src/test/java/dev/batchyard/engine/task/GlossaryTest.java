package dev.batchyard.engine.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What {@code docs/glossary.md} says of states is what the code says. */
class GlossaryTest {

  private static final Path GLOSSARY = Path.of("..", "docs", "glossary.md");
  private static final String BEGIN = "<!-- transitions -->\n";
  private static final String END = "<!-- /transitions -->";
  private static final String REFRESH =
      "mvn -pl engine -am test -Dtest=GlossaryTest -Dsurefire.failIfNoSpecifiedTests=false"
          + " -Dglossary.refresh=true";

  @Test
  void the_diagram_of_the_glossary_is_made_from_the_transition_table() throws IOException {
    String text = Files.readString(GLOSSARY);
    int from = text.indexOf(BEGIN) + BEGIN.length();
    int to = text.indexOf(END);
    assertThat(text).contains(BEGIN, END);
    assertThat(from).as("the markers are in order").isLessThan(to);
    String expected = "```mermaid\n" + Transitions.diagram() + "```\n";

    if (Boolean.getBoolean("glossary.refresh")) {
      text = text.substring(0, from) + expected + text.substring(to);
      Files.writeString(GLOSSARY, text);
      to = text.indexOf(END);
    }
    assertThat(text.substring(from, to))
        .as("docs/glossary.md does not show the transition table; to write it anew: " + REFRESH)
        .isEqualTo(expected);
  }

  @Test
  void the_glossary_explains_every_state() throws IOException {
    String text = Files.readString(GLOSSARY);
    for (TaskState state : TaskState.values()) {
      assertThat(text).contains("\n| `" + state.word() + "` |");
    }
  }
}
