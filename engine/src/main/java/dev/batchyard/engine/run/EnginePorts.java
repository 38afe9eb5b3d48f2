package dev.batchyard.engine.run;

import dev.batchyard.engine.port.Arrivals;
import dev.batchyard.engine.port.AttemptLogs;
import dev.batchyard.engine.port.AwayErrors;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Expiries;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.NodeMetrics;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Rescues;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.RunningRows;
import dev.batchyard.engine.port.Sessions;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.Upkeep;

/** What a running node needs from outside. */
public record EnginePorts(
    Sessions sessions,
    Claims claims,
    Arrivals arrivals,
    Finishes finishes,
    Rescues rescues,
    Expiries expiries,
    RunningRows runningRows,
    Steps steps,
    Splits splits,
    Upkeep upkeep,
    ParameterCodec codec,
    AttemptLogs logs,
    AwayErrors awayErrors,
    RetryPolicies retryPolicies,
    NodeMetrics metrics) {}
