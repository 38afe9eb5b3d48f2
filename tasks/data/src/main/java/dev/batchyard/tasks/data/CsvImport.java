package dev.batchyard.tasks.data;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskHandler;
import dev.batchyard.api.TaskType;
import dev.batchyard.api.pipeline.Checkpoint;
import dev.batchyard.api.pipeline.Ledger;
import dev.batchyard.tasks.data.csv.CsvFile;
import dev.batchyard.tasks.data.csv.CsvLayout;
import dev.batchyard.tasks.data.csv.CsvPosition;
import dev.batchyard.tasks.data.csv.CsvSource;
import dev.batchyard.tasks.data.csv.LargeRecords;
import dev.batchyard.tasks.data.jdbc.CopySink;
import dev.batchyard.tasks.data.jdbc.TableName;
import dev.batchyard.tasks.data.jdbc.TargetTable;
import dev.batchyard.tasks.data.jdbc.WhatStays;
import dev.batchyard.tasks.pipeline.Pipeline;
import dev.batchyard.tasks.pipeline.jdbc.CommitChunk;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import javax.sql.DataSource;

/**
 * Imports a CSV file into a table of our own database: {@code data.import}. Rows, position and
 * ledger are committed chunk by chunk; an attempt goes on where the last commit ended, with not a
 * row lost or doubled, as long as the file is the same.
 */
public final class CsvImport implements TaskHandler<ImportParams> {

  /** The name of the task type. */
  public static final String TYPE = "data.import";

  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration SNOOZE = Duration.ofMinutes(1);
  private static final int WHOLE_SOURCE = 0;

  private final DataSource database;
  private final LongSupplier nanos;
  private final Duration lockTimeout;
  private final LargeRecords largeRecords = new LargeRecords();

  /**
   * Makes the handler.
   *
   * @param database our own; a task holds {@link CopySink#CONNECTIONS} connections of it while it
   *     runs
   * @param nanos a ticker, for the seconds that an import took
   */
  public CsvImport(DataSource database, LongSupplier nanos) {
    this(database, nanos, LOCK_TIMEOUT);
  }

  CsvImport(DataSource database, LongSupplier nanos, Duration lockTimeout) {
    this.database = database;
    this.nanos = nanos;
    this.lockTimeout = lockTimeout;
  }

  /** {@return the task type that this handler runs} */
  public TaskType<ImportParams> type() {
    return new TaskType<>(
        TYPE, "Import a CSV file into a table", "把 CSV 文件导入数据表", ImportParams.class, this, 1);
  }

  @Override
  public Outcome run(ImportParams params, TaskContext context) throws Exception {
    CommitChunk checkpoint = new CommitChunk(context.lease(), context.generation(), WHOLE_SOURCE);
    try (LargeRecords.Turn turn = largeRecords.turn()) {
      return run(params, context, checkpoint, turn);
    } catch (FinalFailure e) {
      throw WhatStays.with(e, database, checkpoint, TableName.of(params.table()));
    } catch (LargeRecords.NotNow e) {
      context
          .log()
          .info(
              "the next record has more than %,d characters, and %s; tried again in %d s"
                  .formatted(LargeRecords.LARGE_CHARS, e.getMessage(), SNOOZE.toSeconds()));
      return Outcome.snoozed(SNOOZE);
    }
  }

  private Outcome run(
      ImportParams params, TaskContext context, CommitChunk checkpoint, LargeRecords.Turn turn)
      throws Exception {
    Optional<Checkpoint> last = checkpoint.read(database);
    CsvFile file = CsvFile.of(Path.of(params.file()));
    last.map(Checkpoint::position).map(CsvPosition::of).ifPresent(file::requireUnchangedSince);
    CsvLayout layout = CsvLayout.of(file, params.options());
    ImportPlan plan = plan(params, layout);
    tellBeginning(context, layout, plan, last);
    Pipeline<?, ?> pipeline =
        new Pipeline<>(
            new CsvSource(layout, turn),
            new RowEncoder(plan.columns(), params.nullTextOrDefault()),
            new CopySink(database, plan.target(), checkpoint, lockTimeout),
            new Pipeline.Limits(params.chunkRowsOrDefault(), params.rejectsMaxOrDefault()),
            nanos);
    Outcome outcome = pipeline.run(context);
    return switch (outcome) {
      case Outcome.Completed(var result) -> tellEnd(context, layout, plan, result);
      case Outcome.Stopped stopped -> stopped;
      case Outcome.Snoozed snoozed -> snoozed;
      case Outcome.IntoParts parts -> parts;
    };
  }

  private ImportPlan plan(ImportParams params, CsvLayout layout) throws Exception {
    TableName name = TableName.of(params.table());
    Optional<TargetTable> table = TargetTable.choose(database, name, params.createOrDefault());
    return table.isPresent()
        ? ImportPlan.into(table.get(), layout)
        : ImportPlan.creating(
            name, layout, params.types().orElse(Map.of()), params.nullTextOrDefault());
  }

  private static void tellBeginning(
      TaskContext context, CsvLayout layout, ImportPlan plan, Optional<Checkpoint> last) {
    CsvFile file = layout.file();
    context
        .log()
        .info(
            "file %s: %,d bytes, SHA-256 %s; read with %s"
                .formatted(file.path(), file.size_bytes(), file.sha256(), layout.reading()));
    context
        .log()
        .info(
            "%s table %s: %s"
                .formatted(
                    plan.target().createColumns().isEmpty() ? "into" : "makes",
                    plan.target().table(),
                    plan.described()));
    last.ifPresent(from -> {
      CsvPosition position = CsvPosition.of(from.position());
      context
          .log()
          .info(
              "goes on behind row %,d at byte %,d; so far %s"
                  .formatted(position.row(), position.offset(), told(from.ledger())));
    });
  }

  private static String told(Ledger ledger) {
    return "read %,d, written %,d, skipped %,d, rejected %,d"
        .formatted(ledger.read(), ledger.written(), ledger.skipped(), ledger.rejected());
  }

  private static Outcome tellEnd(
      TaskContext context, CsvLayout layout, ImportPlan plan, Map<String, Object> counts) {
    Map<String, Object> result = new LinkedHashMap<>(counts);
    result.put("file", layout.file().path().toString());
    result.put("table", plan.target().table().toString());
    result.put("encoding", layout.charset().name());
    result.put("delimiter", String.valueOf(layout.dialect().delimiter()));
    context
        .log()
        .info(
            "done: read %s, written %s, skipped %s, rejected %s in %s s"
                .formatted(
                    counts.get("read"),
                    counts.get("written"),
                    counts.get("skipped"),
                    counts.get("rejected"),
                    counts.get("seconds")));
    return Outcome.completed(result);
  }
}
