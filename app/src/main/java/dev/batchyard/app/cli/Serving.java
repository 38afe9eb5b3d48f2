package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.app.Node;
import dev.batchyard.app.NodeLog;
import dev.batchyard.app.NodeName;
import dev.batchyard.app.config.Settings;
import dev.batchyard.app.json.JacksonParameters;
import dev.batchyard.engine.run.Submitter;
import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.store.Store;
import dev.batchyard.store.server.DataFolder;
import dev.batchyard.web.Views;
import dev.batchyard.web.WebConfig;
import dev.batchyard.web.WebServer;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

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
  private final Optional<WebServer> pages;
  private final TaskTypes types;
  private final Node node;
  private final Console console;
  private volatile boolean wornOut;

  private Serving(Cli cli, Settings settings, boolean withPages, Parts parts)
      throws InterruptedException {
    this.parts = parts;
    console = cli.console();
    signal = parts.add(StopSignal.caught(settings.stopGrace().plus(STOP_REST)));
    StopReport report = new StopReport(cli.console());
    // the last words before the process may end
    parts.add(() -> whenRaised(report::stopped));
    installation = parts.add(Installation.open(settings));
    parts.add(() -> whenRaised(() -> report.ended(installation.store().taskViews())));
    name = parts.add(NodeName.take(installation));
    parts.add(NodeLog.open(installation.folder().log(), name.text(), cli.context().err()));
    types = cli.types(installation);
    // first, since a port that is taken ends it all
    pages = withPages ? Optional.of(parts.add(pages(settings))) : Optional.empty();
    node = parts.add(Node.start(installation, name, types));
    var _ = node.engine().drained().thenRun(signal::raise);
    parts.add(() ->
        whenRaised(() -> report.stopping(name.text(), node.engine().held(), settings.stopGrace())));
    node.engine().onWornOut(this::wearOut);
  }

  private void wearOut() {
    wornOut = !signal.isRaised();
    signal.raise();
  }

  private void whenRaised(Runnable words) {
    if (signal.isRaised()) {
      words.run();
    }
  }

  /** Starts a node; whatever was begun is undone if something is in the way. */
  static Serving start(Cli cli, Settings settings, boolean withPages) throws Exception {
    Parts parts = new Parts();
    try {
      return new Serving(cli, settings, withPages, parts);
    } catch (RuntimeException | InterruptedException e) {
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

  private WebServer pages(Settings settings) {
    Store store = installation.store();
    DataFolder folder = installation.folder();
    return WebServer.start(
        new WebConfig(settings.port(), folder.tmp().resolve("web"), folder.root().resolve("run")),
        new Views(
            store.taskViews(),
            store.nodeViews(),
            store.cordons(),
            store.queues(),
            store.batches(),
            store.compensations(),
            store.logLines(),
            store.doctor(),
            store.checkpoints(),
            store.retryPolicies(),
            store.pools(),
            store.waitReasons(),
            store.demands()),
        new Submitter(types, new JacksonParameters(), store.submissions(), store.batches()));
  }

  /** {@return the link to the pages, if there are any} */
  Optional<URI> url() {
    return pages.map(WebServer::url);
  }

  /** Whether the process was asked to end. */
  boolean isStopped() {
    return signal.isRaised();
  }

  /**
   * Waits for SIGTERM, SIGINT or SIGHUP, until the node is drained and is to end then, or until it
   * is worn out; {@return what to exit with}
   */
  Exit untilStopped() throws InterruptedException {
    signal.await();
    if (!wornOut) {
      return Exit.OK;
    }
    console.error(
        "node %s is worn out: too many handlers do not stop though they were given up, its log names their tasks; it ends with exit code %d, and is to be started again"
            .formatted(nodeName(), Exit.WORN_OUT.code()));
    return Exit.WORN_OUT;
  }

  @Override
  public void close() throws Exception {
    parts.close();
  }
}
