package dev.batchyard.app.sim;

import dev.batchyard.engine.port.StoreUnavailable;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way between processes and the store. A call is an event there and an event back: others go on
 * in between, and each of the two may come late or never. What the store does, it does at once.
 */
final class Net {

  private final World world;
  private final Faults faults;
  private boolean away;
  private int outages;
  private int pending;

  Net(World world, Faults faults) {
    this.world = world;
    this.faults = faults;
  }

  /** The store goes away, or comes back. */
  void away(boolean isAway) {
    away = isAway;
    outages += isAway ? 1 : 0;
  }

  boolean isAway() {
    return away;
  }

  /** {@return how many calls are under way that the store may still do} */
  int pending() {
    return pending;
  }

  /** A call whose answer is told in the trace. */
  private static final class Call<T> {
    private @Nullable T answer;
    private @Nullable RuntimeException error;
    private boolean over;
  }

  /**
   * Asks the store, from a thread of a process.
   *
   * @param life the process
   * @param what for the trace
   * @param work what the store does
   * @param told the answer, for the trace
   * @throws StoreUnavailable if it does not answer
   */
  <T> T call(Life life, String what, Supplier<T> work, Function<T, String> told) {
    return call(life, what, work, told, () -> false);
  }

  /** The same over a connection that may break meanwhile: whoever breaks it wakes the caller. */
  <T> T call(
      Life life, String what, Supplier<T> work, Function<T, String> told, BooleanSupplier broken) {
    Call<T> call = begin(life, what, work, told, false, broken);
    if (call.error != null) {
      throw call.error;
    }
    return Objects.requireNonNull(call.answer);
  }

  /** What a handler asks its own database for. */
  interface Work<T> {
    T run() throws SQLException;
  }

  /** A handler asks: as {@link #call}, but an interrupt breaks its connection. */
  <T> T ask(Life life, String what, Work<T> work) throws SQLException {
    Call<T> call =
        begin(
            life,
            what,
            () -> {
              try {
                return work.run();
              } catch (SQLException e) {
                throw new Refused(e);
              }
            },
            String::valueOf,
            true,
            () -> false);
    if (call.error instanceof Refused refused) {
      throw refused.why;
    }
    if (call.error != null) {
      throw new SQLException("simulated: " + call.error.getMessage(), "08006", call.error);
    }
    return Objects.requireNonNull(call.answer);
  }

  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final SQLException why;

    Refused(SQLException why) {
      super(why.getMessage(), why);
      this.why = why;
    }
  }

  private <T> Call<T> begin(
      Life life,
      String what,
      Supplier<T> work,
      Function<T, String> told,
      boolean interruptible,
      BooleanSupplier broken) {
    Fiber me = world.current();
    Faults.Course course = faults.draw();
    Call<T> call = new Call<>();
    Call<T> done = new Call<>();
    pending++;
    int outagesBefore = outages;
    world.after(
        course.asked(),
        () -> {
          pending--;
          reach(course, life, what, work, told, done);
        });
    Duration back = course.asked().plus(course.told());
    world.after(
        back.isNegative() ? Duration.ZERO : back,
        life,
        () -> {
          if (!call.over) {
            call.over = true;
            boolean lost = course.lost() || outages != outagesBefore;
            call.answer = done.answer;
            call.error = lost ? noAnswer(life, what) : done.error;
            me.wake();
          }
        });
    while (!call.over) {
      boolean ended = me.park(Fiber.FOR_EVER, interruptible) == Fiber.Woken.INTERRUPT;
      if (!call.over && (ended || broken.getAsBoolean())) {
        call.over = true;
        call.error = noAnswer(life, what + ", its connection has ended");
      }
    }
    return call;
  }

  private <T> void reach(
      Faults.Course course,
      Life life,
      String what,
      Supplier<T> work,
      Function<T, String> told,
      Call<T> done) {
    if (!course.reaches() || away) {
      done.error = new StoreUnavailable("simulated: away", new SQLException("away", "08006"));
      return;
    }
    try {
      T answer = work.get();
      done.answer = answer;
      world.trace.add(world, life.name + " " + what + " -> " + told.apply(answer));
    } catch (RuntimeException e) {
      done.error = e;
      world.trace.add(world, life.name + " " + what + " -> " + e.getClass().getSimpleName());
    }
  }

  private StoreUnavailable noAnswer(Life life, String what) {
    world.trace.add(world, life.name + " " + what + ": no answer");
    return new StoreUnavailable("simulated: no answer", new SQLException("no answer", "08006"));
  }
}
