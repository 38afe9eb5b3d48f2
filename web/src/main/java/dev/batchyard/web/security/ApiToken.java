package dev.batchyard.web.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The secret that programs show instead of a cookie: one line in {@code api-token}, mode 0600, made
 * by the first server of a data folder and good until somebody deletes or replaces it. It is read
 * anew for each request, so that all servers of a folder agree on it and a replaced one is good at
 * once. Without a file, and with anything in it but 256 bits as they are drawn here, nothing is
 * good. Thread-safe.
 */
public final class ApiToken {

  private static final Logger LOG = LoggerFactory.getLogger(ApiToken.class);

  /** More than a token and the end of its line is none. */
  private static final int FILE_BYTES_MAX = 64;

  private final Path file;

  private ApiToken(Path file) {
    this.file = file;
  }

  /**
   * The token of a folder, made if there is none, or one that others may have read. One that cannot
   * be kept is no reason to stop: then no request is let in.
   */
  public static ApiToken in(Path folder, SecureRandom random) {
    ApiToken token = new ApiToken(folder.resolve("api-token"));
    try {
      if (token.read().isEmpty() || !OwnersFile.isOwners(token.file)) {
        OwnersFile.write(token.file, Secret.drawn(random).text());
      }
    } catch (IOException e) {
      // two servers that start at once: the other one has made it
      if (token.read().isEmpty()) {
        LOG.warn("no API token could be kept in {}: {}", token.file, e.toString());
      }
    }
    return token;
  }

  boolean is(String offered) {
    return read().filter(secret -> secret.is(offered)).isPresent();
  }

  private Optional<Secret> read() {
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(FILE_BYTES_MAX);
      return Secret.of(new String(bytes, StandardCharsets.US_ASCII).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
