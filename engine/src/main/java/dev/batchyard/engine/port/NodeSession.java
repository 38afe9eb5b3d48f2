package dev.batchyard.engine.port;

import java.time.Duration;
import java.util.List;

/** The dedicated connection of a node, used by one thread. It never runs a long statement. */
public interface NodeSession extends AutoCloseable {

  /**
   * One call a second: renews the node's lease, notes whose locks are free, fences whom it may, and
   * brings back what a node must know.
   *
   * @param mayFence false for one lease after this session was opened: the store may have been
   *     away, and others need time to come back
   * @param refused writes refused since the last beat, to be added to the node's row
   * @throws SessionLost if the connection is gone
   * @throws BootFenced if this boot was fenced
   */
  Beat beat(boolean mayFence, long refused);

  /**
   * Waits for a wake-up.
   *
   * @return true as soon as one comes, false after {@code most}
   * @throws SessionLost if the connection is gone
   */
  boolean awaitWake(Duration most);

  @Override
  void close();

  /**
   * What a beat brings back.
   *
   * @param requests pauses and cancels for attempts of this node, repeated until they end
   * @param releasable whether leases of fenced or absent boots wait for a rescue
   */
  record Beat(List<StopRequest> requests, boolean releasable) {
    public Beat {
      requests = List.copyOf(requests);
    }
  }

  /**
   * A person's wish for a running attempt.
   *
   * @param cancel true to cancel, false to pause
   */
  record StopRequest(long task, boolean cancel) {}
}
