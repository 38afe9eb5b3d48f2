package dev.batchyard.store;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.port.TaskViews;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Finds the ids of a page. Each home of tasks is walked from the cursor downwards, through an index
 * that has its order, until the page is full or {@link TaskViews#SCAN_MAX} rows have been looked
 * at: then the page ends where that walk did. All of it in the caller's one snapshot.
 */
final class TaskPages {

  /** Ids that a block spans at most: by so much the order of blocks may differ from that of ids. */
  private static final int BLOCK_IDS = 500;

  static final Set<TaskState> IN_BLOCKS =
      EnumSet.of(TaskState.READY, TaskState.SCHEDULED, TaskState.RETRYING);
  static final Set<TaskState> PARKED = EnumSet.of(TaskState.PAUSED, TaskState.BLOCKED);
  private static final Set<TaskState> ENDED_BUT_NOT_WELL =
      EnumSet.of(TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED, TaskState.QUARANTINED);

  static final String NEWEST =
      """
      select id from task where id < ? order by id desc limit ?
      """;

  static final String OF_LANES =
      """
      select id
        from (select id, lane from task where id < ? order by id desc limit ?) t
       where lane = any (?::integer[])
       order by id desc
       limit ?
      """;

  static final String ENDED =
      """
      select id
        from (select id, state, lane from outcome where id < ? order by id desc limit ?) o
       where state = any (?::text[]::task_state[])
         and coalesce(lane = any (?::integer[]), true)
       order by id desc
       limit ?
      """;

  // Few of millions: each pair of state and type has its own run in the index outcome_bad.
  private static final String BAD_RUNS =
      """
        from unnest(?::text[]::task_state[]) s (state)
       cross join (select distinct type from lane where coalesce(id = any (?::integer[]), true)) t
       cross join lateral (
         select id, lane
           from outcome
          where state = s.state and type = t.type and state <> 'completed' and id < ?
          order by id desc
      """;

  static final String ENDED_BADLY =
      "select o.id\n"
          + BAD_RUNS
          + """
             limit ?) o
           where coalesce(o.lane = any (?::integer[]), true)
           order by o.id desc
           limit ?
          """;

  static final String BADLY_FLOOR =
      "select max(o.id) as floor\n"
          + BAD_RUNS
          + """
            offset ? limit 1) o
          """;

  static final String SET_ASIDE =
      """
      select id
        from (select id, state, lane from parked where id < ? order by id desc limit ?) p
       where state = any (?::text[]::task_state[])
         and coalesce(lane = any (?::integer[]), true)
       order by id desc
       limit ?
      """;

  static final String RUNNING =
      """
      with bound as materialized (
        select ?::bigint as high, ?::bigint as most)
      select g.id
        from bound w
       cross join lease l
       cross join unnest(l.ids * int8multirange(int8range(0, w.high))) s (ids)
       cross join generate_series(greatest(lower(s.ids), upper(s.ids) - w.most),
                                  upper(s.ids) - 1) g (id)
       where coalesce(l.lane = any (?::integer[]), true)
       order by g.id desc
       limit ?
      """;

  // Of n ids, no one lies in a block beyond the first n + 500 that match: ranges of blocks do not
  // overlap, so that at most 500 of those have all their ids below an id of a later one.
  static final String WAITING =
      """
      with bound as materialized (
        select ?::bigint as high, ?::bigint as most, coalesce(?::timestamptz, clock_timestamp()) as now)
      select g.id
        from bound w
       cross join lateral (
         select b.lo, least(b.hi, w.high - 1) as hi
           from (select first, lo, hi, lane, due_at, kind
                   from block
                  where first < w.high
                  order by first desc
                  limit ?) b
          where b.lo < w.high
            and coalesce(b.lane = any (?::integer[]), true)
            and case when b.due_at <= w.now then 'ready'
                     when b.kind = 'retry'  then 'retrying'
                     else                        'scheduled' end = any (?::text[])
          order by b.first desc
          limit ?) k
       cross join generate_series(greatest(k.lo, k.hi - w.most + 1), k.hi) g (id)
       order by g.id desc
       limit ?
      """;

  // Members are found by the index task_batch; each has its state looked up.
  static final String MEMBERS =
      """
      with running as materialized (
        select g.id
          from lease l
         cross join unnest(l.ids) s (ids)
         cross join generate_series(lower(s.ids), upper(s.ids) - 1) g (id)),
      bound as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now)
      select t.id
        from (select id, lane from task where batch = ? and id < ? order by id desc limit ?) t
        left join lateral (select state from outcome where id = t.id limit 1) o on true
        left join lateral (select state from parked where id = t.id limit 1) p on true
        left join lateral (
          select case when due_at <= (select now from bound) then 'ready'
                      when kind = 'retry'                    then 'retrying'
                      else                                        'scheduled' end as state
            from block
           where o.state is null and p.state is null
             and first between t.id - 499 and t.id and lo <= t.id and hi >= t.id
           order by first desc
           limit 1) b on true
       where coalesce(t.lane = any (?::integer[]), true)
         and (cardinality(?::text[]) = 0
              or coalesce(o.state::text, p.state::text, b.state,
                          case when t.id in (select id from running) then 'running' end)
                 = any (?::text[]))
       order by t.id desc
       limit ?
      """;

  private static final String MEMBER_FLOOR =
      """
      select id as floor from task where batch = ? and id < ? order by id desc offset ? limit 1
      """;

  static final String FLOOR =
      """
      select %s as floor from %s where %s < ? order by %s desc offset ? limit 1
      """;

  private static final String TASK_FLOOR = FLOOR.formatted("id", "task", "id", "id");
  private static final String OUTCOME_FLOOR = FLOOR.formatted("id", "outcome", "id", "id");
  private static final String PARKED_FLOOR = FLOOR.formatted("id", "parked", "id", "id");
  private static final String BLOCK_FLOOR =
      FLOOR.formatted("first + " + BLOCK_IDS, "block", "first", "first");

  private static final String LANES =
      """
      select id, type
        from lane
       where coalesce(type = ?::text, true) and coalesce(queue = ?::text, true)
      """;

  /** The ids of a page, the highest first, and where the next one begins. */
  record Ids(List<Long> ids, OptionalLong next) {}

  private record Lane(int id, String type) {}

  private final Connection connection;
  private final StoreClock clock;
  private final TaskViews.Filter filter;
  private final Optional<List<Lane>> lanes;
  private final Optional<Integer[]> laneIds;
  private final long high;
  private final int most;

  // What the walks have found, and the id from which on all of them are complete.
  private final List<Long> found = new ArrayList<>();
  private long floor;

  private TaskPages(
      Connection connection,
      StoreClock clock,
      TaskViews.Filter filter,
      Optional<List<Lane>> lanes,
      long high,
      int most) {
    this.connection = connection;
    this.clock = clock;
    this.filter = filter;
    this.lanes = lanes;
    this.laneIds = lanes.map(some -> some.stream().map(Lane::id).toArray(Integer[]::new));
    this.high = high;
    this.most = most + 1; // one more tells whether there are more
  }

  static Ids find(
      Connection connection, StoreClock clock, TaskViews.Filter filter, long high, int most)
      throws SQLException {
    Optional<List<Lane>> lanes = Optional.empty();
    if (filter.type().isPresent() || filter.queue().isPresent()) {
      lanes =
          Optional.of(
              Sql.query(
                  connection,
                  LANES,
                  r -> new Lane(r.getInt("id"), r.getString("type")),
                  filter.type(),
                  filter.queue()));
      if (lanes.get().isEmpty()) {
        return new Ids(List.of(), OptionalLong.empty());
      }
    }
    TaskPages pages = new TaskPages(connection, clock, filter, lanes, high, most);
    if (filter.batch().isPresent()) {
      pages.walkMembers(filter.batch().getAsLong(), filter.states());
    } else if (filter.states().isEmpty()) {
      pages.walkTasks();
    } else {
      pages.walkHomes(filter.states());
    }
    return pages.page();
  }

  private Ids page() {
    List<Long> ids =
        found.stream()
            .filter(id -> id >= floor)
            .sorted(Comparator.reverseOrder())
            .limit(most)
            .toList();
    if (ids.size() == most) {
      List<Long> page = ids.subList(0, most - 1);
      return new Ids(page, OptionalLong.of(page.getLast()));
    }
    return new Ids(ids, floor > 0 ? OptionalLong.of(floor) : OptionalLong.empty());
  }

  private void walkTasks() throws SQLException {
    if (lanes.isEmpty()) {
      walked(ids(NEWEST, high, most));
    } else {
      walked(ids(OF_LANES, high, TaskViews.SCAN_MAX, laneIds, most), TASK_FLOOR);
    }
  }

  private void walkMembers(long batch, Set<TaskState> states) throws SQLException {
    String[] words = words(states, EnumSet.allOf(TaskState.class));
    List<Long> ids =
        ids(MEMBERS, clock.bound(), batch, high, TaskViews.SCAN_MAX, laneIds, words, words, most);
    walked(ids, MEMBER_FLOOR, batch, high, TaskViews.SCAN_MAX - 1);
  }

  private void walkHomes(Set<TaskState> states) throws SQLException {
    String[] words = words(states, EnumSet.allOf(TaskState.class));
    if (states.contains(TaskState.COMPLETED)) {
      walked(ids(ENDED, high, TaskViews.SCAN_MAX, words, laneIds, most), OUTCOME_FLOOR);
    } else if (states.stream().anyMatch(TaskState::ended)) {
      walkBadly(words(states, ENDED_BUT_NOT_WELL));
    }
    if (states.stream().anyMatch(PARKED::contains)) {
      walked(ids(SET_ASIDE, high, TaskViews.SCAN_MAX, words, laneIds, most), PARKED_FLOOR);
    }
    if (states.contains(TaskState.RUNNING)) {
      walked(ids(RUNNING, high, most, laneIds, most));
    }
    if (states.stream().anyMatch(IN_BLOCKS::contains)) {
      String[] waiting = words(states, IN_BLOCKS);
      walked(
          ids(
              WAITING,
              high,
              most,
              clock.bound(),
              TaskViews.SCAN_MAX,
              laneIds,
              waiting,
              most + BLOCK_IDS,
              most),
          BLOCK_FLOOR);
    }
  }

  /**
   * All of a run match, unless only one queue is asked for: then any of the runs may be cut short.
   */
  private void walkBadly(String[] words) throws SQLException {
    int walk = most;
    if (filter.queue().isPresent()) {
      long types = lanes.orElseThrow().stream().map(Lane::type).distinct().count();
      walk = (int) Math.max(1, TaskViews.SCAN_MAX / (types * words.length));
      Optional<Long> end =
          Sql.first(
              connection, BADLY_FLOOR, r -> r.getLong("floor"), words, laneIds, high, walk - 1);
      floor = Math.max(floor, end.orElse(0L));
    }
    walked(ids(ENDED_BADLY, words, laneIds, high, walk, laneIds, most));
  }

  private List<Long> ids(String sql, Object... values) throws SQLException {
    return Sql.query(connection, sql, r -> r.getLong("id"), values);
  }

  private void walked(List<Long> ids) {
    found.addAll(ids);
  }

  /** Takes a walk that may have been cut short; where that was, only a page that is short asks. */
  private void walked(List<Long> ids, String floorSql) throws SQLException {
    walked(ids, floorSql, high, TaskViews.SCAN_MAX - 1);
  }

  private void walked(List<Long> ids, String floorSql, Object... values) throws SQLException {
    found.addAll(ids);
    if (ids.size() < most) {
      Optional<Long> end = Sql.first(connection, floorSql, r -> r.getLong("floor"), values);
      floor = Math.max(floor, end.orElse(0L));
    }
  }

  private static String[] words(Set<TaskState> states, Set<TaskState> of) {
    return states.stream().filter(of::contains).map(TaskState::word).toArray(String[]::new);
  }
}
