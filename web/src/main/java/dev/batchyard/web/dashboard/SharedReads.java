package dev.batchyard.web.dashboard;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What live pages read from the store, so that ten browsers on one address cost no more than one. A
 * key is read at most once in {@link #PAUSE}, and no more than a tenth of the time is spent on
 * reading it; each address is a key of its own. Nobody reads when nobody asks. Thread-safe.
 *
 * @param <K> what a page shows
 * @param <V> what the store says about it
 */
final class SharedReads<K, V> {

  /** The least time between two reads of one key. */
  static final Duration PAUSE = Duration.ofSeconds(1);

  /** The most keys that are remembered; more than there can be live pages. */
  private static final int KEYS_MAX = 2 * LivePages.OPEN_MAX;

  private static final int COST_FACTOR = 9;

  private final Function<K, V> store;
  private final LongSupplier nanos;
  private final Map<K, Reading> readings =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<K, Reading> eldest) {
          return size() > KEYS_MAX;
        }
      };
  private final ReentrantLock lock = new ReentrantLock();

  SharedReads(Function<K, V> store, LongSupplier nanos) {
    this.store = store;
    this.nanos = nanos;
  }

  /**
   * {@return what the store says now, or said a moment ago}
   *
   * <p>An error of the store is thrown to all who ask until the next read is due.
   */
  V get(K key) {
    Reading reading;
    lock.lock();
    try {
      reading = readings.computeIfAbsent(key, _ -> new Reading());
    } finally {
      lock.unlock();
    }
    return reading.get(key);
  }

  private final class Reading {
    private final ReentrantLock turn = new ReentrantLock();
    private Optional<V> value = Optional.empty();
    private @Nullable RuntimeException failure;
    private long dueNanos;
    private boolean read;

    V get(K key) {
      turn.lock();
      try {
        if (!read || nanos.getAsLong() - dueNanos >= 0) {
          read(key);
        }
        if (failure != null) {
          throw failure;
        }
        return value.orElseThrow();
      } finally {
        turn.unlock();
      }
    }

    private void read(K key) {
      long began = nanos.getAsLong();
      try {
        value = Optional.of(store.apply(key));
        failure = null;
      } catch (RuntimeException e) {
        failure = e;
      }
      long ended = nanos.getAsLong();
      dueNanos = ended + Math.max(PAUSE.toNanos(), COST_FACTOR * (ended - began));
      read = true;
    }
  }
}
