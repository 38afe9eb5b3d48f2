package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.web.page.Page;
import dev.batchyard.web.page.Reader;
import dev.batchyard.web.page.Templates;
import dev.batchyard.web.page.Words;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.servlet.resource.NoResourceFoundException;

/** What stands in place of a page that cannot be shown. No message of an exception gets out. */
@ControllerAdvice
public final class ErrorPages {

  private static final Logger LOG = LoggerFactory.getLogger(ErrorPages.class);

  private static final int AGAIN_SECONDS = 5;

  private final Templates templates;

  /** Renders with these templates. */
  public ErrorPages(Templates templates) {
    this.templates = templates;
  }

  @ExceptionHandler({
    MissingPage.class,
    NoHandlerFoundException.class,
    NoResourceFoundException.class
  })
  ResponseEntity<String> missing(HttpServletRequest request) {
    return answer(request, HttpStatus.NOT_FOUND, "missing", 0);
  }

  @ExceptionHandler(InvalidAddress.class)
  ResponseEntity<String> invalid(HttpServletRequest request) {
    return answer(request, HttpStatus.BAD_REQUEST, "invalid", 0);
  }

  @ExceptionHandler(StoreUnavailable.class)
  ResponseEntity<String> away(HttpServletRequest request) {
    return answer(request, HttpStatus.SERVICE_UNAVAILABLE, "away", AGAIN_SECONDS);
  }

  @ExceptionHandler(Exception.class)
  ResponseEntity<String> fault(HttpServletRequest request, Exception fault) {
    LOG.error("the page {} failed", request.getRequestURI(), fault);
    return answer(request, HttpStatus.INTERNAL_SERVER_ERROR, "fault", 0);
  }

  private ResponseEntity<String> answer(
      HttpServletRequest request, HttpStatus status, String word, int again) {
    Reader reader = Reader.of(request);
    Words words = Words.in(reader.language());
    Page page = Page.of(reader, words.text(word + ".title"), "", "");
    String html =
        templates.html(
            "message", Map.of("page", page, "text", words.text(word + ".text"), "again", again));
    return ResponseEntity.status(status)
        .header(HttpHeaders.CONTENT_TYPE, "text/html;charset=UTF-8")
        .body(html);
  }
}
