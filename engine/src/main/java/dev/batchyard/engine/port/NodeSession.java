package dev.batchyard.engine.port;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The dedicated connection of a node, used by one thread. It never runs a long statement. */
public interface NodeSession extends AutoCloseable {

  /**
   * One call a second, or in two seconds by a node that rests among many: renews the node's lease,
   * notes whose locks are free, fences whom it may, and brings back what a node must know. A crash
   * of the store may take back what the last ones wrote: then every session is gone as well, and
   * nobody fences for one lease.
   *
   * @param mayFence false for one lease after this session was opened: the store may have been
   *     away, and others need time to come back
   * @param refused writes refused since the last beat, to be added to the node's row
   * @param look whether it also looks for tasks that are due: a node that claims need not
   * @param pulse how the node is, for its row
   * @throws SessionLost if the connection is gone
   * @throws BootFenced if this boot was fenced
   */
  Beat beat(boolean mayFence, long refused, Look look, NodePulse pulse);

  /** A beat of a node that runs nothing and is not measured. */
  default Beat beat(boolean mayFence, long refused, Look look) {
    return beat(mayFence, refused, look, NodePulse.NONE);
  }

  /**
   * Waits for a wake-up.
   *
   * @return true as soon as one comes, false after {@code most}
   * @throws SessionLost if the connection is gone
   */
  boolean awaitWake(Duration most);

  @Override
  void close();

  /** At which waiting tasks a beat looks. */
  enum Look {
    /** At none. */
    NONE,
    /** At those that became due within the last half of a lease: cheap whatever lies before. */
    RECENT,
    /** At all, unless such a look has become slow: then, most of the time, as {@link #RECENT}. */
    ALL
  }

  /**
   * What a beat brings back.
   *
   * @param requests pauses and cancels for attempts of this node, repeated until they end
   * @param releasable whether leases of fenced or absent boots wait for a rescue
   * @param expiring whether limits of tasks may have passed
   * @param owning whether leases of this boot are stored
   * @param due until the first task of those looked at that this node could claim is due, zero if
   *     one is; empty if there is none, or none before the next beat
   * @param crowded whether so many nodes live that those which rest need not beat once a second
   * @param lighter nodes that may run the same tasks and are clearly less loaded, as of the last
   *     look at them; empty if there is none
   * @param cordon whether a person keeps the node from claiming
   */
  record Beat(
      List<StopRequest> requests,
      boolean releasable,
      boolean expiring,
      boolean owning,
      Optional<Duration> due,
      boolean crowded,
      Optional<Lighter> lighter,
      Cordon cordon) {
    public Beat {
      requests = List.copyOf(requests);
    }
  }

  /** How a person keeps a node from claiming. See {@link Cordons}. */
  enum Cordon {
    /** Not at all. */
    NONE,
    /** It claims nothing. */
    STANDS,
    /** It also hands over what it runs. */
    DRAINS,
    /** It also ends when it holds nothing. */
    ENDS
  }

  /**
   * Nodes that are clearly less loaded than this one.
   *
   * @param headRoom the most that one of them has, as {@link
   *     dev.batchyard.engine.placement.HeadRoom#of} says
   * @param onlyHere the numbers of the requirements that this node meets and none of them
   */
  record Lighter(double headRoom, Set<Integer> onlyHere) {
    public Lighter {
      onlyHere = Set.copyOf(onlyHere);
    }
  }

  /**
   * A person's wish for a running attempt.
   *
   * @param cancel true to cancel, false to pause
   */
  record StopRequest(long task, boolean cancel) {}
}
