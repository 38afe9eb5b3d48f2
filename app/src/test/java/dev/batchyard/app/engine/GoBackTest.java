package dev.batchyard.app.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.NewTask;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Checkpoint;
import dev.batchyard.api.pipeline.Chunk;
import dev.batchyard.api.pipeline.Item;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.api.pipeline.Position;
import dev.batchyard.api.pipeline.Sink;
import dev.batchyard.api.pipeline.Source;
import dev.batchyard.engine.port.Checkpoints.Passed;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.tasks.pipeline.Pipeline;
import dev.batchyard.tasks.pipeline.jdbc.CommitChunk;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** A person sends a failed task back to a checkpoint, and its sink writes over what is there. */
@PostgresTest
class GoBackTest {

  private static final int ITEMS = 60;
  private static final int CHUNK = 10;
  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestDatabase database;

  GoBackTest(TestDatabase database) {
    this.database = database;
  }

  /** The numbers 1 to 60; of the value that a test has set by then. */
  private final class Numbers implements Source<Integer> {
    private long read;

    @Override
    public void open(Optional<Position> from) {
      read = from.map(p -> Long.parseLong(p.json().replaceAll("\\D", ""))).orElse(0L);
    }

    @Override
    public Optional<Chunk<Integer>> next(int itemsMax) {
      List<Item<Integer>> items = new ArrayList<>();
      while (items.size() < itemsMax && read < ITEMS) {
        read++;
        items.add(new Item<>(read, value, () -> ""));
      }
      return items.isEmpty()
          ? Optional.empty()
          : Optional.of(
              new Chunk<>(items, List.of(), 0, new Position("{\"row\": %d}".formatted(read)), -1));
    }

    @Override
    public void close() {}
  }

  /** One row a number, written over if it is there; breaks after so many chunks. */
  private final class Rows implements Sink<Integer> {
    private final Connection connection;
    private final CommitChunk checkpoint;
    private final boolean rewinds;
    private Ledger ledger = Ledger.EMPTY;
    private int chunks;

    Rows(Connection connection, TaskContext context, boolean rewinds) {
      this.connection = connection;
      this.checkpoint = new CommitChunk(context.lease(), context.generation(), 0);
      this.rewinds = rewinds;
    }

    @Override
    public boolean rewinds() {
      return rewinds;
    }

    @Override
    public Optional<Checkpoint> open() throws SQLException {
      Optional<Checkpoint> last = checkpoint.read(connection);
      connection.setAutoCommit(false);
      ledger = last.map(Checkpoint::ledger).orElse(Ledger.EMPTY);
      return last;
    }

    @Override
    public Optional<Written> write(Chunk<Integer> chunk) throws Exception {
      if (chunks == breakAfter) {
        throw chunk.items().getFirst().number() > ITEMS / 2
            ? new FinalFailure("broken for good")
            : new IllegalStateException("broken");
      }
      chunks++;
      try (PreparedStatement statement =
          connection.prepareStatement(
              """
              insert into public.numbers values (?, ?)
                  on conflict (id) do update set value = excluded.value, writes = numbers.writes + 1
              """)) {
        for (Item<Integer> item : chunk.items()) {
          statement.setLong(1, item.number());
          statement.setInt(2, item.value());
          statement.addBatch();
        }
        int[] _ = statement.executeBatch();
      }
      Ledger added = new Ledger(chunk.read(), chunk.read(), 0, 0);
      checkpoint.commit(connection, chunk.after(), added, List.of(), rewinds());
      ledger = ledger.plus(added);
      return Optional.of(new Written(ledger, List.of(), -1));
    }

    @Override
    public Optional<Written> flush() {
      return Optional.empty();
    }

    @Override
    public void await() {}

    @Override
    public void close() throws SQLException {
      connection.rollback();
    }
  }

  private volatile int value = 1;
  private volatile int breakAfter = 2;

  private Outcome run(TaskContext context, boolean rewinds) throws Exception {
    try (Connection connection = database.connect()) {
      return new Pipeline<>(
              new Numbers(),
              item -> item,
              new Rows(connection, context, rewinds),
              new Pipeline.Limits(CHUNK, 0),
              System::nanoTime)
          .run(context);
    }
  }

  /** Breaks after two chunks, is tried again, breaks for good after two more. */
  private long failed(Nodes nodes, String type) throws Exception {
    database.execute(
        """
        drop table if exists public.numbers;
        create table public.numbers (id bigint primary key, value int, writes int not null default 1)
        """);
    nodes.start("a");
    long task = nodes.submitter().submit(NewTask.of(type, new Nodes.Numbered(1))).task();
    awaitState(nodes, task, TaskState.FAILED);
    return task;
  }

  private static void awaitState(Nodes nodes, long task, TaskState state) {
    await()
        .atMost(SOON)
        .until(() -> nodes.client().taskViews().find(task).orElseThrow().row().state() == state);
  }

  @Test
  void a_sink_that_writes_over_what_is_there_goes_on_from_an_earlier_checkpoint() throws Exception {
    try (Nodes nodes =
        new Nodes(database, Nodes.type("t.rewinds", 1, (_, context) -> run(context, true)))) {
      long task = failed(nodes, "t.rewinds");
      assertThat(nodes.client().checkpoints().of(task))
          .extracting(p -> p.ledger().read())
          .containsExactly(40L, 20L);
      value = 2;
      breakAfter = ITEMS;

      assertThat(nodes.client().operatorMoves().rerun(task, "kim", OptionalInt.of(1)))
          .isEqualTo(Move.DONE);

      awaitState(nodes, task, TaskState.COMPLETED);
      assertThat(database.ask("select count(*) from public.numbers")).isEqualTo("60");
      assertThat(database.ask("select max(id) from public.numbers where value = 1"))
          .isEqualTo("20");
      assertThat(
              database.ask(
                  "select string_agg(distinct id::text, '') from public.numbers where writes > 2"))
          .isEqualTo("null");
      assertThat(database.ask("select count(*) from public.numbers where writes = 2"))
          .as("those behind the checkpoint that were there")
          .isEqualTo("20");
      Passed last = nodes.client().checkpoints().of(task).getFirst();
      assertThat(last.ledger()).isEqualTo(new Ledger(60, 60, 0, 0));
    }
  }

  @Test
  void another_sink_does_not_and_the_task_goes_on_from_its_last_checkpoint() throws Exception {
    try (Nodes nodes =
        new Nodes(database, Nodes.type("t.appends", 1, (_, context) -> run(context, false)))) {
      long task = failed(nodes, "t.appends");
      breakAfter = ITEMS;
      var moves = nodes.client().operatorMoves();
      assertThatThrownBy(() -> moves.rerun(task, "kim", OptionalInt.of(1)))
          .isInstanceOf(MoveRefused.class)
          .hasMessageContaining("has written 20 items");
      assertThat(moves.rerun(task, "kim")).isEqualTo(Move.DONE);
      awaitState(nodes, task, TaskState.COMPLETED);
      assertThat(database.ask("select max(writes) from public.numbers")).isEqualTo("1");
    }
  }
}
