package dev.batchyard.store.server;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The programs of PostgreSQL that travel in the jar, unpacked once into the data folder. */
final class Binaries {

  /** Version of the artifact that is packed, as the build wrote it. */
  static final String VERSION = version();

  /** Major version of the server that is packed; a database belongs to one. */
  static final int MAJOR = Integer.parseInt(VERSION.substring(0, VERSION.indexOf('.')));

  private static final String PREFIX = "server-";
  private static final String HALF = ".new";

  private Binaries() {}

  /**
   * Unpacks under the folder's lock; what a crash left half unpacked is thrown away.
   *
   * @return the folder that holds {@code bin/} and {@code lib/}
   */
  static Path unpack(DataFolder folder) {
    Path home = folder.pg().resolve(PREFIX + VERSION);
    if (Files.isDirectory(home)) {
      return home;
    }
    String resource = "/postgres-" + platform() + ".txz";
    Path half = folder.pg().resolve(PREFIX + VERSION + HALF);
    try (InputStream packed = Binaries.class.getResourceAsStream(resource)) {
      if (packed == null) {
        throw new CannotStart(
            "no PostgreSQL is packed for " + platform() + "; run your own and give it with --db");
      }
      Trees.delete(half);
      extract(packed, half);
      Files.move(half, home, StandardCopyOption.ATOMIC_MOVE);
      DataFolder.sync(folder.pg());
      return home;
    } catch (IOException e) {
      throw DataFolder.cannot("unpack PostgreSQL into", folder.pg(), e);
    }
  }

  /** Deletes the programs of other versions; only while no server runs. */
  static void dropOthers(DataFolder folder) {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder.pg(), PREFIX + "*")) {
      for (Path other : all) {
        if (!other.endsWith(PREFIX + VERSION)) {
          Trees.delete(other);
        }
      }
    } catch (IOException e) {
      throw DataFolder.cannot("clear", folder.pg(), e);
    }
  }

  /** Writes every entry to the disk before it returns, so that a rename may vouch for them. */
  static void extract(InputStream packed, Path into) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path target = into.resolve(entry.getName()).normalize();
        if (!target.startsWith(into)) {
          throw new IOException("entry outside of the archive: " + entry.getName());
        }
        if (entry.isDirectory()) {
          Files.createDirectories(target);
        } else {
          Files.createDirectories(target.getParent());
          write(tar, entry, target);
        }
      }
    }
    try (Stream<Path> all = Files.walk(into)) {
      for (Path folder : all.filter(Files::isDirectory).toList()) {
        DataFolder.sync(folder);
      }
    }
  }

  private static void write(TarArchiveInputStream tar, TarArchiveEntry entry, Path target)
      throws IOException {
    if (entry.isSymbolicLink()) {
      Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
      return;
    }
    if (!entry.isFile() || entry.isLink()) {
      throw new IOException("entry of an unknown kind: " + entry.getName());
    }
    try (FileChannel channel =
            FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        OutputStream out = Channels.newOutputStream(channel)) {
      tar.transferTo(out);
      channel.force(false);
    }
    boolean executable = (entry.getMode() & 0100) != 0;
    Files.setPosixFilePermissions(
        target, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
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

  private static String version() {
    try (InputStream in = Binaries.class.getResourceAsStream("binaries.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
