package dev.batchyard.web.api;

import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.InvalidParameters.Problem;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.run.Submitter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.PostMapping;
import tools.jackson.core.JsonGenerator;

/**
 * Takes tasks from programs: one as {@code application/json}, or many as {@code
 * application/x-ndjson}, one a line, which are stored a page at a time while they are read. The
 * answer comes when all is read, since only then is its status known; so it tells of every line
 * that is durable also when a later one is refused. A request that breaks off stores its whole
 * pages and nothing of the last one.
 */
@Controller
public final class SubmitApi {

  /** Where it is. */
  public static final String PATH = "/api/tasks";

  /** The most lines of a request: their answers are kept until the last one is read. */
  static final int LINES_MAX = 100_000;

  /** The most requests that are read at once; each holds a page. */
  public static final int REQUESTS_MAX = 16;

  /** So long a further request waits for one of them to end before it is told to come again. */
  public static final Duration PATIENCE = Duration.ofSeconds(10);

  /** So much of what comes behind a refusal is read, that its sender gets to reading the answer. */
  private static final long REST_BYTES_MAX = 64L * 1024 * 1024;

  private static final int AGAIN_S = 5;
  private static final int ANSWER_BYTES = 32;
  private static final int ANSWERS_AT_ONCE = 1_000;
  private static final int REST_AT_ONCE = 64 * 1024;

  private static final MediaType NDJSON = MediaType.parseMediaType("application/x-ndjson");

  private static final Logger LOG = LoggerFactory.getLogger(SubmitApi.class);

  private final Submitter submitter;
  private final Duration patience;
  private final TaskReader reader;
  private final Semaphore free = new Semaphore(REQUESTS_MAX, true);

  /** Submits by this one; a request beyond {@link #REQUESTS_MAX} waits so long. */
  public SubmitApi(Submitter submitter, Duration patience) {
    this.submitter = submitter;
    this.patience = patience;
    reader = new TaskReader(submitter);
  }

  @PostMapping(PATH)
  void submit(HttpServletRequest request, HttpServletResponse response) throws IOException {
    Optional<MediaType> type = type(request);
    if (type.isEmpty()) {
      response.setHeader("Accept-Post", NDJSON + ", " + MediaType.APPLICATION_JSON);
      ProblemJson.write(
          response,
          HttpServletResponse.SC_UNSUPPORTED_MEDIA_TYPE,
          "Content-Type '%s' is not taken; send %s (one task a line) or %s (one task), in UTF-8 and not compressed"
              .formatted(request.getContentType(), NDJSON, MediaType.APPLICATION_JSON));
      return;
    }
    boolean entered = false;
    try {
      entered = free.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS);
      if (entered) {
        take(type.get().equalsTypeAndSubtype(NDJSON), request, response);
      } else {
        away(
            response,
            "%d submits are being read already".formatted(REQUESTS_MAX),
            new Intake(submitter));
      }
    } catch (IOException e) {
      LOG.debug("a submit broke off: {}", e.toString());
      if (!response.isCommitted()) {
        ProblemJson.write(response, HttpServletResponse.SC_BAD_REQUEST, "the request broke off");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      away(response, "the server is about to stop", new Intake(submitter));
    } finally {
      if (entered) {
        free.release();
      }
    }
  }

  /** {@return the type, if it is one that is taken} */
  private static Optional<MediaType> type(HttpServletRequest request) {
    String given = request.getContentType();
    if (given == null || request.getHeader(HttpHeaders.CONTENT_ENCODING) != null) {
      return Optional.empty();
    }
    try {
      MediaType type = MediaType.parseMediaType(given);
      boolean utf8 = type.getCharset() == null || type.getCharset().equals(StandardCharsets.UTF_8);
      boolean known =
          type.equalsTypeAndSubtype(NDJSON)
              || type.equalsTypeAndSubtype(MediaType.APPLICATION_JSON);
      return utf8 && known ? Optional.of(type) : Optional.empty();
    } catch (InvalidMediaTypeException e) {
      return Optional.empty();
    }
  }

