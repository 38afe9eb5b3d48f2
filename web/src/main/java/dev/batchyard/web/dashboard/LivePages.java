package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.StoreUnavailable;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pushes the changed regions of pages to their browsers as server-sent events, on the virtual
 * thread of the request, until the browser goes away or the server is closed. Thread-safe.
 */
public final class LivePages implements AutoCloseable {

  /** The most pages that are live at once; further ones are told to try again later. */
  static final int OPEN_MAX = 64;

  private static final Logger LOG = LoggerFactory.getLogger(LivePages.class);

  /** Looks this often for something new; a browser that went away is noticed after two beats. */
  private static final long LOOK_MS = 250;

  private static final int LOOKS_PER_BEAT = 8;

  private final Semaphore free = new Semaphore(OPEN_MAX);
  private final CountDownLatch closed = new CountDownLatch(1);

  /** {@return how many pages are live} */
  public int open() {
    return OPEN_MAX - free.availablePermits();
  }

  /**
   * Answers a request with events for as long as its browser listens.
   *
   * @param read what the page shows now; the same object as long as it is not read anew
   * @param regions what stands in the page's regions; only what differs from the last time is sent
   * @param away what is sent instead while the store does not answer
   */
  <S> void serve(
      HttpServletResponse response,
      Supplier<S> read,
      Function<S, List<Region>> regions,
      Region away)
      throws IOException {
    if (!free.tryAcquire()) {
      response.setHeader("Retry-After", "10");
      response.setStatus(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
      return;
    }
    try {
      push(response, read, regions, away);
    } catch (IOException e) {
      LOG.debug("a live page went away: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      free.release();
    }
  }

  private <S> void push(
      HttpServletResponse response,
      Supplier<S> read,
      Function<S, List<Region>> regions,
      Region away)
      throws IOException, InterruptedException {
    Map<String, String> sent = new HashMap<>();
    Optional<S> shown = Optional.empty();
    int idle = 0;
    do {
      List<Region> now = List.of();
      try {
        S value = read.get();
        if (shown.isEmpty() || !shown.get().equals(value)) {
          now = regions.apply(value);
          shown = Optional.of(value);
        }
      } catch (StoreUnavailable e) {
        now = List.of(away);
        shown = Optional.empty();
      }
      StringBuilder events = new StringBuilder();
      for (Region region : now) {
        if (!region.html().equals(sent.put(region.name(), region.html()))) {
          append(events, region);
        }
      }
      if (events.isEmpty() && ++idle % LOOKS_PER_BEAT == 0) {
        events.append(": here\n\n");
      }
      if (!events.isEmpty()) {
        response.setContentType("text/event-stream;charset=UTF-8");
        response.getOutputStream().write(events.toString().getBytes(StandardCharsets.UTF_8));
        response.flushBuffer();
      }
    } while (!closed.await(LOOK_MS, TimeUnit.MILLISECONDS));
  }

  private static void append(StringBuilder events, Region region) {
    events.append("event: ").append(region.name()).append('\n');
    region.html().lines().forEach(line -> events.append("data: ").append(line).append('\n'));
    if (region.html().isEmpty()) {
      events.append("data: \n");
    }
    events.append('\n');
  }

  /** Ends all live pages. */
  @Override
  public void close() {
    closed.countDown();
  }
}
