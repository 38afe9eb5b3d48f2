package dev.batchyard.web.api;

import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.web.page.Formats;
import dev.batchyard.web.page.Reader;
import dev.batchyard.web.page.WaitText;
import dev.batchyard.web.page.Words;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Pattern;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;

/**
 * Tells programs why a task does not run: {@code ?task=} says which one, {@code lang} or {@code
 * Accept-Language} in which language its texts are.
 */
@Controller
public final class WhyApi {

  /** Where it is. */
  public static final String PATH = "/api/why";

  private static final Pattern ID = Pattern.compile("[1-9]\\d{0,17}");

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
    Answers.guarded(
        response,
        () -> {
          Optional<Why> why = reasons.of(Long.parseLong(task));
          if (why.isEmpty()) {
            ProblemJson.write(
                response,
                HttpServletResponse.SC_NOT_FOUND,
                "task %s: there is none".formatted(task));
          } else {
            write(response, why.get(), Reader.of(request));
          }
        });
  }

  private static void write(HttpServletResponse response, Why why, Reader reader)
      throws IOException {
    Words words = Words.in(reader.language());
    WaitText text = new WaitText(words, new Formats(words, reader.zone()));
    Answers.write(response, json -> WhyJson.write(json, WhyJson.document(why, text)));
  }
}
