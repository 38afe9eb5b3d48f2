package dev.batchyard.bench.queue;

import dev.batchyard.store.server.DatabaseAddress;
import dev.batchyard.web.WebServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.sql.SQLException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Batchyard as programs submit to it over HTTP: a line a task, by the client of the JDK. */
public final class BatchyardHttp implements AutoCloseable {

  private static final int LINE_CHARS = 48;

  private final BatchyardQueue queue;
  private final HttpClient client = HttpClient.newHttpClient();
  private @Nullable WebServer server;

  public BatchyardHttp(DatabaseAddress database) throws IOException {
    queue = new BatchyardQueue(database);
  }

  /** Makes the tables anew and empty, and a server over them. */
  public void create() throws SQLException {
    queue.create();
    server = queue.serve();
  }

  /** Submits so many tasks that do nothing in one request; all are durable when it returns. */
  public void submit(int count) throws IOException, InterruptedException {
    StringBuilder body = new StringBuilder(count * LINE_CHARS);
    for (int n = 0; n < count; n++) {
      body.append("{\"type\":\"").append(BatchyardQueue.TYPE).append("\",\"params\":{\"n\":");
      body.append(n).append("}}\n");
    }
    URI uri =
        URI.create("http://127.0.0.1:" + Objects.requireNonNull(server).port() + "/api/tasks");
    String token = Files.readString(queue.run().resolve("api-token")).strip();
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(uri)
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/x-ndjson")
                .POST(BodyPublishers.ofString(body.toString()))
                .build(),
            BodyHandlers.ofString());
    if (answer.statusCode() != 200 || answer.body().lines().count() != count) {
      throw new IOException(
          "%d tasks were answered by %d: %.200s"
              .formatted(count, answer.statusCode(), answer.body()));
    }
  }

  @Override
  public void close() throws IOException {
    client.shutdownNow();
    client.close();
    if (server != null) {
      server.close();
    }
    queue.close();
  }
}
