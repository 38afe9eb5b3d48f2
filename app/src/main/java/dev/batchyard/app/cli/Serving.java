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

  private final Parts parts;
  private final StopSignal signal;
  private final Installation installation;
  private final NodeName name;
  private final TaskTypes types;
  private final Node node;

  private Serving(Cli cli, Settings settings, Parts parts) {
    this.parts = parts;
    signal = parts.add(StopSignal.caught(settings.stopGrace().plus(STOP_REST)));
    installation = parts.add(Installation.open(settings));
    name = parts.add(NodeName.take(installation));
    parts.add(NodeLog.open(installation.folder().log(), name.text(), cli.context().err()));
    types = Types.of(installation);
    node = parts.add(Node.start(installation, name, types));
  }

  /** Starts a node; whatever was begun is undone if something is in the way. */
  static Serving start(Cli cli, Settings settings) throws Exception {
    Parts parts = new Parts();
    try {
      return new Serving(cli, settings, parts);
    } catch (RuntimeException e) {
      parts.close();
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
  public void close() throws Exception {
    parts.close();
  }
}
