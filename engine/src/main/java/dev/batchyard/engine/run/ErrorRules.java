package dev.batchyard.engine.run;

import dev.batchyard.api.ErrorRule;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.port.RetryPolicies;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules of the retry policies for kinds of failures. Claims do not carry them: they are read
 * when an attempt has failed, for all policies at once and at most once a second. Thread-safe.
 */
final class ErrorRules {

  private static final Logger LOG = LoggerFactory.getLogger(ErrorRules.class);
  private static final long KNOWN_NS = TimeUnit.SECONDS.toNanos(1);

  private final RetryPolicies policies;
  private final LongSupplier nanos;
  private final Lock reading;
  private volatile Map<String, List<ErrorRule>> rules = Map.of();
  private boolean read;
  private long readNs;

  ErrorRules(RetryPolicies policies, Threads threads) {
    this.policies = policies;
    this.nanos = threads::nanos;
    this.reading = threads.newLock();
  }

  /**
   * {@return the policy with its rules, which are at most a second old} They are as last read if
   * the store does not answer. May take as long as a statement.
   */
  RetryPolicy added(RetryPolicy policy) {
    boolean _ = Thread.interrupted(); // it was meant for a handler, which has ended
    reading.lock(); // of many failures at once, one reads and the others wait for it
    try {
      if (!read || nanos.getAsLong() - readNs >= KNOWN_NS) {
        read();
      }
    } finally {
      reading.unlock();
    }
    return known(policy);
  }

  /** {@return the policy with its rules as last read} Does not wait. */
  RetryPolicy known(RetryPolicy policy) {
    return policy.withRules(rules.getOrDefault(policy.name(), List.of()));
  }

  private void read() {
    try {
      Map<String, List<ErrorRule>> found = new HashMap<>();
      policies.list().forEach(policy -> found.put(policy.name(), policy.rules()));
      rules = Map.copyOf(found);
    } catch (RuntimeException e) {
      LOG.warn(
          "the rules of retry policies cannot be read ({}); those last read hold", e.getMessage());
    }
    read = true;
    readNs = nanos.getAsLong();
  }
}
