package dev.batchyard.engine.run;

import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * What a node takes from the process around it; all of it is another in a simulation.
 *
 * @param ids of boots and lease tokens
 * @param random spreads retries
 */
public record Surroundings(Threads threads, Supplier<UUID> ids, RandomGenerator random) {

  /** {@return those of the JVM} */
  public static Surroundings ofJvm() {
    return new Surroundings(Threads.JVM, UUID::randomUUID, new SplittableRandom());
  }
}
