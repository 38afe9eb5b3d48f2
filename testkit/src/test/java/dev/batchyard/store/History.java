package dev.batchyard.store;

/** Tasks of one type and queue by the ten thousand, put into their homes by SQL. */
final class History {

  private final StoreFixture f;
  private final String type;
  private final long lane;

  History(StoreFixture f, String type) {
    this(f, type, "default");
  }

  History(StoreFixture f, String type, String queue) {
    this.f = f;
    this.type = type;
    this.lane =
        f.count(
            """
            insert into lane (queue, type, priority) values (?, ?, 4) returning id
            """,
            queue,
            type);
  }

  /** Completed tasks of neighbouring ids, one of a thousand failed; returns the last id. */
  long ended(long first, int count) {
    return ended(first, count, 1000);
  }

  /** Failed tasks of neighbouring ids; returns the last id. */
  long failed(long first, int count) {
    return ended(first, count, 1);
  }

  private long ended(long first, int count, int ofWhichOneFailed) {
    tasks(first, count);
    f.sql(
        """
        insert into outcome (id, type, state, lane, attempt, failures, crashes, generation, lease,
                             node, started_at, finished_at, result)
        select g, '%s', case g %% %d when 0 then 'failed' else 'completed' end::task_state, %d, 1, 0,
               0, 1, 1, 'node', now(), now(), '{}'
          from generate_series(%d, %d) g
        """
            .formatted(type, ofWhichOneFailed, lane, first, first + count - 1));
    return first + count - 1;
  }

  /** Paused tasks; returns the last id. */
  long parked(long first, int count) {
    tasks(first, count);
    f.sql(
        """
        insert into parked (id, state, from_state, kind, lane, due_at, attempt, failures, crashes,
                            generation, by, at)
        select g, 'paused', 'ready', 'new', %d, now(), 0, 0, 0, 1, 'kim', now()
          from generate_series(%d, %d) g
        """
            .formatted(lane, first, first + count - 1));
    return first + count - 1;
  }

  /** Waiting tasks in blocks of so many; returns the last id. */
  long waiting(long first, int count, int block) {
    tasks(first, count);
    f.sql(
        """
        insert into block (lane, due_at, first, lo, hi)
        select %d, now(), g, g, g + %d - 1 from generate_series(%d, %d, %d) g
        """
            .formatted(lane, block, first, first + count - 1, block));
    return first + count - 1;
  }

  private void tasks(long first, int count) {
    f.sql("select setval('task_id', %d)".formatted(first + count - 1));
    f.store.upkeep().runOnce(); // makes partitions up to there
    f.sql(
        """
        insert into task (id, lane, label, params, retry, submitted_at)
        select g, %d, '任务', '{}', 'default', now() from generate_series(%d, %d) g
        """
            .formatted(lane, first, first + count - 1));
  }
}
