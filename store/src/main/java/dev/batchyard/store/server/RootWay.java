package dev.batchyard.store.server;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * How root runs programs that refuse root.
 *
 * <p>In a user namespace ({@code unshare -U}) the same files are theirs and nothing else is. Many
 * containers forbid namespaces; there the programs run as the user <i>nobody</i>, who is given the
 * database and may pass the folders above it, which are root's alone. A database that belongs to
 * somebody else than root is run as its owner.
 */
final class RootWay {

  static final int NOBODY = 65_534;
  private static final List<String> NAMESPACE = List.of("unshare", "-U", "--");

  private RootWay() {}

  static boolean isRoot() {
    try {
      return uid(Path.of("/proc/self")) == 0;
    } catch (IOException | UnsupportedOperationException e) {
      return "root".equals(System.getProperty("user.name"));
    }
  }

  /**
   * {@return the words before a command}
   *
   * @param data the database's directory, which need not be there yet
   * @param works tries words with a command that does nothing
   */
  static List<String> prefix(Path data, Predicate<List<String>> works) {
    try {
      int owner = Files.exists(data) ? uid(data) : 0;
      if (owner == 0 && works.test(NAMESPACE)) {
        return NAMESPACE;
      }
      int user = owner == 0 ? NOBODY : owner;
      List<String> switched = as(user);
      if (works.test(switched)) {
        if (owner == 0 && Files.exists(data)) {
          give(data, user);
        }
        return switched;
      }
    } catch (IOException e) {
      throw DataFolder.cannot("change the owner of", data, e);
    }
    throw new CannotStart(
        "PostgreSQL refuses to run as root, and this system permits root neither a user namespace"
            + " (unshare -U) nor another user (setpriv); start as another user, or give a server"
            + " with --db");
  }

  /** As that user, who may read and write whatever root may: PostgreSQL minds the user only. */
  private static List<String> as(int user) {
    List<String> command = new ArrayList<>();
    command.add("setpriv");
    command.add("--reuid=" + user);
    command.add("--regid=" + user);
    command.add("--clear-groups");
    command.add("--securebits=+no_setuid_fixup"); // else access(2) forgets the capability
    command.add("--inh-caps=-all,+dac_override");
    command.add("--ambient-caps=-all,+dac_override");
    command.add("--");
    return command;
  }

  private static int uid(Path path) throws IOException {
    return Files.getAttribute(path, "unix:uid") instanceof Integer uid ? uid : 0;
  }

  /** Gives the tree to a user. */
  static void give(Path root, int user) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            return take(folder);
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            return take(file);
          }

          private FileVisitResult take(Path path) throws IOException {
            Files.setAttribute(path, "unix:uid", user, java.nio.file.LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(path, "unix:gid", user, java.nio.file.LinkOption.NOFOLLOW_LINKS);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
