package dev.batchyard.app.process;

import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskType;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Position;
import dev.batchyard.tasks.pipeline.jdbc.CommitChunk;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** What a handler may do that nobody would wish for. */
enum Mischief {
  /** Computes for ever and hears nothing. */
  SPINS,
  /** Waits for ever and swallows every interrupt. */
  WAITS,
  /** Leaves threads behind that never end. */
  LEAKS_THREADS,
  /** Calls itself for ever. */
  OVERFLOWS_STACK,
  /** Throws an error of the JVM's own making. */
  THROWS_OUT_OF_MEMORY,
  /** Throws an assertion's error. */
  ASSERTS,
  /** Takes all of the heap. */
  FILLS_HEAP,
  /** Ends the process as if it were a program of its own. */
  EXITS,
  /** None: it commits an item now and then, and completes. */
  BEHAVES;

  static final String TYPE = "proof.mischief";

  /** A policy without a retry. */
  private static final String ONCE = "once";

  private static final int THREADS = 300;
  static final int ITEMS = 60;
  private static final long ITEM_NS = 50_000_000;
  private static final int BLOCK_BYTES = 1 << 20;

  /** The parameters. */
  record Told(Mischief mischief) {}

  static TaskType<Told> type(DataSource database) {
    return new TaskType<>(
        TYPE,
        "Mischief",
        "捣乱",
        Told.class,
        (told, context) -> told.mischief().run(context, database),
        1);
  }

  static NewTask task(Mischief mischief) {
    return NewTask.of(TYPE, new Told(mischief)).withRetry(ONCE);
  }

  private Outcome run(TaskContext context, DataSource database) throws SQLException {
    switch (this) {
      case SPINS -> spin();
      case WAITS -> waitForEver();
      case LEAKS_THREADS -> {
        for (int n = 0; n < THREADS; n++) {
          Thread.ofPlatform().daemon().start(Mischief::waitForEver);
        }
      }
      case OVERFLOWS_STACK -> {
        return Outcome.completed(Map.of("depth", deeper(0)));
      }
      case THROWS_OUT_OF_MEMORY -> throw new OutOfMemoryError("as if");
      case ASSERTS -> throw new AssertionError("断言失败");
      case FILLS_HEAP -> {
        List<byte[]> all = new ArrayList<>();
        while (all.size() < Integer.MAX_VALUE) {
          all.add(new byte[BLOCK_BYTES]);
        }
        return Outcome.completed(Map.of("blocks", all.size()));
      }
      case EXITS -> System.exit(3);
      case BEHAVES -> {
        return behave(context, database);
      }
    }
    return Outcome.completed(Map.of());
  }

  private static Outcome behave(TaskContext context, DataSource database) throws SQLException {
    CommitChunk chunk = new CommitChunk(context.lease(), context.generation(), 0);
    try (Connection connection = database.getConnection()) {
      connection.setAutoCommit(false);
      long from = chunk.read(connection).map(c -> c.ledger().read()).orElse(0L);
      connection.commit();
      for (long item = from; item < ITEMS; item++) {
        LockSupport.parkNanos(ITEM_NS);
        if (context.stopRequested()) {
          return Outcome.stopped();
        }
        chunk.commit(connection, new Position("{}"), new Ledger(1, 1, 0, 0), List.of(), false);
      }
    }
    return Outcome.completed(Map.of());
  }

  private static void waitForEver() {
    while (true) {
      LockSupport.park(Mischief.class);
      boolean _ = Thread.interrupted();
    }
  }

  private static void spin() {
    long n = 0;
    while (n >= 0) {
      n = (n + 1) & Long.MAX_VALUE;
    }
  }

  private static int deeper(int depth) {
    return depth < 0 ? depth : deeper(depth + 1) + 1;
  }
}
