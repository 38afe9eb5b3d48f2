package dev.batchyard.app.process;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.Parts;
import dev.batchyard.api.Split;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskType;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import javax.sql.DataSource;

/**
 * A task of many parts, each of which commits a row together with its checkpoint, and a reduce that
 * does the same: a second row for one of them breaks a key.
 */
final class SplitDeeds {

  static final String WHOLE = "proof.whole";
  static final String SLICE = "proof.slice";

  private static final int LEASE_MAX = 100;

  private final DataSource database;

  private SplitDeeds(DataSource database) {
    this.database = database;
  }

  /**
   * The parameters of a whole.
   *
   * @param bad the number of the part that fails at first; negative for none
   */
  record Whole(int parts, int bad) {}

  /** The parameters of a part. */
  record Slice(int number, boolean bad) {}

  /** What a part gives back. */
  record Numbered(int number) {}

  /** {@return the two types} */
  static List<TaskType<?>> types(DataSource database) {
    SplitDeeds deeds = new SplitDeeds(database);
    return List.of(
        new TaskType<>(WHOLE, "A task of parts", "拆分任务", Whole.class, deeds::whole, 1).splitting(),
        new TaskType<>(SLICE, "A part", "子任务", Slice.class, deeds::slice, LEASE_MAX));
  }

  static NewTask task(int parts, int bad) {
    return NewTask.of(WHOLE, new Whole(parts, bad)).withRetry(Deeds.RETRY);
  }

  static void prepare(Connection db) throws SQLException {
    try (Statement statement = db.createStatement()) {
      statement.execute(
          """
          create table public.slice_effect (task bigint primary key, number integer not null unique);
          create table public.whole_effect (task bigint primary key, sum bigint not null)
          """);
    }
  }

  private Outcome whole(Whole told, TaskContext context) throws SQLException {
    Optional<Parts> parts = context.parts();
    if (parts.isEmpty()) {
      return Outcome.split(
          Split.of(
                  SLICE,
                  IntStream.range(0, told.parts())
                      .mapToObj(n -> new Slice(n, n == told.bad()))
                      .toList())
              .withRetry(Deeds.RETRY));
    }
    long sum = 0;
    for (Parts.Result<Numbered> each : parts.get().results(Numbered.class)) {
      if (each.index() != each.value().number()) {
        throw new IllegalStateException("part " + each.index() + " gave " + each.value());
      }
      sum += each.value().number();
    }
    commit(context.lease(), "insert into public.whole_effect values (?, ?)", sum, 0);
    return Outcome.completed(Map.of("sum", sum));
  }

  private Outcome slice(Slice told, TaskContext context) throws SQLException {
    if (told.bad() && context.generation() == 1) {
      throw new IllegalStateException("this part is bad at first");
    }
    commit(context.lease(), "insert into public.slice_effect values (?, ?)", told.number(), 1);
    return Outcome.completed(Map.of("number", told.number()));
  }

  /** A row and the position of the task, unless an earlier attempt has committed them. */
  private void commit(LeaseToken lease, String insert, long value, int items) throws SQLException {
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      try (PreparedStatement before =
          connection.prepareStatement("select batchyard.read_checkpoint(?, ?, 0)")) {
        before.setLong(1, lease.task());
        before.setObject(2, lease.token());
        if (before.executeQuery().next()) {
          return;
        }
      }
      try (PreparedStatement row = connection.prepareStatement(insert);
          PreparedStatement chunk =
              connection.prepareStatement(
                  "select batchyard.commit_chunk(?, ?, 0, 1, '{}', ?, ?, 0, 0, null)")) {
        row.setLong(1, lease.task());
        row.setLong(2, value);
        row.executeUpdate();
        chunk.setLong(1, lease.task());
        chunk.setObject(2, lease.token());
        chunk.setInt(3, items);
        chunk.setInt(4, items);
        chunk.executeQuery().close();
      }
      connection.commit();
    }
  }
}
