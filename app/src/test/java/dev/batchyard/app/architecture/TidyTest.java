package dev.batchyard.app.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Keeps the tree tidy. Each test first plants an offender in an empty folder and shows that the
 * rule finds it, then that the rule finds nothing in the repository. The text of an offender is the
 * proof that its rule works, no leftover; paths and hosts are put together here, so that no file
 * names one, this one included.
 */
final class TidyTest {

  private static final SourceTree REPOSITORY = SourceTree.ofThisRepository();

  private static final String MAIN = "web/src/main/java/Page.java";
  private static final String TEST = "web/src/test/java/PageTest.java";

  @TempDir private Path folder;

  private int planted;

  @Test
  void java_files_stay_short() throws IOException {
    rejects(TidyRules::longFiles, MAIN, "// a line\n".repeat(501));
    holds(TidyRules::longFiles);
  }

  @Test
  void work_is_finished() throws IOException {
    rejects(TidyRules::unfinishedWork, MAIN, "// TODO: later");
    rejects(TidyRules::unfinishedWork, "store/src/main/resources/V1.sql", "-- FIXME");
    rejects(TidyRules::unfinishedWork, "batchyard", "# XXX");
    holds(TidyRules::unfinishedWork);
  }

  @Test
  void no_test_is_disabled() throws IOException {
    rejects(TidyRules::disabledTests, TEST, "@Disabled class PageTest {}");
    rejects(TidyRules::disabledTests, TEST, "@Disabled(\"flaky\") class PageTest {}");
    holds(TidyRules::disabledTests);
  }

  @Test
  void no_test_sleeps() throws IOException {
    rejects(TidyRules::sleepingTests, TEST, "Thread.sleep(5);");
    rejects(TidyRules::sleepingTests, TEST, "TimeUnit.SECONDS.sleep(5);");
    holds(TidyRules::sleepingTests);
  }

  @Test
  void names_say_what_a_class_does() throws IOException {
    for (String suffix : List.of("Manager", "Helper", "Util", "Utils", "Impl", "Info")) {
      rejects(TidyRules::vagueNames, MAIN, "final class Task" + suffix + " {}");
    }
    rejects(TidyRules::vagueNames, MAIN, "record TaskInfo(long id) {}");
    holds(TidyRules::vagueNames);
  }

  @Test
  void no_file_names_a_path_of_one_machine() throws IOException {
    rejects(TidyRules::machinePaths, "dev", "cd /%s/main".formatted("work"));
    rejects(TidyRules::machinePaths, "docs/start.md", "see `/%s/ann/tasks`".formatted("home"));
    rejects(TidyRules::machinePaths, "pom.xml", "<jdk>/%s/jdk</jdk>".formatted("root"));
    holds(TidyRules::machinePaths);
  }

  @Test
  void no_file_names_a_registry_of_packages() throws IOException {
    rejects(
        TidyRules::registries,
        "pom.xml",
        "<url>https://%s/m2</url>".formatted(host("repo", "maven", "apache", "org")));
    rejects(
        TidyRules::registries,
        "package.json",
        "https://%s/".formatted(host("registry", "npmjs", "org")));
    rejects(
        TidyRules::registries,
        "README.md",
        "from https://%s/simple".formatted(host("pypi", "org")));
    holds(TidyRules::registries);
  }

  @Test
  void sql_stands_in_the_store_and_in_jdbc_packages() throws IOException {
    rejects(TidyRules::straySql, MAIN, "String a = \"select id from task\";");
    rejects(TidyRules::straySql, MAIN, "String a = \"INSERT INTO task values (1)\";");
    rejects(TidyRules::straySql, MAIN, "String a = \"update task set state = 1\";");
    rejects(TidyRules::straySql, MAIN, "String a = \"delete from task\";");
    rejects(TidyRules::straySql, MAIN, "String a = \"create table t (id int)\";");
    rejects(
        TidyRules::straySql,
        MAIN,
        "char q = '\"'; // \"\nString a =\n\"\"\"\n  with x as (\n\"\"\"");
    holds(TidyRules::straySql);
  }

  @Test
  void links_lead_somewhere() throws IOException {
    rejects(TidyRules::brokenLinks, "docs/start.md", "see [the rest](rest.md#top)");
    rejects(TidyRules::brokenLinks, "docs/guide/start.md", "[rest]: ../rest.md");
    rejects(TidyRules::brokenLinks, "README.zh.md", "![图](docs/图.png)");
    rejects(TidyRules::brokenLinks, "README.md", "<img src=\"docs/page.png\">");
    holds(TidyRules::brokenLinks);
  }

  @Test
  void decisions_are_listed() throws IOException {
    rejects(TidyRules::unlistedDecisions, "docs/adr/001-one-clock.md", "# One clock");
    holds(TidyRules::unlistedDecisions);
  }

  @Test
  void the_glossary_explains_every_state() throws IOException {
    rejects(TidyRules::statesWithoutMeaning, "docs/glossary.md", "*ready*: due");
    holds(TidyRules::statesWithoutMeaning);
  }

  private static String host(String... labels) {
    return String.join(".", labels);
  }

  private void rejects(Function<SourceTree, List<String>> rule, String path, String text)
      throws IOException {
    Path root = folder.resolve(String.valueOf(planted++));
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    assertThat(rule.apply(SourceTree.of(root)))
        .as("a rule must reject what was planted for it in %s: %s", path, text)
        .isNotEmpty()
        .allMatch(finding -> finding.contains(path) && finding.contains("; "));
  }

  private static void holds(Function<SourceTree, List<String>> rule) {
    assertThat(REPOSITORY.files()).isNotEmpty();
    assertThat(rule.apply(REPOSITORY)).isEmpty();
  }
}
