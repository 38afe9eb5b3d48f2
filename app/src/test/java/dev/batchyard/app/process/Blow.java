package dev.batchyard.app.process;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** What is done to nodes, their database and the network between. */
sealed interface Blow {

  /** SIGKILL to a node. */
  record Kill() implements Blow {}

  /** SIGKILL to PostgreSQL. */
  record Crash() implements Blow {}

  /**
   * SIGSTOP to a node, and SIGCONT later.
   *
   * @param leases for so much of a lease
   */
  record Freeze(double leases) implements Blow {}

  /** The reply to a write never arrives. */
  record Lose(LostWrite write) implements Blow {}

  /**
   * A node is cut off, and heard again later.
   *
   * @param leases for so much of a lease
   */
  record Silence(Cut cut, double leases) implements Blow {}

  /** PostgreSQL is killed, and away from all nodes and clients for so long. */
  record Outage(Duration length) implements Blow {}

  /**
   * How many of each.
   *
   * @param outage how long one lasts; none if zero
   */
  record Counts(
      int kills, int freezes, int crashes, int lostReplies, int silences, Duration outage) {

    static final Counts NONE = new Counts(0, 0, 0, 0, 0, Duration.ZERO);

    /** Two of them shorter than a lease, two longer. */
    private static final List<Double> LEASES = List.of(1.1, 0.5, 3.0, 0.3);

    /** Others have taken over by then. */
    private static final double SILENCE_LEASES = 1.6;

    /** {@return them all, in drawn order} */
    List<Blow> shuffled(Random random) {
      List<Blow> blows = new ArrayList<>(Collections.nCopies(kills, new Kill()));
      blows.addAll(Collections.nCopies(crashes, new Crash()));
      for (int n = 0; n < freezes; n++) {
        blows.add(new Freeze(LEASES.get(n % LEASES.size())));
      }
      List<LostWrite> writes = List.of(LostWrite.values());
      for (int n = 0; n < lostReplies; n++) {
        blows.add(new Lose(writes.get(n % writes.size())));
      }
      Cut[] cuts = Cut.values();
      for (int n = 0; n < silences; n++) {
        blows.add(new Silence(cuts[n % cuts.length], SILENCE_LEASES));
      }
      if (outage.isPositive()) {
        blows.add(new Outage(outage));
      }
      Collections.shuffle(blows, random);
      return blows;
    }

    boolean needNetwork() {
      return lostReplies > 0 || silences > 0 || outage.isPositive();
    }
  }
}
