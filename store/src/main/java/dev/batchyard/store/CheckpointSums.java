package dev.batchyard.store;

/** What the checkpoints of one task add up to, as a part of a larger statement. */
final class CheckpointSums {

  /**
   * One row {@code (read, fraction)}, both null without checkpoints, the fraction also where none
   * says how far it is. The caller's {@code where} goes on with the task: {@code task = …}.
   */
  static final String SUMS =
      """
      select sum(s.read)::bigint as read,
             case when sum(s.size) > 0
                  then least(greatest(sum(s.at) / sum(s.size), 0), 1) end as fraction
        from (select task, read,
                     case when known then (position ->> 'offset')::float8 end as at,
                     case when known then (position ->> 'size')::float8 end as size
                from checkpoint,
             lateral (select coalesce(jsonb_typeof(position -> 'offset') = 'number'
                              and jsonb_typeof(position -> 'size') = 'number', false) as known) p) s
       where
      """;

  private CheckpointSums() {}
}
