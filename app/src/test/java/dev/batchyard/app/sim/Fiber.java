package dev.batchyard.app.sim;

import dev.batchyard.engine.run.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A thread of a simulated process. */
final class Fiber implements Threads.Running {

  /** Longer than any world goes on. */
  static final Duration FOR_EVER = Duration.ofDays(100);

  /** Why it goes on. */
  enum Woken {
    TIME,
    SIGNAL,
    INTERRUPT
  }

  private final World world;
  private final Life life;
  private final String name;
  private final Coroutine coroutine;
  private final List<Fiber> joining = new ArrayList<>();
  private long waits;
  private boolean waiting;
  private boolean interruptible;
  private boolean interrupted;
  private boolean done;
  private Woken woken = Woken.TIME;

  Fiber(World world, Life life, String name, Runnable body) {
    this.world = world;
    this.life = life;
    this.name = name;
    this.coroutine = new Coroutine(() -> run(body));
  }

  private void run(Runnable body) {
    try {
      body.run();
    } catch (RuntimeException | Error e) {
      world.violated("threads end as they should", life.name + " " + name + ": " + e);
    }
  }

  void begin() {
    goOn(waits);
  }

  boolean isDone() {
    return done;
  }

  private void goOn(long wait) {
    if (done || wait != waits) {
      return; // it went on for another reason before
    }
    world.running(this);
    done = coroutine.goOn();
    world.running(null);
    if (done) {
      joining.forEach(Fiber::wake);
    }
  }

  /** Waits, itself; {@return why it goes on} */
  Woken park(Duration most, boolean mayInterrupt) {
    if (mayInterrupt && interrupted) {
      interrupted = false;
      return Woken.INTERRUPT;
    }
    long wait = ++waits;
    woken = Woken.TIME;
    waiting = true;
    interruptible = mayInterrupt;
    if (most.compareTo(FOR_EVER) < 0) {
      world.after(most.plusNanos(world.jitterNs()), life, () -> goOn(wait));
    }
    Coroutine.stop();
    waiting = false;
    waits++;
    if (woken == Woken.INTERRUPT) {
      interrupted = false;
    }
    return woken;
  }

  /** Sleeps, itself. */
  void sleep(Duration time) throws InterruptedException {
    if (park(time, true) == Woken.INTERRUPT) {
      throw new InterruptedException();
    }
  }

  /** Ends its waiting. */
  void wake() {
    wake(Woken.SIGNAL);
  }

  private void wake(Woken why) {
    if (waiting) {
      waiting = false;
      woken = why;
      long wait = waits;
      world.after(Duration.ofNanos(world.jitterNs()), life, () -> goOn(wait));
    }
  }

  @Override
  public void interrupt() {
    interrupted = true;
    if (interruptible) {
      wake(Woken.INTERRUPT);
    }
  }

  @Override
  public List<StackTraceElement> stack() {
    return List.of();
  }

  @Override
  public void join(Duration most) throws InterruptedException {
    if (!done) {
      Fiber me = world.current();
      joining.add(me);
      Woken why = me.park(most, true);
      joining.remove(me);
      if (why == Woken.INTERRUPT) {
        throw new InterruptedException();
      }
    }
  }
}
