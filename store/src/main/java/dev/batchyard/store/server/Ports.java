package dev.batchyard.store.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.Optional;

/** The port of a data folder's server: the same from start to start while nobody else takes it. */
record Ports(DataFolder folder) {

  /** Below the range from which systems number outgoing connections, which would take it away. */
  private static final int FROM = 20_000;

  private static final int COUNT = 10_000;
  private static final int DRAWS_MAX = 100;

  /** {@return the port of the last start if it is free, else a new one, which is kept} */
  int choose() {
    return stored().filter(Ports::isFree).orElseGet(this::draw);
  }

  private int draw() {
    SecureRandom random = new SecureRandom();
    for (int draw = 0; draw < DRAWS_MAX; draw++) {
      int port = FROM + random.nextInt(COUNT);
      if (isFree(port)) {
        store(port);
        return port;
      }
    }
    throw new CannotStart(
        "no free port on 127.0.0.1 from %d to %d for PostgreSQL; free some"
            .formatted(FROM, FROM + COUNT));
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private Optional<Integer> stored() {
    try {
      int port = Integer.parseInt(Files.readString(file()).strip());
      return port > 0 && port <= 65_535 ? Optional.of(port) : Optional.empty();
    } catch (IOException | NumberFormatException e) {
      return Optional.empty(); // none yet, or damaged: another one will do
    }
  }

  private void store(int port) {
    Path half = folder.run().resolve("port.new");
    try {
      Files.writeString(half, Integer.toString(port));
      Files.move(half, file(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw DataFolder.cannot("write", file(), e);
    }
  }

  private Path file() {
    return folder.run().resolve("port");
  }
}
