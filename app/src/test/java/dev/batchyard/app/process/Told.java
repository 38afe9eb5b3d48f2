package dev.batchyard.app.process;

import dev.batchyard.api.TaskKeys;
import dev.batchyard.app.process.Journal.Asked;
import dev.batchyard.app.process.Journal.Call;
import dev.batchyard.engine.port.Submitted;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * The journal of the clients as a table of the database, beside one of the tasks that it has: what
 * is compared is compared there, however much it is. Both are gone with the connection.
 */
final class Told {

  private static final String TABLES =
      """
      drop table if exists pg_temp.told, pg_temp.stored;
      create temp table told (
        number bigint, first bigint, size integer, keyless boolean, may_complete boolean,
        may_fail boolean, key text, live text, period text, task bigint, fresh boolean);
      create temp table stored as
      select id, (params ->> 'number')::bigint as number, key, live_key, period_key
        from batchyard.task
       where flags & 16 = 0 -- nobody asks for an undo
      """;

  private static final String INDEXES =
      """
      create index on told (number);
      create index on told (task);
      create index on stored (number);
      create index on stored (id);
      analyze told, stored
      """;

  private Told() {}

  /** Makes the tables {@code told} and {@code stored} on a connection. */
  static void write(Connection db, Journal journal) throws SQLException {
    try (Statement statement = db.createStatement()) {
      statement.execute(TABLES);
      CopyIn copy = db.unwrap(PGConnection.class).getCopyAPI().copyIn("copy told from stdin");
      for (Call call : journal.calls()) {
        for (long number = call.first(); number < call.first() + call.size(); number++) {
          byte[] line = line(call, number).getBytes(StandardCharsets.UTF_8);
          copy.writeToCopy(line, 0, line.length);
        }
      }
      copy.endCopy();
      statement.execute(INDEXES);
    }
  }

  private static String line(Call call, long number) {
    Asked asked = call.asked(number);
    TaskKeys keys = asked.keys();
    Optional<Submitted> answer = call.answer(number);
    return Stream.of(
            number,
            call.first(),
            call.size(),
            call.isKeyless(),
            asked.deed().mayComplete(),
            asked.deed().mayFail(),
            orNull(keys.idempotency()),
            orNull(keys.live()),
            orNull(keys.within().map(TaskKeys.Within::key)),
            orNull(answer.map(Submitted::task)),
            orNull(answer.map(Submitted::fresh)))
        .map(Object::toString)
        .collect(Collectors.joining("\t", "", "\n"));
  }

  private static Object orNull(Optional<?> value) {
    return value.isPresent() ? value.get() : "\\N";
  }
}
