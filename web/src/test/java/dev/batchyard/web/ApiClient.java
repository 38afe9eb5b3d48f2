package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A program that asks the API of a fixture, over a real connection, with its token. */
final class ApiClient implements AutoCloseable {

  private final HttpClient client = HttpClient.newHttpClient();
  private final WebFixture f;

  ApiClient(WebFixture f) {
    this.f = f;
  }

  HttpResponse<String> ask(String method, String path, String body)
      throws IOException, InterruptedException {
    return ask(Files.readString(WebFixture.LINKS.resolve("api-token")).strip(), method, path, body);
  }

  HttpResponse<String> ask(String token, String method, String path, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + f.server.port() + path))
            .method(method, BodyPublishers.ofString(body))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .build(),
        BodyHandlers.ofString());
  }

  /** {@return what it answers, which must be fine} */
  JsonNode fine(String method, String path, String body) throws IOException, InterruptedException {
    HttpResponse<String> answer = ask(method, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JsonMapper.shared().readTree(answer.body());
  }

  void refused(int status, String method, String path, String body, String... words)
      throws IOException, InterruptedException {
    HttpResponse<String> answer = ask(method, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(JsonMapper.shared().readTree(answer.body()).path("detail").asString())
        .contains(words);
  }

  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }
}
