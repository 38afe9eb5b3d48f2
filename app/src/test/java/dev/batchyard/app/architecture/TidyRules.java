package dev.batchyard.app.architecture;

import dev.batchyard.api.TaskState;
import dev.batchyard.app.architecture.SourceTree.SourceFile;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the text of the tree must keep to. Each finding says where, what, and what to do instead.
 */
final class TidyRules {

  private static final int LINES_MAX = 500;

  private static final Pattern UNFINISHED = Pattern.compile("\\b(FIXME|TODO|XXX)\\b");
  private static final Pattern DISABLED = Pattern.compile("@Disabled\\b");
  private static final Pattern SLEEP =
      Pattern.compile("\\bThread\\s*(\\.|::)\\s*sleep\\b|\\bTimeUnit\\.\\w+\\.sleep\\b");
  private static final Pattern NAME =
      Pattern.compile(
          "\\b(?:class|record|interface|enum)\\s+(\\w+(?:Manager|Helper|Utils?|Impl|Info))\\b");
  private static final Pattern MACHINE_PATH = Pattern.compile("(?<![\\w.~}$-])/(work|home|root)/");
  private static final Pattern REGISTRY =
      Pattern.compile(
          "\\b(repo1?\\.maven\\.(apache\\.)?org|(central|oss|s01\\.oss)\\.sonatype\\.\\w+"
              + "|registry\\.(npmjs|npmmirror|yarnpkg)\\.\\w+|pypi\\.org"
              + "|files\\.pythonhosted\\.org|plugins\\.gradle\\.org|repo\\.spring\\.io|crates\\.io"
              + "|rubygems\\.org|proxy\\.golang\\.org|maven\\.aliyun\\.com|docker\\.io|ghcr\\.io"
              + "|jitpack\\.io)\\b");
  private static final Pattern SQL =
      Pattern.compile(
          "^\\s*(select\\s|insert\\s+into\\s|update\\s+\\S+\\s+(as\\s+)?(\\S+\\s+)?set\\s"
              + "|delete\\s+from\\s|merge\\s+into\\s|truncate\\s"
              + "|(create|drop|alter)\\s+(or\\s+replace\\s+|unique\\s+|temp\\s+|temporary\\s+)?"
              + "(table|index|schema|sequence|function|view|type|role|database|trigger)\\s"
              + "|with\\s+(recursive\\s+)?\\w+\\s+(\\([^)]*\\)\\s+)?as\\s+(not\\s+|materialized\\s+)*\\("
              + "|(set\\s+local|copy\\s+\\S+.*\\sfrom|lock\\s+table|listen|notify)\\s)",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern LINK =
      Pattern.compile(
          "\\]\\(\\s*<?([^)\\s>]+)>?(?:\\s+[\"'][^)]*)?\\)"
              + "|^\\s{0,3}\\[[^\\]]+\\]:\\s*(\\S+)"
              + "|\\b(?:href|src)=\"([^\"]+)\"");
  private static final Pattern FOREIGN = Pattern.compile("^([a-zA-Z][a-zA-Z0-9+.-]*:|//|#).*");
  private static final Pattern DECISION = Pattern.compile("docs/adr/\\d{3,4}-.*\\.md");

  private TidyRules() {}

  static List<String> longFiles(SourceTree tree) {
    return tree.matching(SourceFile::isJava)
        .filter(file -> file.text().lines().count() > LINES_MAX)
        .map(file ->
            "%s: %d lines, at most %d; move what is a thing of its own into its own class"
                .formatted(file.path(), file.text().lines().count(), LINES_MAX))
        .toList();
  }

  static List<String> unfinishedWork(SourceTree tree) {
    return lines(
        tree,
        file -> !file.isMarkdown() && !file.path().endsWith(".csv"),
        UNFINISHED,
        "finish it, or open an issue and say here why the code is as it is");
  }

  static List<String> disabledTests(SourceTree tree) {
    return lines(tree, SourceFile::isJava, DISABLED, "mend the test or delete it");
  }

  static List<String> sleepingTests(SourceTree tree) {
    return lines(
        tree,
        file -> file.isJava() && file.isTest(),
        SLEEP,
        "call runOnce(), advance the clock, or await a condition with Awaitility");
  }

  static List<String> vagueNames(SourceTree tree) {
    return lines(
        tree,
        SourceFile::isJava,
        NAME,
        "name it after what it does or holds (Claimer, Trees, PgClaims)");
  }

  static List<String> machinePaths(SourceTree tree) {
    return allLines(
        tree,
        file -> true,
        MACHINE_PATH,
        "a path of one machine; use a path from the repository root, or a setting");
  }

  static List<String> registries(SourceTree tree) {
    return allLines(
        tree,
        file -> true,
        REGISTRY,
        "where packages come from is set on each machine; name the package alone");
  }

  static List<String> straySql(SourceTree tree) {
    return tree.matching(file -> file.isJava() && !file.isTest() && !mayHoldSql(file.path()))
        .flatMap(file ->
            JavaLiterals.of(file.text()).stream()
                .filter(literal -> SQL.matcher(literal.text()).find())
                .map(literal ->
                    "%s:%d: SQL; move the method that runs it to store (our schema) or to a"
                            .formatted(file.path(), literal.line())
                        + " package ending in .jdbc (a database of the user)"))
        .toList();
  }

  static List<String> brokenLinks(SourceTree tree) {
    List<String> found = new ArrayList<>();
    tree.matching(TidyRules::isRead).forEach(page -> found.addAll(brokenLinks(tree, page)));
    return found;
  }

  static List<String> unlistedDecisions(SourceTree tree) {
    String index = tree.at("docs/adr/README.md").map(SourceFile::text).orElse("");
    return tree.matching(file -> DECISION.matcher(file.path()).matches())
        .filter(file -> !index.contains("](" + file.name() + ")"))
        .map(file ->
            "%s: not in docs/adr/README.md; add a line with a link to it".formatted(file.path()))
        .toList();
  }

  static List<String> statesWithoutMeaning(SourceTree tree) {
    return tree.at("docs/glossary.md").stream()
        .flatMap(glossary ->
            Arrays.stream(TaskState.values())
                .map(TaskState::word)
                .filter(word ->
                    !Pattern.compile("\\b" + word + "\\b", Pattern.CASE_INSENSITIVE)
                        .matcher(glossary.text())
                        .find()))
        .map(word ->
            "docs/glossary.md: the state '%s' is missing; say there what it means".formatted(word))
        .toList();
  }

  private static List<String> brokenLinks(SourceTree tree, SourceFile page) {
    List<String> found = new ArrayList<>();
    boolean fenced = false;
    int number = 0;
    for (String line : page.text().lines().toList()) {
      number++;
      if (line.strip().startsWith("```")) {
        fenced = !fenced;
      }
      Matcher link = LINK.matcher(fenced ? "" : line.replaceAll("`[^`]*`", ""));
      while (link.find()) {
        String target =
            Stream.of(1, 2, 3).map(link::group).filter(g -> g != null).findFirst().orElseThrow();
        if (!FOREIGN.matcher(target).matches() && !resolves(tree, page, target)) {
          found.add(
              "%s:%d: the link %s leads nowhere; give the path of a file from this page's folder"
                  .formatted(page.path(), number, target));
        }
      }
    }
    return found;
  }

  private static boolean resolves(SourceTree tree, SourceFile page, String target) {
    if (target.startsWith("/")) {
      return false;
    }
    String bare = URLDecoder.decode(target.replaceAll("[#?].*", ""), StandardCharsets.UTF_8);
    String path =
        Path.of(page.path()).resolveSibling(bare).normalize().toString().replace('\\', '/');
    return path.isEmpty() || tree.holds(path);
  }

  private static boolean isRead(SourceFile file) {
    return file.isMarkdown()
        && (file.path().startsWith("docs/") || file.name().startsWith("README"));
  }

  private static boolean mayHoldSql(String path) {
    return path.startsWith("store/") || path.startsWith("bench/") || path.contains("/jdbc/");
  }

  /** All but the rules, which have to name what they forbid. */
  private static List<String> lines(
      SourceTree tree, Predicate<SourceFile> files, Pattern banned, String instead) {
    return allLines(tree, files.and(Predicate.not(SourceFile::isRule)), banned, instead);
  }

  private static List<String> allLines(
      SourceTree tree, Predicate<SourceFile> files, Pattern banned, String instead) {
    List<String> found = new ArrayList<>();
    tree.matching(files)
        .forEach(file -> {
          int number = 0;
          for (String line : file.text().lines().toList()) {
            number++;
            Matcher match = banned.matcher(line);
            if (match.find()) {
              found.add("%s:%d: %s; %s".formatted(file.path(), number, match.group(), instead));
            }
          }
        });
    return found;
  }
}
