package dev.batchyard.web.security;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the owner of the data folder finds the link that is good now: one line in {@code
 * link-PORT}, mode 0600, replaced as a whole. What a crash leaves is a link that is good no more;
 * the next server on that port replaces it. Its calls come one at a time.
 */
public final class LinkFile implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LinkFile.class);

  private final Path file;

  /** The file of the server on a port; nothing is written yet. */
  public LinkFile(Path folder, int port) {
    file = folder.resolve("link-" + port);
  }

  /** Keeps this link instead of the last one. A link that cannot be kept is no reason to stop. */
  public void write(URI link) {
    try {
      OwnersFile.write(file, link.toString());
    } catch (IOException e) {
      LOG.warn("a fresh link to the pages could not be kept in {}: {}", file, e.toString());
    }
  }

  /** Deletes it: the server ends, and with it the link. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("{} could not be deleted: {}", file, e.toString());
    }
  }
}
