package dev.batchyard.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jsoup.Jsoup;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@PostgresTest
final class SecurityTest {

  private WebFixture f;

  @BeforeEach
  void open(TestDatabase test) throws SQLException {
    f = new WebFixture(test);
  }

  @AfterEach
  void close() {
    f.close();
  }

  @Test
  void the_printed_link_signs_in_one_browser_once() {
    URI link = f.server.url();
    assertThat(link.toString())
        .matches("http://127\\.0\\.0\\.1:" + f.server.port() + "/\\?token=[A-Za-z0-9_-]{43}");
    try (Browser first = new Browser(f.server);
        Browser second = new Browser(f.server)) {
      HttpResponse<String> answer = first.get(link.toString());
      assertThat(answer.statusCode()).isEqualTo(303);
      assertThat(answer.headers().firstValue("Location")).contains("/");
      assertThat(answer.headers().firstValue("Set-Cookie").orElseThrow())
          .startsWith("batchyard-" + f.server.port() + "=")
          .contains("HttpOnly", "SameSite=Strict", "Path=/");
      assertThat(first.get("/").statusCode()).isEqualTo(200);
      assertThat(first.get(link.toString()).statusCode()).as("with the cookie").isEqualTo(303);

      HttpResponse<String> late = second.get(link.toString());
      assertThat(late.statusCode()).isEqualTo(401);
      assertThat(Jsoup.parse(late.body()).select("h1").text())
          .isEqualTo("This link is not good any more");
      assertThat(second.cookies()).isEmpty();
      assertThat(late.body()).doesNotContain(link.getQuery().substring("token=".length()));
    }
  }

  @Test
  void a_fresh_link_lies_in_a_file_of_the_owner_as_long_as_the_server_runs() throws IOException {
    Path file = WebFixture.LINKS.resolve("link-" + f.server.port());
    URI printed = f.server.url();
    assertThat(Files.readString(file)).isEqualTo(printed + "\n");
    try (Browser first = Browser.signedIn(f.server);
        Browser second = new Browser(f.server)) {
      String fresh = Files.readString(file).strip();
      assertThat(fresh).isNotEqualTo(printed.toString()).isEqualTo(f.server.url().toString());
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo("rw-------");
      assertThat(second.get("/?token=guess").statusCode()).isEqualTo(401);
      assertThat(Files.readString(file).strip()).as("a guess uses nothing up").isEqualTo(fresh);
      assertThat(second.get(fresh).statusCode()).isEqualTo(303);
      assertThat(second.get("/").statusCode()).isEqualTo(200);
      assertThat(first.get("/").statusCode()).isEqualTo(200);
      assertThat(Files.readString(file).strip()).isNotEqualTo(fresh);
    }
    f.server.close();
    assertThat(file).doesNotExist();
  }

