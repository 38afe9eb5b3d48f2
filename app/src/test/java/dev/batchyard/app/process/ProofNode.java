package dev.batchyard.app.process;

import dev.batchyard.api.TaskType;
import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.NodeLog;
import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.config.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/**
 * The node of a proof: the product's, on a data folder, with the task types of {@link Deeds} and
 * {@link Mischief}.
 */
final class ProofNode {

  private ProofNode() {}

  /**
   * Serves until the process ends.
   *
   * @param arguments the data folder, the node's name, and a port by which the folder's server is
   *     reached as one of one's own
   */
  public static void main(String[] arguments) throws Exception {
    Path data = Path.of(arguments[0]);
    Settings settings =
        arguments.length == 2
            ? settings(Map.of(Key.DATA, data.toString(), Key.NAME, arguments[1]), data)
            : through(Integer.parseInt(arguments[2]), data, arguments[1]);
    Installation installation = Installation.open(settings);
    NodeLog log = NodeLog.open(installation.folder().log(), arguments[1], System.err);
    Deeds deeds =
        new Deeds(
            installation.database().handlers(),
            installation.store(),
            Stream.of(
                    List.of(Mischief.type(installation.database().handlers())),
                    StepDeeds.types(installation.database().handlers()),
                    SplitDeeds.types(installation.database().handlers()))
                .flatMap(List::stream)
                .toArray(TaskType<?>[]::new));
    Node node = Node.start(installation, deeds.types());
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .unstarted(() -> {
                  try (log;
                      installation;
                      node) {
                    System.err.println("stops");
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
    new CountDownLatch(1).await();
  }

  /** {@return the settings of a process that takes a folder's server for one of its own} */
  static Settings through(int port, Path data, String name) throws IOException {
    Map<Key, String> keys = new EnumMap<>(Key.class);
    keys.put(Key.DATA, data.resolveSibling(name + ".data").toString());
    keys.put(Key.NAME, name);
    keys.put(Key.DB, "jdbc:postgresql://127.0.0.1:" + port + "/postgres");
    keys.put(Key.DB_USER, "batchyard");
    keys.put(Key.DB_PASSWORD, Files.readString(data.resolve("run/password")).strip());
    return settings(keys, data);
  }

  private static Settings settings(Map<Key, String> keys, Path home) {
    return ConfigReader.read(keys, Map.of(), home);
  }
}
