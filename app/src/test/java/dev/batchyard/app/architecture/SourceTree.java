package dev.batchyard.app.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The files of the repository.
 *
 * @param paths from the root, with slashes, of all that is under version control, or of all that
 *     was not built in a tree without it
 * @param files those of them that are text
 */
record SourceTree(List<String> paths, List<SourceFile> files) {
  SourceTree {
    paths = List.copyOf(paths);
    files = List.copyOf(files);
  }

  private static final Set<String> BUILT = Set.of("target", ".git", ".dev");

  /**
   * A text file.
   *
   * @param path from the root, with slashes
   * @param text all of it
   */
  record SourceFile(String path, String text) {

    boolean isJava() {
      return path.endsWith(".java");
    }

    boolean isMarkdown() {
      return path.endsWith(".md");
    }

    boolean isTest() {
      return path.contains("src/test/") || path.startsWith("testkit/");
    }

    /** {@return whether it is one of the rules, which have to name what they forbid} */
    boolean isRule() {
      return path.startsWith("app/src/test/java/dev/batchyard/app/architecture/");
    }

    String name() {
      return path.substring(path.lastIndexOf('/') + 1);
    }
  }

  /** {@return the tree that this process was started in} */
  static SourceTree ofThisRepository() {
    Path here = Path.of("").toAbsolutePath();
    for (Path up = here; up != null; up = up.getParent()) {
      if (Files.isDirectory(up.resolve(".mvn"))) {
        return of(up);
      }
    }
    throw new IllegalStateException("no folder with .mvn above " + here + "; start in the tree");
  }

  /** {@return the tree below that folder} */
  static SourceTree of(Path root) {
    try {
      List<String> paths =
          Files.exists(root.resolve(".git")) ? underVersionControl(root) : notBuilt(root);
      return new SourceTree(
          paths, paths.stream().sorted().flatMap(path -> read(root, path).stream()).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Stream<SourceFile> matching(Predicate<SourceFile> wanted) {
    return files.stream().filter(wanted);
  }

  Optional<SourceFile> at(String path) {
    return files.stream().filter(file -> file.path().equals(path)).findFirst();
  }

  /** {@return whether a file or folder lies there} */
  boolean holds(String path) {
    String folder = path.endsWith("/") ? path : path + "/";
    return paths.stream().anyMatch(any -> any.equals(path) || any.startsWith(folder));
  }

  private static List<String> underVersionControl(Path root) throws IOException {
    Process git =
        new ProcessBuilder("git", "ls-files", "-z")
            .directory(root.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String listed = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      int status = git.waitFor();
      if (status != 0) {
        throw new IllegalStateException("git ls-files ended with " + status + " in " + root);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while git listed files", e);
    }
    return Arrays.stream(listed.split("\0")).filter(path -> !path.isEmpty()).toList();
  }

  private static List<String> notBuilt(Path root) throws IOException {
    List<String> paths = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            return BUILT.contains(folder.getFileName().toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            paths.add(root.relativize(file).toString().replace('\\', '/'));
            return FileVisitResult.CONTINUE;
          }
        });
    return paths;
  }

  /** {@return the file, or nothing if it is gone, a link or no text} */
  private static Optional<SourceFile> read(Path root, String path) {
    Path file = root.resolve(path);
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    try {
      byte[] bytes = Files.readAllBytes(file);
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.indexOf('\0') < 0 ? Optional.of(new SourceFile(path, text)) : Optional.empty();
    } catch (CharacterCodingException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
