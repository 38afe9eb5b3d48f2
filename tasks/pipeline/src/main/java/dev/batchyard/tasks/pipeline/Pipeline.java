package dev.batchyard.tasks.pipeline;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Progress;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.pipeline.Checkpoint;
import dev.batchyard.api.pipeline.Chunk;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.api.pipeline.Sink;
import dev.batchyard.api.pipeline.Source;
import dev.batchyard.api.pipeline.Step;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Drives one attempt: opens the sink, opens the source where the sink's last commit ended, then
 * reads, checks and commits chunk by chunk. Chunks are read and taken through the steps on a thread
 * of their own, at most {@link ReadAhead#CHUNKS_AHEAD_MAX} ahead. That thread has ended when {@link
 * #run} returns or throws.
 *
 * <p>A crash loses nothing but what was not committed: the next attempt goes on at the sink's last
 * commit. Where the reply to a commit is lost, the attempt fails with the sink's error and the next
 * one learns from the sink whether the commit held.
 *
 * @param <T> what the source gives
 * @param <R> what the sink takes
 */
public final class Pipeline<T, R> {

  /**
   * The limits of a run.
   *
   * @param chunkItems the most items that are committed together
   * @param rejectsMax the most rejects of the whole task; one more and the task fails, with the
   *     chunk that crossed the limit committed
   */
  public record Limits(int chunkItems, long rejectsMax) {
    public Limits {
      if (chunkItems < 1) {
        throw new IllegalArgumentException("chunkItems < 1: " + chunkItems);
      }
      if (rejectsMax < 0) {
        throw new IllegalArgumentException("rejectsMax < 0: " + rejectsMax);
      }
    }
  }

  private static final int REJECTS_TOLD_MAX = 3;
  private static final double NANOS_PER_SECOND = 1e9;

  private final Source<T> source;
  private final Step<T, R> step;
  private final Sink<R> sink;
  private final Limits limits;
  private final LongSupplier nanos;
  private final List<Reject> firstRejects = new ArrayList<>();
  private Ledger ledger = Ledger.EMPTY;
  private Optional<Progress> underWay = Optional.empty();

  /** Makes a pipeline for one attempt; it owns source and sink and closes both. */
  public Pipeline(
      Source<T> source, Step<T, R> step, Sink<R> sink, Limits limits, LongSupplier nanos) {
    this.source = source;
    this.step = step;
    this.sink = sink;
    this.limits = limits;
    this.nanos = nanos;
  }

  /**
   * Runs until the source ends, the attempt is asked to stop, or something fails.
   *
   * @return completed with {@code read, written, skipped, rejected} of the whole task and the
   *     {@code seconds} of this attempt; or stopped, with everything written committed
   * @throws FinalFailure if there are more rejects than the limit allows
   */
  public Outcome run(TaskContext context) throws Exception {
    long started = nanos.getAsLong();
    try (sink;
        source) {
      Optional<Checkpoint> from = sink.open();
      ledger = from.map(Checkpoint::ledger).orElse(Ledger.EMPTY);
      requireFewRejects();
      source.open(from.map(Checkpoint::position));
      String name = "read task " + context.lease().task();
      try (ReadAhead<T, R> chunks = new ReadAhead<>(source, step, limits.chunkItems(), name)) {
        chunks.start();
        return drain(chunks, context, started);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // so that closing does not wait either
        throw e;
      }
    }
  }

  private Outcome drain(ReadAhead<T, R> chunks, TaskContext context, long started)
      throws Exception {
    while (true) {
      if (context.stopRequested()) {
        settle(context);
        return Outcome.stopped();
      }
      if (!chunks.hasNext()) { // while the reader reads, nothing is lost by waiting
        settle(context);
      }
      Optional<Chunk<R>> chunk = chunks.next();
      if (chunk.isEmpty()) {
        return Outcome.completed(result(ledger, nanos.getAsLong() - started));
      }
      note(sink.write(chunk.get()), context);
    }
  }

  private void settle(TaskContext context) throws Exception {
    note(sink.flush(), context);
    sink.await();
    tell(context);
  }

  private void note(Optional<Sink.Written> begun, TaskContext context) throws Exception {
    if (begun.isEmpty()) {
      return;
    }
    tell(context); // all before it are committed
    Sink.Written written = begun.get();
    ledger = written.ledger();
    remember(written.rejects());
    underWay = Optional.of(new Progress(ledger.read(), written.fraction()));
    if (ledger.rejected() > limits.rejectsMax()) {
      sink.await();
      tell(context);
      requireFewRejects();
    }
  }

  /** Progress is never ahead of what is committed. */
  private void tell(TaskContext context) {
    underWay.ifPresent(context::progress);
    underWay = Optional.empty();
  }

  private void remember(List<Reject> rejects) {
    for (Reject reject : rejects) {
      if (firstRejects.size() < REJECTS_TOLD_MAX) {
        firstRejects.add(reject);
      }
    }
  }

  private void requireFewRejects() {
    if (ledger.rejected() <= limits.rejectsMax()) {
      return;
    }
    StringBuilder first = new StringBuilder();
    for (Reject reject : firstRejects) {
      first.append("; row %,d".formatted(reject.number()));
      if (!reject.column().isEmpty()) {
        first.append(", column ").append(reject.column());
      }
      first.append(": ").append(withoutStop(reject.reason()));
    }
    throw new FinalFailure(
        "rejectsMax: %,d of %,d rows were rejected, more than rejectsMax %,d allows%s. Mend the source or raise rejectsMax, then submit anew"
            .formatted(ledger.rejected(), ledger.read(), limits.rejectsMax(), first));
  }

  /** PostgreSQL ends its details with a full stop, and here a sentence goes on. */
  private static String withoutStop(String reason) {
    return reason.endsWith(".") ? reason.substring(0, reason.length() - 1) : reason;
  }

  private static Map<String, Object> result(Ledger ledger, long took_ns) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("read", ledger.read());
    result.put("written", ledger.written());
    result.put("skipped", ledger.skipped());
    result.put("rejected", ledger.rejected());
    result.put("seconds", Math.round(took_ns / NANOS_PER_SECOND * 1000) / 1000.0);
    return result;
  }
}
