package dev.batchyard.app.sim;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The dedicated connections of nodes, as the server sees them. Each is a real one with a real
 * advisory lock, since {@code beat()} reads the lock table; one that ends gives up what it held and
 * is kept for the next node, so that its lock is free at a certain instant and not when a backend
 * has ended.
 */
final class Links implements AutoCloseable {

  private static final String GIVE_UP =
      "select pg_advisory_unlock_all(); unlisten *; set application_name = 'simulation'";

  private final SimDatabase database;
  private final UnaryOperator<Connection> changed;
  private final List<Link> open = new ArrayList<>();
  private final Map<UUID, Long> freeSinceNs = new HashMap<>();
  private @Nullable Link opened;

  /** Their statements may be changed. */
  Links(SimDatabase database, UnaryOperator<Connection> changed) {
    this.database = database;
    this.changed = changed;
  }

  /** One of them. */
  static final class Link {
    private final Connection connection;

    /** The server has ended it. */
    private boolean over;

    /** Its node has done with it, or has found out that it broke. */
    private boolean broken;

    private boolean woken;
    private @Nullable UUID boot;
    private @Nullable Fiber waiting;

    private Link(Connection connection) {
      this.connection = connection;
    }

    boolean isOver() {
      return over;
    }

    boolean isBroken() {
      return broken;
    }

    void breakOff() {
      broken = true;
    }

    /** A wake-up comes to it. */
    void wake() {
      woken = true;
      signal();
    }

    private void signal() {
      if (waiting != null) {
        waiting.wake();
      }
    }

    boolean takeWoken() {
      boolean was = woken;
      woken = false;
      return was;
    }

    void waiting(@Nullable Fiber fiber) {
      waiting = fiber;
    }
  }

  /** {@return a new connection for a session} */
  Connection connect() throws SQLException {
    Connection connection = database.session();
    Link link = new Link(connection);
    opened = link;
    open.add(link);
    return (Connection)
        Proxy.newProxyInstance(
            Links.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("close")) {
                end(link, 0);
                return null;
              }
              try {
                return method.invoke(changed.apply(connection), arguments);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
            });
  }

  /** {@return the one that was made last, which belongs to this boot now} */
  Link opened(UUID boot) {
    Link link = Objects.requireNonNull(opened);
    link.boot = boot;
    var _ = freeSinceNs.remove(boot);
    return link;
  }

  /** The server ends it: its lock is free, its node finds out. */
  void end(Link link, long nowNs) {
    if (link.over) {
      return;
    }
    link.over = true;
    open.remove(link);
    UUID boot = link.boot;
    if (boot != null && open.stream().noneMatch(other -> boot.equals(other.boot))) {
      freeSinceNs.put(boot, nowNs);
    }
    link.signal();
    try (Statement statement = link.connection.createStatement()) {
      if (!link.connection.getAutoCommit()) {
        link.connection.rollback(); // it was refused in the middle
        link.connection.setAutoCommit(true);
      }
      boolean _ = statement.execute(GIVE_UP);
      database.giveBack(link.connection);
    } catch (SQLException e) {
      SimDatabase.discard(link.connection); // somebody has ended its backend
    }
  }

  /** {@return since when the lock of a boot is free; empty while it is held} */
  Optional<Long> freeSinceNs(UUID boot) {
    return Optional.ofNullable(freeSinceNs.get(boot));
  }

  /** {@return those that stand} */
  List<Link> standing() {
    return List.copyOf(open);
  }

  /** All end. */
  void endAll(long nowNs) {
    standing().forEach(link -> end(link, nowNs));
  }

  @Override
  public void close() {
    endAll(0);
  }
}
