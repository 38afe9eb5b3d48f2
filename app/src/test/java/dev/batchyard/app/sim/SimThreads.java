package dev.batchyard.app.sim;

import dev.batchyard.engine.run.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/** The threads of one life of a process. Only those that wait let others go on. */
record SimThreads(World world, Life life) implements Threads {

  @Override
  public long nanos() {
    return world.nowNs();
  }

  @Override
  public Running startLoop(String name, Runnable body) {
    return world.start(life, name, body);
  }

  @Override
  public void startHandler(String name, Runnable body) {
    var _ = world.start(life, name, body);
  }

  @Override
  public void startHandlerApart(String name, Runnable body) {
    startHandler(name, body);
  }

  @Override
  public Running current() {
    return world.current();
  }

  @Override
  public Lock newLock() {
    return new SimLock(world);
  }

  @Override
  public <T> BlockingQueue<T> newQueue() {
    return new SimQueue<>(world);
  }

  /** Held by a thread while that waits for something else, seldom. */
  private static final class SimLock implements Lock {

    private final World world;
    private final List<Fiber> waiting = new ArrayList<>();
    private boolean held;

    SimLock(World world) {
      this.world = world;
    }

    @Override
    public void lock() {
      while (held) {
        Fiber me = world.current();
        waiting.add(me);
        var _ = me.park(Fiber.FOR_EVER, false);
        waiting.remove(me);
      }
      held = true;
    }

    @Override
    public void lockInterruptibly() {
      lock();
    }

    @Override
    public boolean tryLock() {
      boolean free = !held;
      held = true;
      return free;
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) {
      throw new UnsupportedOperationException("nobody tries so");
    }

    @Override
    public void unlock() {
      held = false;
      waiting.stream().findFirst().ifPresent(Fiber::wake);
    }

    @Override
    public Condition newCondition() {
      return new SimCondition(world, this);
    }
  }

  private static final class SimCondition implements Condition {

    private final World world;
    private final List<Fiber> waiting = new ArrayList<>();

    /** Given up while one waits. */
    private final SimLock lock;

    SimCondition(World world, SimLock lock) {
      this.world = world;
      this.lock = lock;
    }

    private boolean waitFor(Duration most) throws InterruptedException {
      Fiber me = world.current();
      waiting.add(me);
      lock.unlock();
      Fiber.Woken why = me.park(most, true);
      waiting.remove(me);
      lock.lock();
      if (why == Fiber.Woken.INTERRUPT) {
        throw new InterruptedException();
      }
      return why == Fiber.Woken.SIGNAL;
    }

    @Override
    public long awaitNanos(long nanos) throws InterruptedException {
      long untilNs = world.nowNs() + nanos;
      boolean _ = waitFor(Duration.ofNanos(nanos));
      return untilNs - world.nowNs();
    }

    @Override
    public void await() throws InterruptedException {
      boolean _ = waitFor(Fiber.FOR_EVER);
    }

    @Override
    public boolean await(long time, TimeUnit unit) throws InterruptedException {
      return waitFor(Duration.of(time, unit.toChronoUnit()));
    }

    @Override
    public void awaitUninterruptibly() {
      throw new UnsupportedOperationException("nobody waits so");
    }

    @Override
    public boolean awaitUntil(Date deadline) {
      throw new UnsupportedOperationException("nobody waits so");
    }

    @Override
    public void signal() {
      waiting.stream().findFirst().ifPresent(Fiber::wake);
    }

    @Override
    public void signalAll() {
      List.copyOf(waiting).forEach(Fiber::wake);
    }
  }

  /** Those who take wait in a condition. */
  @SuppressWarnings("serial") // nobody writes one out
  private static final class SimQueue<T> extends LinkedBlockingQueue<T> {

    private final SimLock lock;
    private final SimCondition added;

    SimQueue(World world) {
      this.lock = new SimLock(world);
      this.added = new SimCondition(world, lock);
    }

    @Override
    public boolean offer(T each) {
      boolean taken = super.offer(each);
      added.signalAll();
      return taken;
    }

    @Override
    public boolean add(T each) {
      return offer(each);
    }

    @Override
    public T take() throws InterruptedException {
      lock.lock();
      try {
        T first = poll();
        while (first == null) {
          added.await();
          first = poll();
        }
        return first;
      } finally {
        lock.unlock();
      }
    }
  }
}
