package dev.batchyard.tasks.pipeline;

import dev.batchyard.api.pipeline.Chunk;
import dev.batchyard.api.pipeline.Item;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.api.pipeline.RejectedItem;
import dev.batchyard.api.pipeline.Source;
import dev.batchyard.api.pipeline.Step;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * Reads chunks and takes them through the steps on a thread of its own, a few chunks ahead of the
 * sink, so that reading and writing overlap. It is a platform thread: parsing keeps a core busy and
 * must not hold a carrier of the virtual threads on which everything else runs.
 */
final class ReadAhead<T, R> implements AutoCloseable {

  /** How many finished chunks may wait for the sink; then the reader waits. */
  static final int CHUNKS_AHEAD_MAX = 2;

  private sealed interface Message<R> {}

  private record Next<R>(Chunk<R> chunk) implements Message<R> {}

  private record End<R>() implements Message<R> {}

  private record Broken<R>(Throwable cause) implements Message<R> {}

  private final Source<T> source;
  private final Step<T, R> step;
  private final int chunkItems;
  private final BlockingQueue<Message<R>> ready = new ArrayBlockingQueue<>(CHUNKS_AHEAD_MAX);
  private final Thread thread;

  ReadAhead(Source<T> source, Step<T, R> step, int chunkItems, String name) {
    this.source = source;
    this.step = step;
    this.chunkItems = chunkItems;
    this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::readAll);
  }

  void start() {
    thread.start();
  }

  /** {@return whether {@link #next} would give a chunk at once} */
  boolean hasNext() {
    return ready.peek() instanceof Next<R>;
  }

  /** {@return the next chunk, or empty at the end} */
  Optional<Chunk<R>> next() throws Exception {
    return switch (ready.take()) {
      case Next<R>(var chunk) -> Optional.of(chunk);
      case End<R>() -> Optional.empty();
      case Broken<R>(var cause) -> throw asException(cause);
    };
  }

  private static Exception asException(Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    return (Exception) cause;
  }

  /** Ends the reading thread and waits until it has ended. */
  @Override
  public void close() {
    thread.interrupt();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        ready.clear();
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void readAll() {
    try {
      Message<R> last;
      try {
        for (Optional<Chunk<T>> chunk = source.next(chunkItems);
            chunk.isPresent();
            chunk = source.next(chunkItems)) {
          ready.put(new Next<>(throughSteps(chunk.get())));
        }
        last = new End<>();
      } catch (InterruptedException e) {
        throw e;
      } catch (IOException | RuntimeException | Error e) {
        last = new Broken<>(e);
      }
      ready.put(last);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Chunk<R> throughSteps(Chunk<T> chunk) {
    List<Item<R>> items = new ArrayList<>(chunk.items().size());
    List<Reject> rejects = new ArrayList<>(chunk.rejects());
    for (Item<T> item : chunk.items()) {
      try {
        items.add(step.apply(item));
      } catch (RejectedItem e) {
        rejects.add(
            new Reject(
                item.number(), e.column(), String.valueOf(e.getMessage()), item.raw().get()));
      }
    }
    return new Chunk<>(items, rejects, chunk.skipped(), chunk.after(), chunk.fraction());
  }
}
