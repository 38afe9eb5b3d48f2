package dev.batchyard.app.sim;

import dev.batchyard.app.engine.Ports;
import dev.batchyard.engine.port.Claim;
import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Rescues;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.run.EnginePorts;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Ports with a {@link Bug}. */
final class BugPorts {

  private static final String GONE =
      """
      select to_jsonb(l)::text
        from lease l
       where not exists (select from node n where n.boot = l.boot and n.fenced_at is null)
       order by l.id
      """;

  private static final String GONE_BOOTS =
      """
      select distinct l.boot::text
        from lease l
       where not exists (select from node n where n.boot = l.boot and n.fenced_at is null)
      """;

  private static final String BACK =
      """
      with gone as (select * from jsonb_populate_record(null::lease, ?::jsonb)),
      deleted as (delete from lease where id = (select id from gone))
      insert into block (lane, due_at, kind, whole, first, lo, hi, attempt, failures, crashes, generation)
      select g.lane, g.due_at, 'new', false, lower(r), lower(r), upper(r) - 1,
             g.attempt, g.failures, g.crashes, g.generation
        from gone g, unnest(g.ids) r
      """;

  private BugPorts() {}

  /** What it puts back is what it saw some time ago. */
  static EnginePorts selectThenUpdate(EnginePorts ports, Simulation sim, Life life) {
    return withRescues(
        ports,
        () -> {
          List<String> gone =
              sim.net.call(
                  life,
                  "see what is gone",
                  () -> sim.eye.find(GONE, r -> r.getString(1)),
                  String::valueOf);
          return sim.net.call(
              life,
              "put it back",
              () -> {
                gone.forEach(lease -> putBack(sim, lease));
                return gone.size();
              },
              String::valueOf);
        });
  }

  private static void putBack(Simulation sim, String lease) {
    try (PreparedStatement back = sim.own().prepareStatement(BACK)) {
      back.setString(1, lease);
      int _ = back.executeUpdate();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * A boot is rescued when it is first seen, and never again. Calls to rescue fail more often than
   * others, or it would take many worlds to meet one that fails.
   */
  static EnginePorts oneShotRescue(EnginePorts ports, Simulation sim, Life life) {
    Rescues sound = ports.rescues();
    return withRescues(
        ports,
        () -> {
          List<String> boots = sim.eye.find(GONE_BOOTS, r -> r.getString(1));
          if (!sim.rescued.addAll(boots)) {
            return 0;
          }
          if (!sim.isHealing() && sim.world.chance(400)) {
            throw new StoreUnavailable("simulated: away", new SQLException("away", "08006"));
          }
          return sound.rescue();
        });
  }

  static EnginePorts noReconciliation(EnginePorts ports, Simulation sim, Life life) {
    Claims sound = ports.claims();
    return withClaims(
        ports,
        new Claims() {
          @Override
          public List<Claim> claim(
              UUID boot,
              UUID token,
              Map<String, Integer> wantedByType,
              int free,
              int slots,
              boolean suspects,
              Set<Integer> requirements) {
            return sound.claim(boot, token, wantedByType, free, slots, suspects, requirements);
          }

          @Override
          public Optional<Duration> again() {
            return sound.again();
          }

          @Override
          public int releaseUnheld(UUID boot, Set<Long> held) {
            return 0;
          }
        });
  }

  /** Nothing is looked for that nobody told of. */
  static EnginePorts wakeUpsOnly(EnginePorts ports, Simulation sim, Life life) {
    Claims sound = ports.claims();
    return withClaims(
        ports,
        new Claims() {
          private long lookedNs;

          @Override
          public List<Claim> claim(
              UUID boot,
              UUID token,
              Map<String, Integer> wantedByType,
              int free,
              int slots,
              boolean suspects,
              Set<Integer> requirements) {
            if (sim.wokenNs < lookedNs) {
              return List.of();
            }
            lookedNs = sim.world.nowNs();
            return sound.claim(boot, token, wantedByType, free, slots, suspects, requirements);
          }

          @Override
          public Optional<Duration> again() {
            return sound.again();
          }

          @Override
          public int releaseUnheld(UUID boot, Set<Long> held) {
            return sound.releaseUnheld(boot, held);
          }
        });
  }

  /** Nobody hears that a task must run alone. */
  static EnginePorts besideOthers(EnginePorts ports, Simulation sim, Life life) {
    Claims sound = ports.claims();
    return withClaims(
        ports,
        new Claims() {
          @Override
          public List<Claim> claim(
              UUID boot,
              UUID token,
              Map<String, Integer> wantedByType,
              int free,
              int slots,
              boolean suspects,
              Set<Integer> requirements) {
            return sound.claim(boot, token, wantedByType, free, slots, true, requirements).stream()
                .map(BugPorts::notAlone)
                .toList();
          }

          @Override
          public Optional<Duration> again() {
            return sound.again();
          }

          @Override
          public int releaseUnheld(UUID boot, Set<Long> held) {
            return sound.releaseUnheld(boot, held);
          }
        });
  }

  /** What a node holds goes back with what it does not. */
  static EnginePorts releasesHeld(EnginePorts ports, Simulation sim, Life life) {
    Claims sound = ports.claims();
    return withClaims(
        ports,
        new Claims() {
          @Override
          public List<Claim> claim(
              UUID boot,
              UUID token,
              Map<String, Integer> wantedByType,
              int free,
              int slots,
              boolean suspects,
              Set<Integer> requirements) {
            return sound.claim(boot, token, wantedByType, free, slots, suspects, requirements);
          }

          @Override
          public Optional<Duration> again() {
            return sound.again();
          }

          @Override
          public int releaseUnheld(UUID boot, Set<Long> held) {
            return sound.releaseUnheld(boot, Set.of());
          }
        });
  }

  private static Claim notAlone(Claim c) {
    return new Claim(
        c.task(),
        c.type(),
        c.paramsJson(),
        c.counters(),
        c.retry(),
        c.lease(),
        c.token(),
        false,
        c.begun(),
        c.flags(),
        c.limits());
  }

  private static EnginePorts withClaims(EnginePorts ports, Claims claims) {
    return Ports.with(ports, Claims.class, claims);
  }

  private static EnginePorts withRescues(EnginePorts ports, Rescues rescues) {
    return Ports.with(ports, Rescues.class, rescues);
  }
}
