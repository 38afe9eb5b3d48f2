package dev.batchyard.web.api;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.web.page.Formats;
import dev.batchyard.web.page.Reader;
import dev.batchyard.web.page.WaitText;
import dev.batchyard.web.page.Words;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Pattern;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Tells programs why a task does not run: {@code ?task=} says which one, {@code lang} or {@code
 * Accept-Language} in which language its texts are.
 */
@Controller
public final class WhyApi {

  /** Where it is. */
  public static final String PATH = "/api/why";

  private static final Pattern ID = Pattern.compile("[1-9]\\d{0,17}");
  private static final JsonFactory JSON = new JsonFactory();

  private final WaitReasons reasons;

  /** Tells these reasons. */
  public WhyApi(WaitReasons reasons) {
    this.reasons = reasons;
  }

  @GetMapping(PATH)
  void get(
      HttpServletRequest request,
      HttpServletResponse response,
      @RequestParam(name = "task", defaultValue = "") String task)
      throws IOException {
    if (!ID.matcher(task).matches()) {
      ProblemJson.write(
          response,
          HttpServletResponse.SC_BAD_REQUEST,
          "task: '%s' must be the number of a task, such as %s?task=4711".formatted(task, PATH));
      return;
    }
    try {
      Optional<Why> why = reasons.of(Long.parseLong(task));
      if (why.isEmpty()) {
        ProblemJson.write(
            response, HttpServletResponse.SC_NOT_FOUND, "task %s: there is none".formatted(task));
      } else {
        write(response, why.get(), Reader.of(request));
      }
    } catch (StoreUnavailable e) {
      ProblemJson.write(
          response,
          HttpServletResponse.SC_SERVICE_UNAVAILABLE,
          "the database does not answer; try again in a while");
    }
  }

  private static void write(HttpServletResponse response, Why why, Reader reader)
      throws IOException {
    Words words = Words.in(reader.language());
    WaitText text = new WaitText(words, new Formats(words, reader.zone()));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
      WhyJson.write(json, WhyJson.document(why, text));
    }
    response.setContentType(MediaType.APPLICATION_JSON_VALUE);
    response.setContentLength(bytes.size());
    bytes.writeTo(response.getOutputStream());
  }
}
