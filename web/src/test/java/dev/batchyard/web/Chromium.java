package dev.batchyard.web;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A real browser with a tab in sight, driven by its own debugging protocol on a loopback port. It
 * keeps what the console and the network said.
 */
final class Chromium implements AutoCloseable {

  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Path profile;
  private final Process process;
  private final HttpClient client = HttpClient.newHttpClient();
  private final WebSocket socket;
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
  private final Queue<String> requests = new ConcurrentLinkedQueue<>();
  private final List<Tab> tabs = new ArrayList<>();
  private Tab tab;

  Chromium(Path folder) throws IOException {
    profile = Files.createTempDirectory(Files.createDirectories(folder), "chromium");
    process =
        new ProcessBuilder(
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-default-apps",
                "--disable-extensions",
                "--lang=en",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(profile.resolve("output.txt").toFile())
            .start();
    try {
      socket =
          client
              .newWebSocketBuilder()
              .buildAsync(address(), new Listener())
              .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
              .join();
      tab = newTab();
    } catch (RuntimeException e) {
      end();
      throw e;
    }
  }

  /** Where it listens, as soon as it has said so in a file of its profile. */
  private URI address() {
    Path file = profile.resolve("DevToolsActivePort");
    List<String> lines =
        Awaitility.await()
            .atMost(PATIENCE)
            .until(
                () -> Files.exists(file) ? Files.readAllLines(file) : List.of(),
                read -> read.size() == 2);
    return URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1));
  }

  private record Tab(String target, String session) {}

  /** Opens one more tab, which hides the others; all calls go to it from now on. */
  void openTab() {
    tab = newTab();
  }

  private Tab newTab() {
    String target =
        call("", "Target.createTarget", Map.of("url", "about:blank")).path("targetId").asString();
    String session =
        call("", "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .path("sessionId")
            .asString();
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(session, domain + ".enable", Map.of());
    }
    Tab opened = new Tab(target, session);
    tabs.add(opened);
    return opened;
  }

  /** Brings a tab to sight again; all calls go to it from now on. */
  void show(int number) {
    tab = tabs.get(number);
    call("", "Target.activateTarget", Map.of("targetId", tab.target()));
  }

  void open(URI address) {
    call("Page.navigate", Map.of("url", address.toString()));
  }

  /** The value of an expression in the page, as text. */
  String evaluate(String expression) {
    return evaluate(tab, expression);
  }

  /** The same in a tab that need not be in sight; the first one is 0. */
  String evaluateIn(int number, String expression) {
    return evaluate(tabs.get(number), expression);
  }

  private String evaluate(Tab in, String expression) {
    JsonNode answer =
        call(
            in.session(),
            "Runtime.evaluate",
            Map.of("expression", expression, "returnByValue", true));
    return answer.path("result").path("value").asString("");
  }

  /** Waits until an expression in the page has this value. */
  void await(String expression, String value) {
    Awaitility.await(expression)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> evaluate(expression), value::equals);
  }

  JsonNode call(String method, Map<String, Object> parameters) {
    return call(tab.session(), method, parameters);
  }

  /** Errors and warnings that came to the console, by script, policy or network. */
  List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** The addresses that were asked for. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  private JsonNode call(String in, String method, Map<String, Object> parameters) {
    int id = ids.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    Map<String, Object> message =
        in.isEmpty()
            ? Map.of("id", id, "method", method, "params", parameters)
            : Map.of("id", id, "method", method, "params", parameters, "sessionId", in);
    WebSocket _ = socket.sendText(JSON.writeValueAsString(message), true).join();
    JsonNode reply = answer.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    if (reply.has("error")) {
      throw new IllegalStateException(method + ": " + reply.path("error"));
    }
    return reply.path("result");
  }

  private void take(JsonNode message) {
    if (message.has("id")) {
      CompletableFuture<JsonNode> answer = waiting.remove(message.path("id").asInt());
      if (answer != null) {
        boolean _ = answer.complete(message);
      }
      return;
    }
    JsonNode said = message.path("params");
    switch (message.path("method").asString()) {
      case "Runtime.exceptionThrown" -> complaints.add(said.toString());
      case "Runtime.consoleAPICalled" -> {
        if (!said.path("type").asString().matches("log|debug|info")) {
          complaints.add(said.toString());
        }
      }
      case "Log.entryAdded" -> {
        if (said.path("entry").path("level").asString().matches("error|warning")) {
          complaints.add(said.toString());
        }
      }
      case "Network.requestWillBeSent" -> requests.add(said.path("request").path("url").asString());
      case "Network.webSocketCreated" -> requests.add(said.path("url").asString());
      default -> {
        // other domains' news
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.abort();
    client.shutdownNow();
    end();
    try (Stream<Path> files = Files.walk(profile)) {
      List<Path> deepestFirst = new ArrayList<>(files.sorted(Comparator.reverseOrder()).toList());
      for (Path file : deepestFirst) {
        boolean _ = Files.deleteIfExists(file);
      }
    }
  }

  /** Ends the browser and all processes that it started, and waits until they are gone. */
  private void end() {
    List<ProcessHandle> all =
        Stream.concat(process.toHandle().descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(each -> {
      var _ = each.onExit().orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    });
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        JsonNode message = JSON.readTree(text.toString());
        text.setLength(0);
        take(message);
      }
      from.request(1);
      return CompletableFuture.completedStage(part);
    }
  }
}