  private void take(boolean lines, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    Intake intake = new Intake(submitter);
    int read = 1; // counted before it is read, so that one which cannot be read is named too
    InputStream body = request.getInputStream();
    try {
      if (lines) {
        Lines each = new Lines(body);
        for (String line = each.next(); line != null; line = each.next()) {
          if (read > LINES_MAX) {
            skip(body);
            tooMany(response, intake);
            return;
          }
          intake.add(reader.read(line));
          read++;
        }
      } else {
        intake.add(reader.read(Lines.all(body)));
      }
      intake.store();
      answer(response, lines, intake.stored());
    } catch (BadLine e) {
      skip(body);
      refuse(response, lines, intake, read, e.problems());
    } catch (UnknownName e) {
      int line = intake.stored().size() + e.place().orElse(0) + 1;
      Problem problem = new Problem(e.field(), String.valueOf(e.getMessage()));
      skip(body);
      refuse(response, lines, intake, line, List.of(problem));
    } catch (InvalidParameters e) {
      int line = intake.stored().size() + e.place().orElse(0) + 1;
      skip(body);
      refuse(response, lines, intake, line, TaskReader.ours(e.problems()));
    } catch (StoreUnavailable e) {
      skip(body);
      away(response, "the database does not answer", intake);
    } catch (RuntimeException e) {
      LOG.error("a submit failed", e);
      skip(body);
      ProblemJson.write(
          response,
          HttpServletResponse.SC_INTERNAL_SERVER_ERROR,
          "this failed; the log of the node says why. " + rest(intake),
          List.of(told(intake)));
    }
  }

  private static void answer(HttpServletResponse response, boolean lines, List<Submitted> stored)
      throws IOException {
    response.setContentType((lines ? NDJSON : MediaType.APPLICATION_JSON).toString());
    OutputStream out = response.getOutputStream();
    StringBuilder text = new StringBuilder(ANSWERS_AT_ONCE * ANSWER_BYTES);
    for (int from = 0; from < stored.size(); from += ANSWERS_AT_ONCE) {
      text.setLength(0);
      for (Submitted each : stored.subList(from, Math.min(from + ANSWERS_AT_ONCE, stored.size()))) {
        text.append("{\"task\":").append(each.task());
        text.append(",\"fresh\":").append(each.fresh()).append("}\n");
      }
      out.write(text.toString().getBytes(StandardCharsets.US_ASCII));
    }
  }

  private static void refuse(
      HttpServletResponse response, boolean lines, Intake intake, int line, List<Problem> problems)
      throws IOException {
    Problem first = problems.getFirst();
    String what =
        (first.path().isEmpty() ? first.message() : first.path() + ": " + first.message())
            + (problems.size() > 1 ? " (%d more in problems)".formatted(problems.size() - 1) : "");
    Consumer<JsonGenerator> list =
        json -> {
          if (lines) {
            json.writeNumberProperty("line", line);
          }
          json.writeArrayPropertyStart("problems");
          for (Problem each : problems) {
            json.writeStartObject();
            json.writeStringProperty("field", each.path());
            json.writeStringProperty("detail", each.message());
            json.writeEndObject();
          }
          json.writeEndArray();
        };
    ProblemJson.write(
        response,
        HttpServletResponse.SC_BAD_REQUEST,
        lines
            ? "line %d: %s. %s".formatted(line, what, rest(intake))
            : what + ". Nothing was stored",
        List.of(list, told(intake)));
  }

  private static void tooMany(HttpServletResponse response, Intake intake) throws IOException {
    intake.store();
    ProblemJson.write(
        response,
        HttpServletResponse.SC_REQUEST_ENTITY_TOO_LARGE,
        "more than %,d lines; send the rest in requests of their own. %s"
            .formatted(LINES_MAX, rest(intake)),
        List.of(told(intake)));
  }

  private static void away(HttpServletResponse response, String why, Intake intake)
      throws IOException {
    response.setHeader(HttpHeaders.RETRY_AFTER, String.valueOf(AGAIN_S));
    ProblemJson.write(
        response,
        HttpServletResponse.SC_SERVICE_UNAVAILABLE,
        why + "; try again in a while. " + rest(intake),
        List.of(told(intake)));
  }

  /** {@return what is durable and what is left to do, in words} */
  private static String rest(Intake intake) {
    int stored = intake.stored().size();
    String rest =
        stored == 0
            ? "No line is stored"
            : "The first %d lines are stored, see tasks; send the lines from %d on again"
                .formatted(stored, stored + 1);
    return intake.uncertain() == 0
        ? rest
        : rest
            + "; whether the %d lines behind those are stored is not known: tasks with keys can be sent again without harm"
                .formatted(intake.uncertain());
  }

  /** The same for programs. */
  private static Consumer<JsonGenerator> told(Intake intake) {
    return json -> {
      json.writeNumberProperty("stored", intake.stored().size());
      json.writeNumberProperty("uncertain", intake.uncertain());
      json.writeArrayPropertyStart("tasks");
      for (Submitted each : intake.stored()) {
        json.writeStartObject();
        json.writeNumberProperty("task", each.task());
        json.writeBooleanProperty("fresh", each.fresh());
        json.writeEndObject();
      }
      json.writeEndArray();
    };
  }

  /** Many clients read nothing before they have sent everything. */
  private static void skip(InputStream body) throws IOException {
    byte[] rest = new byte[REST_AT_ONCE];
    long left = REST_BYTES_MAX;
    int read = 0;
    while (read >= 0 && left > 0) {
      read = body.read(rest);
      left -= read;
    }
  }
}
