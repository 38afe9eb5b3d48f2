package dev.batchyard.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs commands on one data folder as a script would. */
final class Terminal {

  private static final JsonMapper JSON = JsonMapper.shared();

  private final Path data;
  private final Path folder;
  private Map<String, String> environment = Map.of();

  Terminal(Path data, Path folder) {
    this.data = data;
    this.folder = folder;
  }

  /** What came of a command. */
  record Said(int exit, String out, String err) {

    /** It went well. */
    Said fine() {
      assertThat(err).isEmpty();
      assertThat(exit).isZero();
      return this;
    }

    /** It ended with this code and one line of error, which holds each of these texts. */
    Said refused(Exit expected, CharSequence... texts) {
      assertThat(err.lines()).as(err).hasSize(1);
      assertThat(err).startsWith("batchyard: ").contains(texts);
      assertThat(exit).isEqualTo(expected.code());
      return this;
    }

    List<JsonNode> documents() {
      return out.lines().map(JSON::readTree).toList();
    }

    JsonNode document() {
      assertThat(documents()).hasSize(1);
      return documents().getFirst();
    }
  }

  Terminal with(Map<String, String> variables) {
    Terminal other = new Terminal(data, folder);
    other.environment = variables;
    return other;
  }

  Said run(String... words) {
    return runWithInput("", words);
  }

  Said runWithInput(String input, String... words) {
    List<String> all = new ArrayList<>(List.of("--data", data.toString()));
    all.addAll(List.of(words));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Context context =
        new Context(
            environment,
            folder,
            folder,
            "李雷",
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            ZoneOffset.UTC,
            InstantSource.system(),
            System::nanoTime);
    int exit = new Cli(context).run(all.toArray(String[]::new));
    return new Said(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** Submits an import that nobody runs yet; {@return its id} */
  String submitImport(String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("submit", "data.import", "-p", "file=rows.csv", "-p", "table=rows", "--json"));
    words.addAll(List.of(more));
    return run(words.toArray(String[]::new)).fine().document().get("id").asString();
  }
}
