package dev.batchyard.engine.port;

import java.util.Locale;
import java.util.Optional;

/** What the doctor looks for; each is something that should not be. */
public enum Check {
  /** Tasks without an owner, a due time or anything that they wait for. */
  HOMES(
      "tasks that are in none of block, lease, parked and outcome, or in several; ids in one of them without a task",
      "keep the logs of nodes and of PostgreSQL and report it as a defect; --repair puts what is nowhere back in its line and takes away the parked row of what has ended",
      true),
  /** A then task whose batch cannot release it any more. */
  THEN_TASKS(
      "then tasks that wait for a batch that has ended or is gone",
      "--repair releases those whose batch has ended; cancel one whose batch is gone and submit it anew",
      true),
  /** What nobody has rescued. */
  LEASES(
      "leases of nodes that are no more, not taken back within a minute",
      "start a node: it takes them back; --repair does so for nodes that are fenced",
      true),
  /** Requests that nobody will obey. */
  REQUESTS(
      "requests to pause or cancel tasks that do not run",
      "--repair deletes them; ask again if it is still wished",
      true),
  /** What was told of attempts that are over. */
  RUNNING(
      "progress of attempts that are over, not swept within a quarter of an hour",
      "start a node: it sweeps them; --repair does so at once",
      true),
  /** Limits that will pass for nothing. */
  LIMITS(
      "limits that are kept for tasks that have ended or are gone", "--repair deletes them", true),
  /** Keys that keep others out for nothing. */
  LIVE_KEYS(
      "keys among live tasks that are held by tasks that have ended or are gone",
      "--repair frees them",
      true),
  /** Batches that miscount. */
  BATCHES(
      "batches whose counts are not those of their members, or that have not ended though all members have",
      "--repair counts them anew and ends those that are complete",
      true),
  /** Undoing that has stopped without a word. */
  COMPENSATIONS(
      "tasks that ended badly and whose undoing stands still: the undo task at its turn neither waits, runs nor needs a person, or there is none",
      "--repair lets them go on, with 'homes' those whose undo task is in no home; report it as a defect",
      true),
  /** Positions that do not fit what was counted. */
  CHECKPOINTS(
      "checkpoints whose ledger does not balance, that lie behind one that was passed, or whose task is gone",
      "--repair deletes those of tasks that are gone; report the others as a defect, their import should not be trusted",
      true),
  /** Tasks whose retries are not those that were asked for. */
  RETRY_POLICIES(
      "tasks that have not ended and name a retry policy that is gone",
      "make a policy of that name again; until then they are retried by the default one",
      false),
  /** Pools that gave more than they have, or that let tasks wait for nothing. */
  POOLS(
      "pools of which more is in use than they have, or that tasks wait for in vain",
      "make the pool that is gone, or raise the one that is too small; more in use than there is should be reported as a defect",
      false),
  /** Where new tasks and logs will lie, and what keeps old ones. */
  PARTITIONS(
      "spans of ids that lack partitions, are nearly used up, are kept by a task, or are stuck; lines of logs in no day's partition",
      "--repair makes the next span; end, cancel or resume the task that keeps an old one; start a node, whose upkeep does the rest",
      true),
  /** What keeps dead rows from being cleared away. */
  SNAPSHOTS(
      "sessions, prepared transactions and replication slots that hold back vacuum",
      "end the session (select pg_terminate_backend(PID)), commit or roll back the prepared transaction, revive or drop the slot",
      false),
  /** What slows every claim down. */
  DEAD_ROWS(
      "tables with many more dead rows than autovacuum leaves",
      "cure what the check 'snapshots' finds, see that autovacuum is on, then vacuum the table",
      false),
  /** What the promises rest on. */
  SETTINGS(
      "settings of PostgreSQL under which a crash loses what was acknowledged, or tables grow without end",
      "set them in postgresql.conf and reload",
      false),
  /** What nodes will run into when all are busy. */
  CONNECTIONS(
      "fewer connections than the live nodes may need",
      "raise max_connections, or start nodes with fewer slots",
      false),
  /** Times of logs that mislead. */
  CLOCK(
      "a clock of a node that is not the database's",
      "let both be set by NTP: leases and due times go by the database's clock, lines of logs carry the node's",
      false);

  private final String finds;
  private final String cure;
  private final boolean repairable;

  Check(String finds, String cure, boolean repairable) {
    this.finds = finds;
    this.cure = cure;
    this.repairable = repairable;
  }

  /** {@return its name as people write it, such as {@code then-tasks}} */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** {@return the check of that name} */
  public static Optional<Check> of(String word) {
    for (Check check : values()) {
      if (check.word().equals(word)) {
        return Optional.of(check);
      }
    }
    return Optional.empty();
  }

  /** {@return what it finds if something is wrong} */
  public String finds() {
    return finds;
  }

  /** {@return what to do about that, in one sentence} */
  public String cure() {
    return cure;
  }

  /** {@return whether {@link Doctor#repair} can do something about a part of it, at least} */
  public boolean repairable() {
    return repairable;
  }
}
