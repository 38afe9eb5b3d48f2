package dev.batchyard.engine.run;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The threads of a node, what they wait on, and the ticker that says how long. All waiting of the
 * engine goes through here or through a port, so that a simulation can run many nodes on one thread
 * in a time of its own.
 */
public interface Threads {

  /** Those of the JVM: daemons for loops, virtual threads for handlers. */
  Threads JVM = new JvmThreads();

  /** {@return nanoseconds since some instant, never going back} */
  long nanos();

  /** Starts the thread of a loop. */
  Running startLoop(String name, Runnable body);

  /** Starts a thread that runs attempts' handlers. */
  void startHandler(String name, Runnable body);

  /** Starts one that computes for long: it does not need the few that carry all others. */
  void startHandlerApart(String name, Runnable body);

  /** {@return the thread that calls this} */
  Running current();

  /** {@return a lock; its conditions are waited on by threads made here} */
  Lock newLock();

  /** {@return a queue without bound, taken from by threads made here} */
  <T> BlockingQueue<T> newQueue();

  /** A thread. */
  interface Running {

    /** Has it stop waiting. */
    void interrupt();

    /** Waits for its end, at most this long. */
    void join(Duration most) throws InterruptedException;

    /** {@return the calls that it is in, the innermost first} */
    List<StackTraceElement> stack();
  }

  /** See {@link #JVM}. */
  final class JvmThreads implements Threads {

    private JvmThreads() {}

    private record JvmThread(Thread thread) implements Running {

      @Override
      public void interrupt() {
        thread.interrupt();
      }

      @Override
      public void join(Duration most) throws InterruptedException {
        boolean _ = thread.join(most);
      }

      @Override
      public List<StackTraceElement> stack() {
        return List.of(thread.getStackTrace());
      }
    }

    @Override
    public long nanos() {
      return System.nanoTime();
    }

    @Override
    public Running startLoop(String name, Runnable body) {
      return new JvmThread(Thread.ofPlatform().name(name).daemon().start(body));
    }

    @Override
    public void startHandler(String name, Runnable body) {
      Thread _ = Thread.ofVirtual().name(name).start(body);
    }

    @Override
    public void startHandlerApart(String name, Runnable body) {
      Thread _ = Thread.ofPlatform().name(name).daemon().start(body);
    }

    @Override
    public Running current() {
      return new JvmThread(Thread.currentThread());
    }

    @Override
    public Lock newLock() {
      return new ReentrantLock();
    }

    @Override
    public <T> BlockingQueue<T> newQueue() {
      return new LinkedBlockingQueue<>();
    }
  }
}
