package dev.batchyard.engine.run;

import dev.batchyard.engine.crash.CrashPoint;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores the ends of attempts, all that wait in one statement; a lone one waits for nobody. While
 * the store is away it keeps the same batch, whose repetition the store recognises. What waits here
 * is bounded by what the node holds.
 */
final class FinishLoop implements Loop.Step {

  private static final Logger LOG = LoggerFactory.getLogger(FinishLoop.class);

  private final Finishes finishes;
  private final BlockingQueue<Finish> waiting;
  private final BlockingQueue<Finish> aside;
  private final List<Finish> batch = new ArrayList<>();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicBoolean stored = new AtomicBoolean();
  private volatile Consumer<List<Claim>> settled = claims -> {};

  FinishLoop(Finishes finishes, Threads threads) {
    this.finishes = finishes;
    this.waiting = threads.newQueue();
    this.aside = threads.newQueue();
  }

  /** Told of the claims whose ends are stored or refused. */
  void onSettled(Consumer<List<Claim>> listener) {
    settled = listener;
  }

  void add(Finish end) {
    waiting.add(end);
  }

  /** Tells those again that the store could not take. */
  void tellAgain() {
    int _ = aside.drainTo(waiting);
  }

  /** A write of an attempt was refused before its end. */
  void refused() {
    refused.incrementAndGet();
  }

  /** {@return the refusals since the last call} */
  long takeRefused() {
    return refused.getAndSet(0);
  }

  /** {@return whether ends were stored since the last call} */
  boolean takeStored() {
    return stored.getAndSet(false);
  }

  /** Puts back what {@link #takeRefused()} gave, when it could not be told. */
  void giveBackRefused(long count) {
    refused.addAndGet(count);
  }

  @Override
  public void runOnce() throws InterruptedException {
    if (batch.isEmpty()) {
      batch.add(waiting.take());
      waiting.drainTo(batch, Finishes.BATCH_MAX - 1);
      // ends are answered by their tasks: one of a later attempt waits for the next batch
      Set<Long> tasks = new HashSet<>();
      boolean _ = batch.removeIf(end -> !tasks.add(end.claim().task()) && waiting.add(end));
    }
    CrashPoint.ENDS_GATHERED.pass();
    Finishes.Result result = finishes.finish(List.copyOf(batch));
    CrashPoint.ENDS_STORED.pass();
    stored.set(true);
    List<Claim> over = new ArrayList<>();
    for (Finish end : batch) {
      long task = end.claim().task();
      if (result.refused().contains(task)) {
        refused.incrementAndGet();
        LOG.warn(
            "task {}: the end of attempt {} was refused, its lease is lost",
            task,
            end.claim().counters().attempt());
      } else if (!result.kept().contains(task)) {
        aside.add(end);
        continue;
      }
      over.add(end.claim());
    }
    settled.accept(over);
    batch.clear();
  }
}