  @Test
  void a_sign_in_while_the_server_ends_leaves_no_link_behind() {
    Path file = WebFixture.LINKS.resolve("link-" + f.server.port());
    assertThat(file).exists();
    f.server.dropLink();
    assertThat(file).doesNotExist();
    try (Browser last = Browser.signedIn(f.server)) {
      assertThat(last.get("/").statusCode()).isEqualTo(200);
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void of_browsers_that_come_at_once_with_one_link_one_gets_in() {
    String link = f.server.url().toString();
    List<CompletableFuture<Integer>> answers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      answers.add(
          CompletableFuture.supplyAsync(() -> {
            try (Browser browser = new Browser(f.server)) {
              return browser.get(link).statusCode();
            }
          }));
    }
    assertThat(answers.stream().map(CompletableFuture::join).filter(status -> status == 303))
        .hasSize(1);
  }

  @Test
  void a_link_that_cannot_be_kept_stops_nobody(@TempDir Path folder) throws IOException {
    Path file = Files.createFile(folder.resolve("no-folder"));
    WebConfig config = new WebConfig(0, WebFixture.own("web3"), file);
    try (WebServer server = WebServer.start(config, f.views(f.store.taskViews()), f.submitter);
        Browser first = Browser.signedIn(server);
        Browser second = Browser.signedIn(server)) {
      assertThat(first.get("/").statusCode()).isEqualTo(200);
      assertThat(second.get("/").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void without_the_cookie_nothing_is_shown_but_where_the_link_is() {
    try (Browser stranger = new Browser(f.server)) {
      for (String path :
          List.of("/", "/nodes", "/tasks/1", "/live/tasks", "/assets/htmx.js", "/?token=guess")) {
        HttpResponse<String> answer = stranger.get(path);
        assertThat(answer.statusCode()).as(path).isEqualTo(401);
        assertThat(Jsoup.parse(answer.body()).select(".message").text())
            .contains("run/link-" + f.server.port());
      }
      stranger.cookies().put("batchyard-" + f.server.port(), "guess");
      assertThat(stranger.get("/").statusCode()).isEqualTo(401);
      assertThat(stranger.get("/assets/pages.css").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void a_foreign_name_in_host_is_refused_even_with_the_cookie() throws IOException {
    try (Browser browser = f.signIn()) {
      String name = "batchyard-" + f.server.port();
      String cookie = "Cookie: " + name + "=" + browser.cookies().get(name);
      for (String host : List.of("evil.example", "127.0.0.1.evil.example", "127.0.0.2", "")) {
        assertThat(status("GET / HTTP/1.1", "Host: " + host, cookie)).as(host).isEqualTo(421);
      }
      for (String host : List.of("127.0.0.1", "localhost:" + f.server.port(), "[::1]:80")) {
        assertThat(status("GET / HTTP/1.1", "Host: " + host, cookie)).as(host).isEqualTo(200);
      }
      assertThat(status("GET /tasks//1 HTTP/1.1", "Host: localhost", cookie)).isEqualTo(400);
      assertThat(status("GET /tasks/1;a=b HTTP/1.1", "Host: localhost", cookie)).isEqualTo(400);
      assertThat(status("GET /a/../nodes HTTP/1.1", "Host: localhost", cookie)).isEqualTo(400);
    }
  }

  @Test
  void only_reading_is_possible() {
    try (Browser browser = f.signIn()) {
      for (String method : List.of("POST", "PUT", "DELETE", "PATCH", "OPTIONS")) {
        HttpResponse<String> answer = browser.send(method, "/");
        assertThat(answer.statusCode()).as(method).isEqualTo(405);
        assertThat(answer.headers().firstValue("Allow")).contains("GET");
      }
      assertThat(browser.send("TRACE", "/").statusCode()).isEqualTo(405);
    }
  }

  @Test
  void every_answer_carries_the_headers_that_guard_it() {
    try (Browser browser = f.signIn();
        Browser stranger = new Browser(f.server)) {
      for (HttpResponse<String> answer :
          List.of(
              browser.get("/"),
              browser.get("/nothing"),
              browser.get("/assets/pages.js"),
              browser.send("POST", "/"),
              stranger.get("/"))) {
        assertThat(answer.headers().firstValue("Content-Security-Policy").orElseThrow())
            .startsWith("default-src 'self';")
            .contains("frame-ancestors 'none'")
            .doesNotContain("unsafe");
        assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(answer.headers().firstValue("X-Frame-Options")).contains("DENY");
        assertThat(answer.headers().firstValue("Referrer-Policy")).contains("no-referrer");
        assertThat(answer.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(answer.headers().firstValue("Server")).isEmpty();
      }
    }
  }

  @Test
  void only_loopback_is_bound() throws IOException {
    for (InetAddress address : InetAddress.getAllByName(InetAddress.getLocalHost().getHostName())) {
      if (!address.isLoopbackAddress()) {
        assertThatThrownBy(() -> new Socket(address, f.server.port()).close())
            .isInstanceOf(IOException.class);
      }
    }
  }

  @Test
  void a_port_in_use_is_named_with_the_cure() {
    WebConfig config = new WebConfig(f.server.port(), WebFixture.own("web2"), WebFixture.LINKS);
    assertThatThrownBy(
            () -> WebServer.start(config, f.views(f.store.taskViews()), f.submitter).close())
        .isInstanceOf(PortInUse.class)
        .hasMessageContaining("127.0.0.1:" + f.server.port())
        .hasMessageContaining("--port")
        .hasMessageNotContaining("\n");
  }

  private int status(String... lines) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), f.server.port())) {
      String request = String.join("\r\n", lines) + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return Integer.parseInt(answer.split(" ", 3)[1]);
    }
  }
}
