package dev.batchyard.web;

/**
 * Another program, or another Batchyard, listens on the port of the pages. The message names the
 * port and the cure.
 */
public final class PortInUse extends RuntimeException {
  private static final long serialVersionUID = 1L;

  PortInUse(int port, Throwable cause) {
    super(
        "127.0.0.1:%d is in use by another program or another Batchyard; choose another port with --port, or --port 0"
            .formatted(port),
        cause);
  }
}
