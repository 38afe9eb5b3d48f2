package dev.batchyard.engine.port;

import java.time.Instant;

/** Another node of this name lives, as far as can be seen. The message names it and the cure. */
public final class NameTaken extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Instant beatAt;

  /**
   * One that lives.
   *
   * @param beatAt its last beat: while that does not move, it may have died unnoticed
   */
  public NameTaken(String name, String host, long pid, Instant beatAt) {
    super(
        "node '%s' runs already, as process %d on %s; stop that one, or give this one a name of its own (--name)"
            .formatted(name, pid, host));
    this.beatAt = beatAt;
  }

  /** {@return whether the other has beaten since it was looked at before} */
  public boolean beatsSince(NameTaken before) {
    return beatAt.isAfter(before.beatAt);
  }
}
