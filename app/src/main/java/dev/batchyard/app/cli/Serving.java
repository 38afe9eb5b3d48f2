package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.NodeLog;
import dev.batchyard.app.NodeName;
import dev.batchyard.app.Types;
import dev.batchyard.app.config.Settings;
import dev.batchyard.engine.run.TaskTypes;
import java.time.Duration;

/** A node of this process, from its start to its orderly end. */
final class Serving implements AutoCloseable {

  /**
   * Beyond the grace of the attempts: the last ends, the leave, the pool, PostgreSQL's own stop.
   */
  private static final Duration STOP_REST = Duration.ofSeconds(60);

  private final StopSignal signal;
  private final Installation installation;
  private final NodeName name;
  private final TaskTypes types;
  private final Node node;

  private Serving(
      StopSignal signal, Installation installation, NodeName name, TaskTypes types, Node node) {
    this.signal = signal;
    this.installation = installation;
    this.name = name;
    this.types = types;
    this.node = node;
  }

  static Serving start(Cli cli, Settings settings) {
    StopSignal signal = StopSignal.caught(settings.stopGrace().plus(STOP_REST));
    try {
      Installation installation = Installation.open(settings);
      try {
        NodeName name = NodeName.take(installation);
        NodeLog.open(installation.folder().log(), name.text(), cli.context().err());
        TaskTypes types = Types.of(installation);
        Node node = Node.start(installation, name, types);
        return new Serving(signal, installation, name, types, node);
      } catch (RuntimeException e) {
        installation.close();
        throw e;
      }
    } catch (RuntimeException e) {
      signal.close();
      throw e;
    }
  }

  Installation installation() {
    return installation;
  }

  TaskTypes types() {
    return types;
  }

  String nodeName() {
    return name.text();
  }

  void openPages() {}

  /** Something was submitted here. */
  void wake() {
    node.engine().wake();
  }

  /** Whether the process was asked to end. */
  boolean isStopped() {
    return signal.isRaised();
  }

  /** Waits for SIGTERM, SIGINT or SIGHUP. */
  void untilStopped() throws InterruptedException {
    signal.await();
  }

  @Override
  public void close() throws InterruptedException {
    try (signal;
        installation) {
      node.close();
    }
  }
}
