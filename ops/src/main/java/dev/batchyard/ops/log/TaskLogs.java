package dev.batchyard.ops.log;

import dev.batchyard.engine.port.AttemptLogs;
import dev.batchyard.engine.port.LogLines;
import dev.batchyard.engine.port.LogLines.Line;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Catches the log lines of attempts and stores them in batches. An attempt is never held up and
 * never fails because of its log: when more lines wait than {@link #WAITING_MAX}, new ones are
 * dropped and counted, and the next stored line of the node's own log says how many. Lines that
 * wait when the process is killed are lost; at the end of an attempt they are sent on their way at
 * once.
 */
public final class TaskLogs implements AttemptLogs, AutoCloseable {

  /** The most lines that wait to be stored. */
  static final int WAITING_MAX = 20_000;

  private static final Logger LOG = LoggerFactory.getLogger(TaskLogs.class);

  private final LogLines store;
  private final InstantSource clock;
  private final ScheduledExecutorService timer;
  private final BlockingQueue<Line> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
  private final List<Line> batch = new ArrayList<>();
  private final AtomicLong dropped = new AtomicLong();
  private final ReentrantLock flushing = new ReentrantLock();
  private final Duration every;

  /** Whether a flush is to come: without lines nothing wakes up. */
  private final AtomicBoolean due = new AtomicBoolean();

  /**
   * Stores lines after {@code every} at the latest, and tries as often while the store is away.
   *
   * @param timer runs the storing; ended by its owner after {@link #close()}
   */
  public TaskLogs(
      LogLines store, InstantSource clock, ScheduledExecutorService timer, Duration every) {
    this.store = store;
    this.clock = clock;
    this.timer = timer;
    this.every = every;
  }

  @Override
  public OpenLog open(long task, int attempt) {
    return new BoundedLog(task, attempt, clock, this::add);
  }

  /** Stores all that waits. */
  @Override
  public void close() {
    boolean _ = flushQuietly();
  }

  private void add(Line line) {
    if (!waiting.offer(line)) {
      dropped.incrementAndGet();
    } else if (waiting.size() == LogLines.BATCH_MAX) {
      flushIn(Duration.ZERO);
    } else if (!due.get() && due.compareAndSet(false, true)) {
      flushIn(every);
    }
  }

  private void flushIn(Duration delay) {
    try {
      var _ = timer.schedule(this::flushDue, delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("a line came after the end of the node, from a handler that did not stop");
    }
  }

  private void flushDue() {
    due.set(false);
    if (!flushQuietly() && due.compareAndSet(false, true)) {
      flushIn(every);
    }
  }

  /**
   * An outage keeps the batch for the next time; the bound on what waits does the rest.
   *
   * @return whether all was stored
   */
  private boolean flushQuietly() {
    flushing.lock();
    try {
      while (!batch.isEmpty() || !waiting.isEmpty()) {
        if (batch.isEmpty()) {
          waiting.drainTo(batch, LogLines.BATCH_MAX);
        }
        store.append(List.copyOf(batch));
        batch.clear();
      }
      long lost = dropped.getAndSet(0);
      if (lost > 0) {
        LOG.warn("{} log lines of tasks were dropped: they came faster than the store took", lost);
      }
      return true;
    } catch (RuntimeException e) {
      LOG.debug("log lines wait: {}", e.getMessage());
      return false;
    } finally {
      flushing.unlock();
    }
  }
}
