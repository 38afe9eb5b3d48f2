package dev.batchyard.engine.port;

import dev.batchyard.api.Progress;
import dev.batchyard.api.RetryPolicy;
import dev.batchyard.engine.task.Counters;
import java.util.UUID;

/**
 * A task that this node may run now.
 *
 * @param lease the row that says so
 * @param token presented by every write of the attempt
 * @param counters with this attempt already counted
 * @param retry the policy as it was at the claim
 * @param alone whether it is suspected of killing nodes: nothing else runs beside it
 * @param begun items and fraction that earlier attempts had committed; zero at first, the fraction
 *     negative if their checkpoint does not say
 */
public record Claim(
    long task,
    String type,
    String paramsJson,
    Counters counters,
    RetryPolicy retry,
    long lease,
    UUID token,
    boolean alone,
    Progress begun) {}
