package dev.batchyard.app.sim;

import dev.batchyard.api.LeaseToken;
import dev.batchyard.engine.port.Arrivals;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Expiries;
import dev.batchyard.engine.port.Finish;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.Rescues;
import dev.batchyard.engine.port.RetryPolicies;
import dev.batchyard.engine.port.RunningRows;
import dev.batchyard.engine.port.Steps;
import dev.batchyard.engine.port.Upkeep;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;

/** The ports of one life of a node, each call over the net. */
final class FaultyPorts {

  /** What it does is of no concern to tasks, and takes longer than most worlds. */
  static final Upkeep NO_UPKEEP =
      new Upkeep() {
        @Override
        public void runOnce() {}

        @Override
        public boolean prune() {
          return false;
        }

        @Override
        public boolean examine() {
          return false;
        }

        @Override
        public void rollUp() {}
      };

  private final Net net;
  private final Life life;
  private final Census census;
  private final Eye eye;

  FaultyPorts(Net net, Life life, Census census, Eye eye) {
    this.net = net;
    this.life = life;
    this.census = census;
    this.eye = eye;
  }

  Claims claims(Claims store) {
    return new Claims() {
      @Override
      public List<Claim> claim(
          UUID boot,
          UUID token,
          Map<String, Integer> wantedByType,
          int free,
          int slots,
          boolean suspects,
          Set<Integer> requirements) {
        return net.call(
            life,
            "claim " + Census.name(token) + (suspects ? " suspects" : ""),
            () -> {
              List<Claim> claims =
                  store.claim(boot, token, wantedByType, free, slots, suspects, requirements);
              census.claimed(boot, token, free, claims);
              eye.claimed(boot, claims);
              return claims;
            },
            FaultyPorts::told);
      }

      @Override
      public Optional<Duration> again() {
        return store.again(); // it remembers, and asks nobody
      }

      @Override
      public int releaseUnheld(UUID boot, Set<Long> held) {
        return net.call(
            life,
            "release all but leases " + new TreeSet<>(held),
            () -> store.releaseUnheld(boot, held),
            String::valueOf);
      }
    };
  }

  Arrivals arrivals(Arrivals store) {
    return (boot, token, draft) ->
        net.call(
            life,
            "submit and claim " + Census.name(token),
            () -> {
              Arrivals.Arrival arrival = store.submit(boot, token, draft);
              List<Claim> claims = arrival.claim().stream().toList();
              census.claimed(boot, token, 1, claims);
              eye.claimed(boot, claims);
              return arrival;
            },
            arrival -> arrival.task() + " " + told(arrival.claim().stream().toList()));
  }

  Finishes finishes(Finishes store) {
    return ends -> {
      ends.forEach(end -> census.told(end.claim()));
      return net.call(
          life,
          "finish " + ends.stream().map(FaultyPorts::told).toList(),
          () -> {
            Set<Long> due = eye.due(ends);
            Finishes.Result result = store.finish(ends);
            eye.judged(ends, due, result);
            return result;
          },
          result -> "kept " + new TreeSet<>(result.kept()));
    };
  }

  Rescues rescues(Rescues store) {
    return () -> net.call(life, "rescue", store::rescue, String::valueOf);
  }

  Expiries expiries(Expiries store) {
    return () -> net.call(life, "expire", store::expire, String::valueOf);
  }

  RunningRows runningRows(RunningRows store) {
    return (node, rows) ->
        net.call(
            life,
            "show " + rows.size() + " running",
            () -> {
              store.record(node, rows);
              return true;
            },
            String::valueOf);
  }

  Steps steps(Steps store) {
    return new Steps() {
      @Override
      public Found begin(LeaseToken lease, Draft step, boolean again) {
        return net.call(
            life,
            told("begin", lease, step.name()) + (again ? " again" : ""),
            () -> store.begin(lease, step, again),
            found -> found.getClass().getSimpleName());
      }

      @Override
      public void done(LeaseToken lease, String name, String resultJson) {
        FaultyPorts.this.done(told("end", lease, name), () -> store.done(lease, name, resultJson));
      }

      @Override
      public void slowDown(LeaseToken lease, Optional<String> pool, Duration retryAfter) {
        FaultyPorts.this.done(
            told("slow down", lease, pool.orElse("the pool")),
            () -> store.slowDown(lease, pool, retryAfter));
      }
    };
  }

  private static String told(String what, LeaseToken lease, String step) {
    return "%s %s of %d#%d".formatted(what, step, lease.task(), lease.attempt());
  }

  /** A node only reads them. */
  RetryPolicies retryPolicies(RetryPolicies store) {
    return (RetryPolicies)
        Proxy.newProxyInstance(
            FaultyPorts.class.getClassLoader(),
            new Class<?>[] {RetryPolicies.class},
            (self, method, arguments) -> {
              if (!method.getName().equals("list")) {
                throw new UnsupportedOperationException(method.getName());
              }
              return net.call(
                  life, "read policies", store::list, all -> String.valueOf(all.size()));
            });
  }

  Upkeep upkeep(Upkeep store) {
    return new Upkeep() {
      @Override
      public void runOnce() {
        done("upkeep", store::runOnce);
      }

      @Override
      public boolean prune() {
        return net.call(life, "prune", store::prune, String::valueOf);
      }

      @Override
      public boolean examine() {
        return false; // most of what it looks at is the server, which is of no world
      }

      @Override
      public void rollUp() {
        done("roll up", store::rollUp);
      }
    };
  }

  private void done(String what, Runnable work) {
    var _ =
        net.call(
            life,
            what,
            () -> {
              work.run();
              return true;
            },
            String::valueOf);
  }

  private static String told(List<Claim> claims) {
    return claims.stream()
        .map(c ->
            "%d#%d of lease %d%s"
                .formatted(c.task(), c.counters().attempt(), c.lease(), c.alone() ? " alone" : ""))
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String told(Finish end) {
    return "%d#%d %s"
        .formatted(
            end.claim().task(),
            end.claim().counters().attempt(),
            end.verdict().getClass().getSimpleName());
  }
}
