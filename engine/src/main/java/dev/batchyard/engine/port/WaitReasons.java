package dev.batchyard.engine.port;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.task.Wait;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Tells why tasks do not run. Locks and changes nothing; every read has a limit. */
public interface WaitReasons {

  /** The most reasons of a task. */
  int REASONS_MAX = 16;

  /** The most live nodes that are looked at. */
  int NODES_MAX = 500;

  /** The most lanes that are walked for the place of a task in its line. */
  int LANES_MAX = 1_000;

  /** The most blocks of waiting tasks that are counted for it. */
  int BLOCKS_MAX = 2_000;

  /** The most pools, and lines of keys, that are looked at for it. */
  int POOLS_MAX = 50;

  /** The most members of a batch that are looked at for those that have not ended. */
  int MEMBERS_MAX = 200;

  /** The most tasks that are asked when they will be done. */
  int HOLDERS_MAX = 100;

  /** {@return why it does not run; empty if there is no such task} */
  Optional<Why> of(long task);

  /**
   * Why one task does not run.
   *
   * @param waits all that holds it now, the outermost first: what lies beneath holds it still when
   *     that has gone; for a task that runs or has ended the one reason that says so
   */
  record Why(long task, TaskState state, List<Wait> waits) {
    public Why {
      waits = List.copyOf(waits);
    }

    /** {@return when it may start at the earliest; empty if that of any reason is not known} */
    public Optional<Instant> earliest() {
      return waits.stream().anyMatch(wait -> wait.earliest().isEmpty())
          ? Optional.empty()
          : waits.stream().flatMap(wait -> wait.earliest().stream()).max(Comparator.naturalOrder());
    }

    /** {@return why no live node may claim it, if none may} */
    public Optional<Wait> unserved() {
      return waits.stream().filter(Wait.Unserved.class::isInstance).findFirst();
    }
  }
}
