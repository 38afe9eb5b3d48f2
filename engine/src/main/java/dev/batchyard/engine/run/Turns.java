package dev.batchyard.engine.run;

import dev.batchyard.engine.placement.HeadRoom;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.port.NodeSession.Lighter;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Whether the node may claim now, or yields to a less loaded one first: see {@link HeadRoom}. Told
 * by the beats, asked by the claiming thread.
 */
final class Turns {

  private record Standing(double share, Set<Integer> onlyHere) {}

  private final LongSupplier nanos;
  private volatile Optional<Standing> standing = Optional.empty();
  private boolean yielding;
  private long yieldsUntilNs;

  Turns(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /**
   * What the last beat knew.
   *
   * @param own the use of this machine; empty if it is not known
   */
  void stand(Optional<MachineUse> own, Optional<Lighter> lighter) {
    standing =
        own.flatMap(use ->
            lighter.map(other ->
                new Standing(
                    HeadRoom.share(HeadRoom.of(use), other.headRoom()), other.onlyHere())));
  }

  /** {@return its share, if others are clearly less loaded} Then it claims no more than that. */
  Optional<Double> share() {
    return standing.map(Standing::share);
  }

  /** {@return the requirements that no less loaded node meets: for them it never yields} */
  Set<Integer> onlyHere() {
    return standing.map(Standing::onlyHere).orElse(Set.of());
  }

  /**
   * {@return how long it still yields before its next claim; zero if it may claim now} When it may,
   * the next call begins anew.
   */
  Duration yields() {
    long nowNs = nanos.getAsLong();
    if (standing.isEmpty()) {
      yielding = false;
      return Duration.ZERO;
    }
    if (!yielding) {
      yielding = true;
      yieldsUntilNs = nowNs + HeadRoom.YIELD.toNanos();
    }
    if (yieldsUntilNs - nowNs <= 0) {
      yielding = false;
      return Duration.ZERO;
    }
    return Duration.ofNanos(yieldsUntilNs - nowNs);
  }
}
