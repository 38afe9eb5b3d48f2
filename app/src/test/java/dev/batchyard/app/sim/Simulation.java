package dev.batchyard.app.sim;

import dev.batchyard.store.Store;
import dev.batchyard.store.StoreClock;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * One world of a seed: nodes, clients, operators and faults for a while, then no more faults until
 * all tasks have ended. The same seed makes the same history. With a planted bug it is over as soon
 * as that is caught.
 */
final class Simulation {

  static final String EVERYTHING_ENDS = "everything ends once faults have stopped";
  static final String NOTHING_UNEXPECTED = "loops meet nothing unexpected";

  private static final Duration LOOK_EVERY = Duration.ofSeconds(2);
  private static final Duration HEALING_MAX = Duration.ofMinutes(5);
  private static final List<Faults.Kind> BLOWS =
      List.of(
          Faults.Kind.KILL,
          Faults.Kind.FREEZE,
          Faults.Kind.STOP,
          Faults.Kind.SESSION_CUT,
          Faults.Kind.OUTAGE);

  final long seed;
  final Bug bug;
  final World world;
  final Faults faults;
  final Net net;
  final Links links;
  final Census census;
  final Journal journal = new Journal();
  final Eye eye;
  private final SimDatabase database;
  private final People people;
  private final List<SimNode> nodes = new ArrayList<>();
  final Plan plan;
  private long left = -1;
  private boolean healing;

  /** For bugs: the boots that were rescued once, and when something was last told to be ready. */
  final Set<String> rescued = new HashSet<>();

  long wokenNs;

  /** What came of it. */
  record Result(
      long seed,
      String plan,
      String hash,
      Duration age,
      long lines,
      Map<String, List<String>> violations) {}

  private Simulation(long seed, SimDatabase database, Bug bug, Consumer<String> reader)
      throws SQLException {
    this.seed = seed;
    this.bug = bug;
    this.database = database;
    this.world = new World(seed, new Trace(reader));
    this.plan = bug.plan(seed);
    this.faults = new Faults(world, plan);
    this.net = new Net(world, faults);
    this.links = new Links(database, connection -> database.changed(connection, bug));
    this.census = new Census(world, links);
    this.eye = new Eye(world, journal, database.looked());
    eye.tells(census);
    this.people = new People(this, plan.swarm());
    boolean twins = plan.kinds().contains(Faults.Kind.TWINS);
    for (int n = 1; n <= plan.nodes(); n++) {
      int slots = 1 + world.random.nextInt(4);
      nodes.add(new SimNode(this, "node" + n, twins ? "twin" : "node" + n, slots));
    }
  }

  /** Runs a world; its trace is read by the reader. */
  static Result run(long seed, SimDatabase database, Bug bug, Consumer<String> reader)
      throws SQLException {
    database.empty();
    Simulation sim = new Simulation(seed, database, bug, reader);
    try (Unexpected _ = new Unexpected(what -> sim.world.violated(NOTHING_UNEXPECTED, what))) {
      try {
        sim.run();
      } finally {
        sim.links.close();
      }
      return new Result(
          seed,
          sim.plan.toString(),
          sim.world.trace.hash(),
          sim.world.age(),
          sim.world.trace.lines(),
          sim.world.violations());
    }
  }

  boolean isHealing() {
    return healing;
  }

  /** A store for a process, at the world's time. */
  Store store(Life life) {
    return new Store(
        database.queue(bug),
        links::connect,
        new SimClock(world, bug.skew(life)),
        new SplittableRandom(seed),
        Store.Settings.DEFAULT);
  }

  /** The time of the store; a node with a clock of its own is a planted bug. */
  private record SimClock(World world, Duration skew) implements StoreClock {

    @Override
    public Optional<Instant> bound() {
      return Optional.of(world.now().plus(skew));
    }

    @Override
    public long nanos() {
      return world.nowNs();
    }

    @Override
    public Executor after(Duration delay) {
      return work -> world.after(delay, work);
    }
  }

