package dev.batchyard.web;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;

/** A browser without script: keeps cookies, follows no redirect by itself. */
final class Browser implements AutoCloseable {

  private final HttpClient client = HttpClient.newHttpClient();
  private final URI root;
  private final Map<String, String> cookies = new TreeMap<>();
  private String languages = "en";

  Browser(WebServer server) {
    root = URI.create("http://127.0.0.1:" + server.port() + "/");
  }

  /** One that has opened the printed link. */
  static Browser signedIn(WebServer server) {
    Browser browser = new Browser(server);
    HttpResponse<String> answer = browser.get(server.url().toString());
    if (answer.statusCode() != 303) {
      throw new IllegalStateException("not signed in: " + answer.statusCode());
    }
    return browser;
  }

  Browser accepting(String wanted) {
    languages = wanted;
    return this;
  }

  Map<String, String> cookies() {
    return cookies;
  }

  HttpResponse<String> get(String path) {
    return send("GET", path, BodyHandlers.ofString());
  }

  HttpResponse<String> send(String method, String path) {
    return send(method, path, BodyHandlers.ofString());
  }

  /** Opens a stream of events; whoever asks closes it. */
  HttpResponse<InputStream> stream(String path) {
    return send("GET", path, BodyHandlers.ofInputStream());
  }

  /** A page that is there, parsed. */
  Document page(String path) {
    HttpResponse<String> answer = get(path);
    if (answer.statusCode() != 200) {
      throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
    }
    return Jsoup.parse(answer.body(), root.toString());
  }

  private <T> HttpResponse<T> send(
      String method, String path, HttpResponse.BodyHandler<T> handler) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(root.resolve(path))
            .header("Accept-Language", languages)
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (!cookies.isEmpty()) {
      request.header(
          "Cookie",
          cookies.entrySet().stream()
              .map(c -> c.getKey() + "=" + c.getValue())
              .collect(Collectors.joining("; ")));
    }
    try {
      HttpResponse<T> answer = client.send(request.build(), handler);
      for (String cookie : answer.headers().allValues("Set-Cookie")) {
        List<String> pair = List.of(cookie.split(";", 2)[0].split("=", 2));
        cookies.put(pair.get(0), pair.get(1));
      }
      return answer;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }
}
