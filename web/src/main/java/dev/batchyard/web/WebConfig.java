package dev.batchyard.web;

import java.nio.file.Path;

/**
 * How the pages are served.
 *
 * @param port the port on 127.0.0.1; 0 takes any free one
 * @param workFolder where the server keeps its scratch files; made when it is missing
 * @param runFolder where its owner finds the link that is good now, in {@code link-PORT}, and the
 *     token of the API, in {@code api-token}
 */
public record WebConfig(int port, Path workFolder, Path runFolder) {

  public WebConfig {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + ": not from 0 to 65535");
    }
  }
}
