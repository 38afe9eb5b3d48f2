package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import dev.batchyard.web.api.SubmitApi;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Submits by programs, over a real connection into a real database. */
@PostgresTest
final class SubmitTest {

  private static final String NDJSON = "application/x-ndjson";
  private static final String JSON = "application/json";
  private static final Path TOKEN = WebFixture.LINKS.resolve("api-token");
  private static final JsonMapper READER = JsonMapper.shared();

  private final HttpClient client = HttpClient.newHttpClient();
  private TestDatabase database;
  private WebFixture f;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    database = test;
    f = new WebFixture(test);
  }

  @AfterEach
  void close() {
    client.shutdownNow();
    client.close();
    f.close();
  }

  @Test
  void each_line_is_answered_in_order_over_pages() throws Exception {
    StringBuilder body = new StringBuilder();
    for (int n = 0; n < 2_500; n++) {
      body.append(line(n, "")).append('\n');
    }
    HttpResponse<String> answer = post(NDJSON, body.toString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type")).contains(NDJSON);
    List<JsonNode> answers = lines(answer.body());
    assertThat(answers).hasSize(2_500).allMatch(each -> each.path("fresh").asBoolean());
    assertThat(answers.stream().map(each -> each.path("task").asLong())).doesNotHaveDuplicates();
    for (int n : List.of(0, 999, 1_000, 2_499)) {
      assertThat(ask("params ->> 'n'", answers.get(n))).isEqualTo(String.valueOf(n));
    }
    assertThat(tasks()).isEqualTo(2_500);
    assertThat(post(NDJSON, "").statusCode()).as("no line is no fault").isEqualTo(200);
  }

  @Test
  void all_fields_of_a_task_are_taken() throws Exception {
    String fields =
        """
        ,"label":"夜间导入 😀","priority":2,"due":"2099-12-31T22:00:00+08:00","queue":"default",\
        "key":"a","uniqueLive":"b","uniqueWithin":{"key":"c","period":"PT10M"},"retry":"critical",\
        "limits":{"queueTimeout":"PT1H","attemptTimeout":"PT2H","deadline":"2100-01-01T00:00:00Z"},\
        "requires":"memory=8GiB,gpu=a100",\
        "batch":null\
        """;
    HttpResponse<String> answer = post(JSON, line(1, fields) + "\n");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type")).contains(JSON);
    JsonNode told = READER.readTree(answer.body());
    assertThat(told.path("fresh").asBoolean()).isTrue();
    assertThat(ask("label", told)).isEqualTo("夜间导入 😀");
    assertThat(ask("params ->> 'text'", told)).isEqualTo("中文");
    assertThat(ask("retry", told)).isEqualTo("critical");
    assertThat(ask("due_at = timestamptz '2099-12-31 14:00:00+00'", told)).isEqualTo("t");
    assertThat(ask("period_key || key || live_key", told)).isEqualTo("cab");
    assertThat(ask("limits is not null", told)).isEqualTo("t");
    assertThat(
            ask(
                "(select r.text from batchyard.lane l"
                    + " join batchyard.requirement r on r.id = l.requirement where l.id = lane)",
                told))
        .isEqualTo("gpu=a100,memory=8GiB");

    HttpResponse<String> again = post(NDJSON, line(2, ",\"key\":\"a\"") + "\r\n" + line(3, ""));
    List<JsonNode> answers = lines(again.body());
    assertThat(answers.getFirst())
        .isEqualTo(
            READER.readTree("{\"task\":%d,\"fresh\":false}".formatted(told.path("task").asLong())));
    assertThat(answers.getLast().path("fresh").asBoolean()).isTrue();
    assertThat(tasks()).isEqualTo(2);
  }

  @Test
  void a_bad_line_is_named_and_the_pages_before_it_are_durable() throws Exception {
    StringBuilder body = new StringBuilder();
    for (int n = 1; n <= 1_500; n++) {
      body.append(line(n, n == 1_400 ? ",\"priority\":9" : "")).append('\n');
    }
    JsonNode problem = refused(400, NDJSON, bytes(body.toString()));
    assertThat(problem.path("line").asInt()).isEqualTo(1_400);
    assertThat(problem.path("problems").path(0).path("field").asString()).isEqualTo("priority");
    assertThat(problem.path("detail").asString())
        .contains("line 1400: priority: 9 is not in 0 (urgent) to 7", "from 1001 on");
    assertThat(problem.path("stored").asInt()).isEqualTo(1_000);
    assertThat(problem.path("uncertain").asInt()).isZero();
    assertThat(problem.path("tasks").size()).isEqualTo(1_000);
    assertThat(ask("params ->> 'n'", problem.path("tasks").path(999))).isEqualTo("1000");
    assertThat(tasks()).isEqualTo(1_000);
  }

  @Test
  void what_is_wrong_is_told_by_field() throws Exception {
    wrong(line(1, ",\"prio\":1"), "prio", "known: batch");
    wrong(line(1, ",\"priority\":\"high\""), "priority", "'high' does not fit");
    wrong(line(1, ",\"due\":\"tomorrow\""), "due", "'tomorrow' does not fit");
    wrong(line(1, ",\"due\":\"+20000-01-01T00:00:00Z\""), "due", "before 9999");
    wrong(line(1, ",\"limits\":{\"totalTimeout\":\"PT0S\"}"), "limits.totalTimeout", "PT0S");
    wrong(line(1, ",\"limits\":{\"rest\":1}"), "limits.rest", "is unknown");
    wrong(line(1, ",\"requires\":\"gpu,cores=x\""), "requires", "cores=x must be a whole number");
    wrong(
        line(1, ",\"limits\":{\"deadline\":\"2020-01-01T00:00:00Z\"}"),
        "limits.deadline",
        "2020-01-01T00:00:00Z has passed");
    wrong(line(1, ",\"uniqueWithin\":{\"key\":\"a\"}"), "uniqueWithin", "period");
    wrong(line(1, ",\"queue\":\"nowhere\""), "queue", "'nowhere' does not exist");
    wrong(line(1, ",\"retry\":\"never\""), "retry", "'never' does not exist");
    wrong(line(1, ",\"batch\":77"), "batch", "batch 77 does not exist");
    wrong(line(1, ",\"label\":\"a\\u0000b\""), "label", "NUL");
    wrong(line(1, ",\"key\":\"\\ud800\""), "key", "half a surrogate pair");
    wrong(line(1, ",\"type\":\"test.work\""), "", "is no JSON");
    wrong("{\"params\":{}}", "type", "is missing");
    wrong("{\"type\":\"no.such\"}", "type", "'no.such' is unknown; known types: test.work");
    wrong("{\"type\":\"test.work\",\"params\":[1]}", "params", "an array does not fit");
    wrong("{\"type\":\"test.work\",\"params\":{\"m\":1}}", "params", "m");
    wrong("{\"type\":\"test.work\",\"params\":{\"n\":1,\"text\":\"\\u0000\"}}", "params", "NUL");
    wrong(line(1, "") + line(2, ""), "", "goes on behind its object");
    wrong("[]", "", "must be a JSON object");
    wrong("", "", "is empty");
    wrong("{\"type\":\"test", "", "is no JSON");
    wrong(line(1, ",\"label\":\"a\u0000b\""), "", "is no JSON");
    assertThat(tasks()).isZero();
  }

  @Test
  void all_that_is_wrong_in_a_line_is_told_at_once() throws Exception {
    String fields =
        """
        ,"labl":"a","label":"a\\nb","priority":99999999999,"retry":7,"due":"soon","key":"","queue":"a\\u0000",\
        "uniqueWithin":{"key":"a","period":"P400D"},\
        "limits":{"queueTimeout":"PT0S","totalTimeout":"PT0S","attempTimeout":"PT1S"},"batch":98765432109876543210}\
        """;
    String line = "{\"type\":\"test.work\",\"params\":{\"m\":1}" + fields;
    JsonNode problem = refused(400, JSON, bytes(line));
    List<String> told = new ArrayList<>();
    problem
        .path("problems")
        .forEach(each ->
            told.add(each.path("field").asString() + ": " + each.path("detail").asString()));
    assertThat(told)
        .hasSize(13)
        .contains(
            "labl: is unknown; did you mean label?",
            "label: 'a\\u000ab' holds a line break (U+000A) at character 2; write it on one line, without it",
            "priority: 99999999999 is not in 0 (urgent) to 7",
            "retry: 7 does not fit: it must be a text",
            "key: '' must have 1 to 200 characters",
            "limits.attempTimeout: is unknown; did you mean attemptTimeout?",
            "limits.queueTimeout: PT0S is not from 1 ms to 3,650 days",
            "limits.totalTimeout: PT0S is not from 1 ms to 3,650 days",
            "uniqueWithin: a period of PT9600H is not in 1 ms to 366 days",
            "batch: 98765432109876543210 does not fit: it must be a whole number of at most 18 digits")
        .anyMatch(each -> each.startsWith("queue: ") && each.contains("NUL"))
        .anyMatch(each -> each.startsWith("due: 'soon' does not fit"))
        .anyMatch(each -> each.startsWith("params: "));
    assertThat(problem.path("detail").asString())
        .isEqualTo(
            "labl: is unknown; did you mean label? (12 more in problems). Nothing was stored");
    assertThat(tasks()).isZero();
  }

  /** As the second of three lines, so that its neighbours are refused with it. */
  private void wrong(String line, String field, String cure) throws Exception {
    JsonNode problem = refused(400, NDJSON, bytes(line(0, "") + "\n" + line + "\n" + line(2, "")));
    assertThat(problem.path("line").asInt()).as(line).isEqualTo(2);
    assertThat(problem.path("problems").path(0).path("field").asString()).isEqualTo(field);
    assertThat(problem.path("problems").path(0).path("detail").asString()).contains(cure);
    assertThat(problem.path("stored").asInt()).isZero();
  }

  @Test
  void text_that_is_no_utf8_is_refused_where_it_stands() throws Exception {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.write(bytes(line(1, ",\"label\":\"\uFFFD is a character\"") + "\n"));
    byte[] gb = line(2, "").getBytes(Charset.forName("GB18030"));
    body.write(gb);
    JsonNode problem = refused(400, NDJSON, body.toByteArray());
    assertThat(problem.path("line").asInt()).isEqualTo(2);
    assertThat(problem.path("detail").asString()).contains("is no UTF-8: 0xD6 at byte");
    assertThat(tasks()).isZero();
  }

  @Test
  void a_line_may_be_long_but_not_too_long() throws Exception {
    String space = " ".repeat(1024 * 1024 - line(1, "").length() - 4);
    assertThat(bytes(line(1, space))).hasSize(1024 * 1024);
    assertThat(post(NDJSON, line(1, space) + "\n" + line(2, "")).statusCode()).isEqualTo(200);
    for (String type : List.of(NDJSON, JSON)) {
      JsonNode problem = refused(400, type, bytes(line(1, space + " ")));
      assertThat(problem.path("detail").asString()).contains("longer than 1,048,576 bytes");
    }
    JsonNode endless = refused(400, NDJSON, new byte[8 * 1024 * 1024]);
    assertThat(endless.path("line").asInt()).isEqualTo(1);
    assertThat(tasks()).isEqualTo(2);
  }

  @Test
  void a_body_that_breaks_off_stores_no_part_of_its_page() throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), f.server.port())) {
      String text = line(1, "") + "\n" + line(2, "");
      socket
          .getOutputStream()
          .write(
              bytes(
                  "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
                      .formatted(NDJSON, token(), bytes(text).length + 10, text)));
      socket.shutdownOutput();
      assertThat(socket.getInputStream().readAllBytes()).asString().doesNotContain(" 200 ");
    }
    assertThat(post(NDJSON, line(3, "")).statusCode()).isEqualTo(200);
    assertThat(tasks()).isEqualTo(1);
  }

  @Test
  void only_the_token_of_the_installation_is_good() throws Exception {
    assertThat(token()).matches("[A-Za-z0-9_-]{43}");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(TOKEN)))
        .isEqualTo("rw-------");
    String good = token();
    for (String header :
        List.of(
            "",
            "Bearer",
            "Bearer ",
            "Bearer guess",
            "Basic " + good,
            good,
            "Bearer " + good + "x")) {
      denied(request(NDJSON, bytes(line(1, ""))).setHeader("Authorization", header), good);
    }
    try (Browser browser = f.signIn()) {
      String name = "batchyard-" + f.server.port();
      denied(
          HttpRequest.newBuilder(uri("/api/tasks"))
              .header("Content-Type", JSON)
              .header("Cookie", name + "=" + browser.cookies().get(name))
              .POST(BodyPublishers.ofString(line(1, ""))),
          good);
    }
    Files.writeString(TOKEN, "\n");
    denied(request(NDJSON, bytes(line(1, ""))).setHeader("Authorization", "Bearer "), good);
    denied(request(NDJSON, bytes(line(1, ""))).setHeader("Authorization", "Bearer " + good), good);
    Files.writeString(TOKEN, good + "\n");
    assertThat(tasks()).isZero();
    assertThat(post(NDJSON, line(1, "")).statusCode()).isEqualTo(200);
  }

  private void denied(HttpRequest.Builder request, String good) throws Exception {
    HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(401);
    assertThat(answer.headers().firstValue("WWW-Authenticate").orElseThrow()).startsWith("Bearer");
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(answer.body()).contains("run/api-token").doesNotContain(good);
  }

  @Test
  void a_token_that_others_could_read_is_replaced() throws Exception {
    String first = token();
    f.close();
    f = new WebFixture(database);
    assertThat(token()).as("kept over a restart").isEqualTo(first);
    f.close();
    Files.setPosixFilePermissions(TOKEN, PosixFilePermissions.fromString("rw-r--r--"));
    f = new WebFixture(database);
    assertThat(token()).isNotEqualTo(first);
    assertThat(post(JSON, line(1, "")).statusCode()).isEqualTo(200);
  }

  @Test
  void only_posts_of_known_content_to_the_exact_path_are_taken() throws Exception {
    byte[] body = bytes(line(1, ""));
    for (String type :
        List.of(
            "text/plain", "application/x-www-form-urlencoded", "no type", JSON + ";charset=GBK")) {
      assertThat(refused(415, type, body).path("detail").asString()).contains(NDJSON);
    }
    HttpResponse<String> zipped =
        client.send(
            request(JSON, body).header("Content-Encoding", "gzip").build(),
            BodyHandlers.ofString());
    assertThat(zipped.statusCode()).isEqualTo(415);
    HttpResponse<String> got =
        client.send(request(JSON, body).GET().build(), BodyHandlers.ofString());
    assertThat(got.statusCode()).isEqualTo(405);
    assertThat(got.headers().firstValue("Allow")).contains("POST");
    for (String path :
        List.of("/api/tasks/", "/api/tasks;a=b", "/api//tasks", "/API/tasks", "/api")) {
      HttpRequest request =
          HttpRequest.newBuilder(request(JSON, body).build(), (_, _) -> true)
              .uri(uri(path))
              .build();
      assertThat(client.send(request, BodyHandlers.ofString()).statusCode())
          .as(path)
          .isIn(400, 405);
    }
    assertThat(tasks()).isZero();
  }

  @Test
  void more_lines_than_a_request_may_have_are_told_with_what_is_stored() throws Exception {
    int most = 100_000;
    StringBuilder body = new StringBuilder();
    for (int n = 0; n <= most; n++) {
      body.append(line(n, "")).append('\n');
    }
    JsonNode problem = refused(413, NDJSON, bytes(body.toString()));
    assertThat(problem.path("stored").asInt()).isEqualTo(most);
    assertThat(problem.path("tasks").size()).isEqualTo(most);
    assertThat(problem.path("detail").asString()).contains("the lines from 100001 on");
    await().until(() -> tasks() == most);
  }

  @Test
  void a_number_that_no_database_takes_fails_only_its_own_line() throws Exception {
    String line = "{\"type\":\"test.worth\",\"params\":{\"amount\":%s}}";
    wrong(line.formatted("1e131072"), "params", "the number 1E+131072 at character");
    wrong(line.formatted("1e-16384"), "params", "send it as a text");
    StringBuilder body = new StringBuilder();
    for (int n = 1; n <= 1_002; n++) {
      body.append(line.formatted(n == 1_002 ? "7e200000" : "1e131071")).append('\n');
    }
    JsonNode problem = refused(400, NDJSON, bytes(body.toString()));
    assertThat(problem.path("line").asInt()).isEqualTo(1_002);
    assertThat(problem.path("stored").asInt()).isEqualTo(1_000);
    assertThat(tasks()).isEqualTo(1_000);
  }

  @Test
  void a_store_that_goes_away_is_told_with_what_is_durable_and_what_is_not_known()
      throws Exception {
    StringBuilder body = new StringBuilder();
    for (int n = 1; n <= 1_500; n++) {
      body.append(line(n, "")).append('\n');
    }
    f.submissions.left.set(1);
    HttpResponse<String> answer = post(NDJSON, body.toString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
    assertThat(answer.headers().firstValue("Retry-After")).contains("5");
    JsonNode problem = READER.readTree(answer.body());
    assertThat(problem.path("stored").asInt()).isEqualTo(1_000);
    assertThat(problem.path("uncertain").asInt()).isEqualTo(500);
    assertThat(problem.path("tasks").size()).isEqualTo(1_000);
    assertThat(problem.path("detail").asString())
        .contains("the database does not answer", "send the lines from 1001 on again");
    f.submissions.left.set(Integer.MAX_VALUE);
    assertThat(post(NDJSON, line(1, "")).statusCode()).isEqualTo(200);
  }

  @Test
  void a_request_too_many_waits_a_while_and_is_told_to_come_again() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int n = 0; n < SubmitApi.REQUESTS_MAX; n++) {
        slow.add(begun());
      }
      await().until(() -> post(JSON, line(1, "")).statusCode() == 503);
      HttpResponse<String> answer = post(JSON, line(1, ""));
      assertThat(answer.headers().firstValue("Retry-After")).contains("5");
      assertThat(READER.readTree(answer.body()).path("detail").asString())
          .contains("16 submits are being read already", "try again", "No line is stored");
      assertThat(READER.readTree(answer.body()).path("stored").asInt()).isZero();

      long before = tasks();
      Socket first = slow.getFirst();
      first.getOutputStream().write('\n');
      assertThat(first.getInputStream().readAllBytes())
          .asString()
          .contains(" 200 ", "\"fresh\":true");
      assertThat(tasks()).isEqualTo(before + 1);
      assertThat(post(JSON, line(1, "")).statusCode()).as("there is room again").isEqualTo(200);
    } finally {
      for (Socket each : slow) {
        each.close();
      }
    }
  }

  /** A request whose last byte is missing. */
  private Socket begun() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), f.server.port());
    String text = line(1, "");
    socket
        .getOutputStream()
        .write(
            bytes(
                "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
                    .formatted(NDJSON, token(), bytes(text).length + 1, text)));
    return socket;
  }

  private JsonNode refused(int status, String type, byte[] body) throws Exception {
    HttpResponse<String> answer = client.send(request(type, body).build(), BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    JsonNode problem = READER.readTree(answer.body());
    assertThat(problem.path("status").asInt()).isEqualTo(status);
    return problem;
  }

  private HttpResponse<String> post(String type, String body) throws Exception {
    return client.send(request(type, bytes(body)).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String type, byte[] body) throws IOException {
    return HttpRequest.newBuilder(uri("/api/tasks"))
        .header("Content-Type", type)
        .header("Authorization", "Bearer " + token())
        .POST(BodyPublishers.ofByteArray(body));
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + f.server.port() + path);
  }

  private static String token() throws IOException {
    return Files.readString(TOKEN).strip();
  }

  private static String line(int n, String fields) {
    return "{\"type\":\"test.work\",\"params\":{\"n\":%d,\"text\":\"中文\"}%s}".formatted(n, fields);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static List<JsonNode> lines(String body) {
    List<JsonNode> lines = new ArrayList<>();
    body.lines().forEach(line -> lines.add(READER.readTree(line)));
    return lines;
  }

  private String ask(String column, JsonNode answer) throws SQLException {
    return database.ask(
        "select %s from batchyard.task where id = %d"
            .formatted(column, answer.path("task").asLong()));
  }

  private long tasks() throws SQLException {
    return Long.parseLong(database.ask("select count(*) from batchyard.task"));
  }
}
