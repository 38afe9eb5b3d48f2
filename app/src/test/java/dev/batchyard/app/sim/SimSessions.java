package dev.batchyard.app.sim;

import dev.batchyard.app.sim.Links.Link;
import dev.batchyard.engine.port.NodePulse;
import dev.batchyard.engine.port.NodeRegistration;
import dev.batchyard.engine.port.NodeSession;
import dev.batchyard.engine.port.SessionLost;
import dev.batchyard.engine.port.Sessions;
import dev.batchyard.engine.port.StoreUnavailable;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/** The sessions of one life of a node, over a net that fails. */
final class SimSessions implements Sessions {

  private final Sessions store;
  private final Net net;
  private final Links links;
  private final World world;
  private final Faults faults;
  private final Life life;
  private final Census census;

  SimSessions(
      Sessions store, Net net, Links links, World world, Faults faults, Life life, Census census) {
    this.store = store;
    this.net = net;
    this.links = links;
    this.world = world;
    this.faults = faults;
    this.life = life;
    this.census = census;
  }

  private record Opened(NodeSession session, Link link) {}

  @Override
  public NodeSession open(NodeRegistration node) {
    AtomicBoolean givenUp = new AtomicBoolean();
    try {
      Opened opened =
          net.call(
              life,
              "open " + Census.name(node.boot()),
              () -> reach(node, givenUp),
              o -> "a session");
      return new SimSession(opened, node.boot());
    } catch (StoreUnavailable e) {
      givenUp.set(true);
      died(); // it has no other one
      throw new SessionLost("no session: " + e.getMessage(), e);
    }
  }

  private Opened reach(NodeRegistration node, AtomicBoolean givenUp) {
    NodeSession session = store.open(node);
    Link link = links.opened(node.boot());
    census.renewed(node.boot(), world.nowNs());
    if (life.isDead() || givenUp.get()) {
      leaveLater(link);
    } else {
      census.opened(life, link);
    }
    return new Opened(session, link);
  }

  /** The server finds out when its client has gone: mostly at once. */
  private void leaveLater(Link link) {
    Duration after =
        faults.has(Faults.Kind.SESSION_CUT) && world.chance(200)
            ? faults.late()
            : world.upTo(Duration.ofMillis(20));
    world.after(after, () -> links.end(link, world.nowNs()));
  }

  /** The process has died, or knows nothing of its sessions. */
  void died() {
    census.linksOf(life).forEach(this::leaveLater);
  }

  @Override
  public void leave(UUID boot) {
    var _ =
        net.call(
            life,
            "leave " + Census.name(boot),
            () -> {
              store.leave(boot);
              return true;
            },
            String::valueOf);
  }

  private final class SimSession implements NodeSession {

    private final NodeSession session;
    private final Link link;
    private final UUID boot;

    SimSession(Opened opened, UUID boot) {
      this.session = opened.session();
      this.link = opened.link();
      this.boot = boot;
    }

    @Override
    public Beat beat(boolean mayFence, long refused, Look look, NodePulse pulse) {
      requireStanding();
      link.waiting(world.current());
      try {
        return net.call(
            life,
            "beat " + Census.name(boot) + (mayFence ? " may fence" : "") + " " + look,
            () -> {
              if (link.isOver()) {
                throw broken();
              }
              Beat beat = session.beat(mayFence, refused, look, pulse);
              census.renewed(boot, world.nowNs());
              return beat;
            },
            SimSessions::told,
            link::isOver);
      } catch (StoreUnavailable e) {
        link.breakOff();
        throw new SessionLost("no beat: " + e.getMessage(), e);
      } finally {
        link.waiting(null);
      }
    }

    @Override
    public boolean awaitWake(Duration most) {
      requireStanding();
      Fiber me = world.current();
      if (!link.takeWoken()) {
        link.waiting(me);
        Duration atLeast = most.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : most;
        var _ = me.park(atLeast, false);
        link.waiting(null);
        requireStanding();
        return link.takeWoken();
      }
      return true;
    }

    @Override
    public void close() {
      link.breakOff();
      leaveLater(link);
    }

    private void requireStanding() {
      if (link.isOver() || link.isBroken()) {
        link.breakOff();
        throw broken();
      }
    }
  }

  private static SessionLost broken() {
    return new SessionLost("simulated: broken", new IllegalStateException("broken"));
  }

  private static String told(NodeSession.Beat beat) {
    return "%s%s%s%s due %s"
        .formatted(
            beat.requests(),
            beat.releasable() ? " releasable" : "",
            beat.expiring() ? " expiring" : "",
            beat.owning() ? " owning" : "",
            beat.due().map(Duration::toMillis).map(String::valueOf).orElse("-"));
  }
}
