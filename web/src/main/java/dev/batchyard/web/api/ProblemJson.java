package dev.batchyard.web.api;

import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.springframework.http.HttpStatus;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Writes refusals as {@code application/problem+json} (RFC 9457). */
public final class ProblemJson {

  private static final JsonFactory JSON = new JsonFactory();

  private ProblemJson() {}

  /**
   * Answers with a refusal and sends it off.
   *
   * @param detail what is wrong, with the value and the cure
   */
  public static void write(HttpServletResponse response, int status, String detail)
      throws IOException {
    write(response, status, detail, List.of());
  }

  /**
   * The same with more members.
   *
   * @param more each writes members of its own
   */
  static void write(
      HttpServletResponse response, int status, String detail, List<Consumer<JsonGenerator>> more)
      throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), document)) {
      json.writeStartObject();
      json.writeStringProperty("title", HttpStatus.valueOf(status).getReasonPhrase());
      json.writeNumberProperty("status", status);
      json.writeStringProperty("detail", detail);
      more.forEach(part -> part.accept(json));
      json.writeEndObject();
    }
    response.setStatus(status);
    response.setContentType("application/problem+json");
    response.setContentLength(document.size());
    document.writeTo(response.getOutputStream());
    response.flushBuffer();
  }
}