  /** {@return whether clients ask nodes, too} Worlds of planted bugs are as they were found. */
  boolean mayArrive() {
    return bug == Bug.NONE && plan.swarm().arrivals();
  }

  /** {@return one of the nodes that live, if any does} */
  Optional<SimNode> anyNode() {
    List<SimNode> up = nodes.stream().filter(SimNode::isUp).toList();
    return up.isEmpty() ? Optional.empty() : Optional.of(up.get(world.random.nextInt(up.size())));
  }

  boolean tellsOfWork() {
    return !faults.has(Faults.Kind.NO_WAKE_UPS);
  }

  /** Something became ready: whoever listens is told, soon. */
  void wakeAll() {
    if (tellsOfWork()) {
      wokenNs = world.nowNs();
      links.standing().forEach(link -> world.after(world.upTo(Duration.ofMillis(5)), link::wake));
    }
  }

  private void run() {
    world.trace.add(world, "seed " + seed + ": " + plan);
    nodes.forEach(node -> world.after(world.upTo(Duration.ofSeconds(2)), node::start));
    people.start();
    strikeLater();
    lookLater();
    if (!world.goOn(plan.trouble(), this::isCaught)) {
      heal();
      end();
    }
    world.trace.add(world, "the end");
  }

  /** {@return whether it has shown what it was to show: nothing more is of interest} */
  private boolean isCaught() {
    return world.violations().containsKey(bug.caughtBy());
  }

  private void end() {
    boolean ended =
        world.goOn(
            HEALING_MAX,
            () ->
                isCaught()
                    || (left == 0
                        && net.pending() == 0
                        && !people.isBusy()
                        && (left = eye.look()) == 0));
    if (!ended) {
      world.violated(EVERYTHING_ENDS, "left: " + eye.left());
    } else if (!isCaught()) {
      Store reader = store(new Life("reader"));
      reader.upkeep().rollUp();
      new EndChecker(world, journal, eye, reader.taskViews(), reader.doctor()).check();
    }
  }

  private void heal() {
    world.trace.add(world, "no more faults");
    healing = true;
    left = -1;
    faults.heal();
    back();
    nodes.forEach(SimNode::goOn);
  }

  private void lookLater() {
    world.after(
        LOOK_EVERY,
        () -> {
          if (healing) {
            people.setFree();
          }
          left = eye.look();
          lookLater();
        });
  }

  private void strikeLater() {
    world.after(
        Duration.ofSeconds(1).plus(world.upTo(Duration.ofSeconds(6))),
        () -> {
          if (!healing) {
            strike();
            strikeLater();
          }
        });
  }

  private void strike() {
    List<Faults.Kind> blows = BLOWS.stream().filter(faults::has).toList();
    if (blows.isEmpty()) {
      return;
    }
    SimNode node = nodes.get(world.random.nextInt(nodes.size()));
    switch (blows.get(world.random.nextInt(blows.size()))) {
      case KILL -> node.kill();
      case FREEZE -> node.freeze(faults.late());
      case STOP -> node.stop();
      case SESSION_CUT -> cut();
      case OUTAGE -> outage();
      default -> {}
    }
  }

  private void cut() {
    List<Links.Link> standing = links.standing();
    if (!standing.isEmpty()) {
      world.trace.add(world, "a session is cut");
      Links.Link link = standing.get(world.random.nextInt(standing.size()));
      if (world.chance(500)) {
        links.end(link, world.nowNs());
      } else {
        link.breakOff(); // its client knows first, and closes it
      }
    }
  }

  private void outage() {
    if (net.isAway()) {
      return;
    }
    Duration time = world.upTo(World.LEASE.multipliedBy(2));
    world.trace.add(world, "the store is away for " + time.toMillis() + " ms");
    net.away(true);
    links.endAll(world.nowNs());
    census.outage(world.nowNs());
    world.after(time, this::back);
  }

  private void back() {
    if (net.isAway()) {
      net.away(false);
      census.outageOver(world.nowNs());
    }
  }

  /** {@return a connection to its database, which stays open} */
  Connection own() {
    return database.own();
  }
}
