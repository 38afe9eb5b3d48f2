package dev.batchyard.web;

import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.Checkpoints;
import dev.batchyard.engine.port.Compensations;
import dev.batchyard.engine.port.Cordons;
import dev.batchyard.engine.port.Demands;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.LogLines;
import dev.batchyard.engine.port.NodeViews;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Queues;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.TaskViews;
import dev.batchyard.engine.port.WaitReasons;

/**
 * Where the pages read; they change nothing there. The API also changes pools and cordons nodes.
 */
public record Views(
    TaskViews tasks,
    NodeViews nodes,
    Cordons cordons,
    Queues queues,
    Batches batches,
    Compensations compensations,
    LogLines logs,
    Doctor doctor,
    Checkpoints checkpoints,
    RetryPolicies retryPolicies,
    Pools pools,
    WaitReasons waits,
    Demands demands) {}
