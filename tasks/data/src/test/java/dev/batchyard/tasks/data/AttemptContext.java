package dev.batchyard.tasks.data;

import dev.batchyard.api.AttemptLog;
import dev.batchyard.api.DurableStep;
import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.Part;
import dev.batchyard.api.Parts;
import dev.batchyard.api.Progress;
import dev.batchyard.api.TaskContext;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** An attempt as a handler sees it: asked to stop after so many chunks, with a log to look into. */
final class AttemptContext implements TaskContext {

  /** What a test does after a chunk is committed. */
  interface AfterChunk {
    void run(int chunk) throws Exception;
  }

  private final LeaseToken lease;
  private final int chunksMax;
  private final List<String> log;
  private final List<Progress> progress;
  private final AfterChunk afterChunk;
  private int chunks;

  AttemptContext(
      LeaseToken lease,
      int chunksMax,
      List<String> log,
      List<Progress> progress,
      AfterChunk afterChunk) {
    this.lease = lease;
    this.chunksMax = chunksMax;
    this.log = log;
    this.progress = progress;
    this.afterChunk = afterChunk;
  }

  @Override
  public LeaseToken lease() {
    return lease;
  }

  @Override
  public int generation() {
    return 1;
  }

  @Override
  public boolean stopRequested() {
    return chunks >= chunksMax;
  }

  @Override
  public void effect() {}

  @Override
  public <R extends Record> R step(DurableStep<R> step) {
    throw new UnsupportedOperationException("an import has no durable steps");
  }

  @Override
  public Optional<Parts> parts() {
    return Optional.empty();
  }

  @Override
  public Part part() {
    return Part.WHOLE;
  }

  @Override
  public void slowDown(Duration retryAfter) {
    throw new UnsupportedOperationException("an import uses no pools by itself");
  }

  @Override
  public void slowDown(String pool, Duration retryAfter) {
    slowDown(retryAfter);
  }

  @Override
  public void progress(Progress now) {
    chunks++;
    progress.add(now);
    try {
      afterChunk.run(chunks);
    } catch (Exception e) {
      throw new IllegalStateException("the test's own step failed", e);
    }
  }

  @Override
  public AttemptLog log() {
    return new AttemptLog() {
      @Override
      public void info(String line) {
        log.add(line);
      }

      @Override
      public void warn(String line) {
        log.add(line);
      }

      @Override
      public void error(String line) {
        log.add(line);
      }
    };
  }
}
