package dev.batchyard.store.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * PostgreSQL's programs, unpacked once for all tests of a module: a data folder of its own for each
 * test would write their thousand files, one by one to the disk, each time again.
 */
public final class SharedPrograms {

  private SharedPrograms() {}

  /**
   * Makes a data folder that uses them; no effect on one that has programs already.
   *
   * @param data as a user gives it; made if it is not there
   * @return it, opened; nothing is started
   */
  public static DataFolder in(Path data) {
    DataFolder shared = DataFolder.open(Path.of("target", "programs"));
    Path home = shared.locked(() -> Binaries.unpack(shared));
    DataFolder folder = DataFolder.open(data);
    Path link = folder.pg().resolve(home.getFileName());
    try {
      if (!Files.exists(link)) {
        Files.createSymbolicLink(link, home);
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
