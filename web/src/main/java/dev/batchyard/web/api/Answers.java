package dev.batchyard.web.api;

import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.StoreUnavailable;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.springframework.http.MediaType;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** How programs are answered that show and set small things: one JSON value, or what is wrong. */
final class Answers {

  private static final JsonFactory JSON = new JsonFactory();

  private Answers() {}

  /** Answers, or throws what went wrong. */
  @FunctionalInterface
  interface Answer {
    void give() throws IOException, BadLine;
  }

  /** Writes one JSON value. */
  @FunctionalInterface
  interface Document {
    void to(JsonGenerator json);
  }

  static void guarded(HttpServletResponse response, Answer answer) throws IOException {
    try {
      answer.give();
    } catch (BadLine e) {
      Problem first = e.problems().getFirst();
      ProblemJson.write(
          response,
          HttpServletResponse.SC_BAD_REQUEST,
          first.path().isEmpty() ? first.message() : first.path() + ": " + first.message());
    } catch (IllegalArgumentException e) {
      ProblemJson.write(
          response, HttpServletResponse.SC_BAD_REQUEST, String.valueOf(e.getMessage()));
    } catch (MoveRefused e) {
      ProblemJson.write(response, HttpServletResponse.SC_CONFLICT, String.valueOf(e.getMessage()));
    } catch (StoreUnavailable e) {
      ProblemJson.write(
          response,
          HttpServletResponse.SC_SERVICE_UNAVAILABLE,
          "the database does not answer; try again in a while");
    }
  }

  static void write(HttpServletResponse response, Document document) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
      document.to(json);
    }
    response.setContentType(MediaType.APPLICATION_JSON_VALUE);
    response.setContentLength(bytes.size());
    bytes.writeTo(response.getOutputStream());
  }
}
