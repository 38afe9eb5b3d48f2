package dev.batchyard.store.server;

import dev.batchyard.engine.crash.CrashPoint;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import javax.sql.DataSource;

/**
 * The one crash point that handlers come by, whose modules do not know of any: a sink calls {@code
 * commit_chunk()} on a connection of ours. Only a process that is to die there has it.
 */
final class ChunkCrash {

  private static final String COMMIT = "commit_chunk(";

  private ChunkCrash() {}

  /** {@return the same source; where it is to be passed, its connections do} */
  static DataSource before(DataSource source) {
    return CrashPoint.CHUNK_SENT.isChosen() ? around(DataSource.class, source) : source;
  }

  /** The same, and so is what it makes, down to the statement of which this is about. */
  private static <T> T around(Class<T> type, T inner) {
    InvocationHandler handler =
        (proxy, method, values) -> {
          boolean executes =
              inner instanceof PreparedStatement && method.getName().equals("execute");
          if (executes) {
            CrashPoint.CHUNK_SENT.pass();
          }
          try {
            Object made = method.invoke(inner, values);
            return switch (made) {
              case PreparedStatement statement when commits(values) ->
                  around(PreparedStatement.class, statement);
              case Connection connection when method.getName().equals("getConnection") ->
                  around(Connection.class, connection);
              case null, default -> made;
            };
          } catch (InvocationTargetException e) {
            throw e.getTargetException();
          }
        };
    return type.cast(
        Proxy.newProxyInstance(ChunkCrash.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static boolean commits(Object[] values) {
    return values != null && values[0] instanceof String sql && sql.contains(COMMIT);
  }
}
