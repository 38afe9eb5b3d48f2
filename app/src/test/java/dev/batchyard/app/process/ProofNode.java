package dev.batchyard.app.process;

import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** The node of a proof: the product's, on a data folder, with the task types of {@link Deeds}. */
final class ProofNode {

  private ProofNode() {}

  /**
   * Serves until the process ends.
   *
   * @param arguments the data folder and the node's name
   */
  public static void main(String[] arguments) throws InterruptedException {
    Path data = Path.of(arguments[0]);
    Installation installation =
        Installation.open(
            ConfigReader.read(
                Map.of(Key.DATA, data.toString(), Key.NAME, arguments[1]), Map.of(), data));
    Node node = Node.start(installation, Deeds.types(installation.database().handlers()));
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .unstarted(() -> {
                  try (installation;
                      node) {
                    System.err.println("stops");
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
    new CountDownLatch(1).await();
  }
}
