package dev.batchyard.store.server;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The programs of PostgreSQL that travel in the jar, unpacked once into the data folder. */
final class Binaries {

  /** Major version of the server that is packed. */
  static final int MAJOR = 18;

  private Binaries() {}

  /**
   * {@return the folder that holds {@code bin/} and {@code lib/}} Half unpacked ones do not count.
   */
  static Path unpack(DataFolder folder) {
    Path home = folder.pg().resolve("server-" + MAJOR);
    if (Files.isDirectory(home)) {
      return home;
    }
    String resource = "/postgres-" + platform() + ".txz";
    Path half = folder.tmp().resolve("server-" + ProcessHandle.current().pid());
    try (InputStream packed = Binaries.class.getResourceAsStream(resource)) {
      if (packed == null) {
        throw new CannotStart(
            "no PostgreSQL is packed for " + platform() + "; run your own and give it with --db");
      }
      Trees.delete(half);
      try (TarArchiveInputStream tar =
          new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)))) {
        extract(tar, half);
      }
      Files.move(half, home, StandardCopyOption.ATOMIC_MOVE);
      return home;
    } catch (IOException e) {
      throw new CannotStart(
          "data folder: cannot unpack PostgreSQL into %s (%s); it needs 100 MB"
              .formatted(folder.pg(), DataFolder.reason(e)),
          e);
    }
  }

  private static void extract(TarArchiveInputStream tar, Path into) throws IOException {
    for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
      Path target = into.resolve(entry.getName()).normalize();
      if (!target.startsWith(into)) {
        throw new IOException("entry outside of the archive: " + entry.getName());
      }
      if (entry.isDirectory()) {
        Files.createDirectories(target);
        continue;
      }
      Files.createDirectories(target.getParent());
      if (entry.isSymbolicLink()) {
        Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
      } else {
        Files.copy(tar, target);
        boolean executable = (entry.getMode() & 0100) != 0;
        Files.setPosixFilePermissions(
            target, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
      }
    }
  }

  private static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String family = os.startsWith("linux") ? "linux" : os.replace(' ', '-');
    return family
        + "-"
        + switch (arch) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64", "arm64" -> "arm_64";
          default -> arch;
        };
  }
}
