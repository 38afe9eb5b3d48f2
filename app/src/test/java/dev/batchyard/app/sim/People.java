package dev.batchyard.app.sim;

import dev.batchyard.api.Limits;
import dev.batchyard.api.TaskKeys;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.LocalNode;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.OperatorMoves.Move;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.store.Store;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/** Clients that submit, and operators that meddle. */
final class People {

  static final String CALLS_FAIL_ONLY_WHILE_AWAY = "calls fail only while the store is away";

  /** A second queue, to be paused while the default one goes on. */
  static final String QUEUE = "sim";

  /** Four tries within a second or so. */
  static final String RETRY = "sim";

  private static final int TRIES_MAX = 4;

  /** How long a client waits for a node that may have died. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Simulation sim;
  private final World world;
  private final Journal journal;
  private final Swarm swarm;
  private final Life life = new Life("people");
  private final Store store;
  private final List<Long> batches = new ArrayList<>();
  private int busy;

  /**
   * Which features this world has.
   *
   * @param calls of each client
   * @param arrivals whether single tasks are submitted to nodes, too, which may begin them at once
   */
  record Swarm(
      int clients,
      int calls,
      boolean keys,
      boolean batches,
      boolean limits,
      boolean priorities,
      boolean later,
      boolean operators,
      boolean reruns,
      boolean queuePauses,
      Set<Script.Deed> deeds,
      boolean arrivals) {

    static Swarm draw(SplittableRandom draw) {
      return new Swarm(
          1 + draw.nextInt(2),
          2 + draw.nextInt(4),
          draw.nextBoolean(),
          draw.nextBoolean(),
          draw.nextInt(3) == 0,
          draw.nextBoolean(),
          draw.nextBoolean(),
          draw.nextBoolean(),
          draw.nextBoolean(),
          draw.nextInt(3) == 0,
          deeds(draw),
          draw.nextBoolean());
    }

    /** {@return clients that have nothing else done, and nobody who meddles} */
    Swarm with(Set<Script.Deed> some) {
      return new Swarm(
          clients, calls, false, false, false, priorities, later, false, false, false, some, false);
    }

    private static Set<Script.Deed> deeds(SplittableRandom draw) {
      Set<Script.Deed> some = EnumSet.of(Script.Deed.COMPLETE);
      for (Script.Deed deed : Script.Deed.values()) {
        if (draw.nextBoolean()) {
          var _ = some.add(deed);
        }
      }
      return some;
    }
  }

  People(Simulation sim, Swarm swarm) {
    this.sim = sim;
    this.world = sim.world;
    this.journal = sim.journal;
    this.swarm = swarm;
    this.store = sim.store(life);
    store.addNode(
        new LocalNode() {
          @Override
          public void wake() {
            sim.wakeAll();
          }

          @Override
          public Optional<Submitted> arrive(TaskDraft draft) {
            return Optional.empty(); // it is none
          }
        });
  }

  void start() {
    for (int n = 0; n < swarm.clients(); n++) {
      busy++;
      var _ = world.start(life, "client " + n, () -> once(this::submitAll));
    }
    if (swarm.operators()) {
      var _ = world.start(life, "operator", () -> once(this::meddle));
    }
  }

  /** {@return whether a client has not told all yet} */
  boolean isBusy() {
    return busy > 0;
  }

  /** What people do. */
  private interface Work {
    void run() throws InterruptedException;
  }

  private void once(Work work) {
    try {
      work.run();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e); // nobody interrupts people
    }
  }

  private void submitAll() throws InterruptedException {
    for (int n = 0; n < swarm.calls(); n++) {
      rest(2_000);
      if (swarm.batches() && world.chance(300)) {
        open();
      }
      submit();
      if (!batches.isEmpty() && world.chance(150)) {
        long batch = batches.get(world.random.nextInt(batches.size()));
        attempt("seal " + batch, () -> store.batches().seal(batch));
      }
    }
    busy--;
  }

  private void rest(int ms) throws InterruptedException {
    world.current().sleep(world.upTo(Duration.ofMillis(ms)));
  }

  private void open() {
    Optional<TaskDraft> then =
        world.chance(700) ? Optional.of(draft(ask(OptionalLong.empty(), false))) : Optional.empty();
    attempt("open a batch", () -> store.batches().open("批", then))
        .ifPresent(opened -> batches.add(opened.batch()));
  }

  /** A then task is told of in the journal as a call of its own. */
  private TaskDraft draft(Journal.Asked asked) {
    Journal.Call call = journal.begin(List.of(asked));
    return draft(call, 0, Optional.empty());
  }

  private void submit() throws InterruptedException {
    int size = 1 + world.random.nextInt(6);
    OptionalLong batch =
        batches.isEmpty() || world.chance(400)
            ? OptionalLong.empty()
            : OptionalLong.of(batches.get(world.random.nextInt(batches.size())));
    boolean keyed = swarm.keys() && world.chance(600);
    List<Journal.Asked> asked = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      asked.add(ask(batch, keyed));
    }
    Journal.Call call = journal.begin(asked);
    Optional<Instant> due =
        swarm.later() && world.chance(300)
            ? Optional.of(world.now().plus(world.upTo(Duration.ofSeconds(8))))
            : Optional.empty();
    List<TaskDraft> drafts = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      drafts.add(draft(call, i, due));
    }
    if (sim.mayArrive() && drafts.size() == 1 && mayBegin(drafts.getFirst())) {
      Optional<SimNode> node = sim.anyNode();
      if (node.isPresent() && arrive(node.get(), call, drafts.getFirst())) {
        return;
      }
    }
    boolean repeatable = asked.stream().allMatch(a -> a.keys().idempotency().isPresent());
    for (int tries = 0; tries < TRIES_MAX; tries++) {
      Optional<List<Submitted>> answers =
          attempt(
              "submit " + size + " from number " + call.first,
              () -> store.submissions().submit(drafts));
      if (answers.isPresent()) {
        call.answers = answers.get();
        return;
      }
      if (!repeatable) {
        return; // it may be stored, or not
      }
      rest(1_000);
    }
  }

  private static boolean mayBegin(TaskDraft draft) {
    return draft.due().isEmpty()
        && draft.keys().equals(TaskKeys.NONE)
        && draft.batch().isEmpty()
        && draft.limits().none();
  }

  /** {@return false if the node does not take it: nothing was stored} */
  private boolean arrive(SimNode node, Journal.Call call, TaskDraft draft) {
    Fiber me = world.current();
    SimNode.Request request = node.arrive(draft, me::wake);
    if (!request.over) {
      var _ = me.park(PATIENCE, false);
    }
    request.left = true;
    request.answer.ifPresent(answer -> call.answers = List.of(answer));
    return !request.over || request.unknown || request.answer.isPresent();
  }

  private Journal.Asked ask(OptionalLong batch, boolean keyed) {
    List<Script.Deed> deeds = List.copyOf(swarm.deeds());
    Script.Deed deed = deeds.get(world.random.nextInt(deeds.size()));
    if (deed == Script.Deed.POISON && !sim.faults.kinds.contains(Faults.Kind.POISON)) {
      deed = Script.Deed.COMPLETE;
    }
    String type =
        switch (deed) {
          case COMPLETE, FAIL_AT_TIMES, FAIL_FOR_GOOD, SNOOZE, POISON ->
              world.chance(600) ? Script.QUICK : Script.FEW;
          case LINGER, EFFECTS -> world.chance(500) ? Script.FEW : Script.ALONE;
          case DEAF, CHUNKS, STEPS -> Script.ALONE;
        };
    TaskKeys keys = TaskKeys.NONE;
    if (keyed) {
      keys = keys.withIdempotency("key-" + world.random.nextInt(40));
      if (world.chance(300)) {
        keys = keys.withLive("live-" + world.random.nextInt(5));
      }
      if (world.chance(200)) {
        keys = keys.withWithin("period-" + world.random.nextInt(5), Duration.ofSeconds(20));
      }
    }
    return new Journal.Asked(deed, type, keys, batch, limits());
  }

  private Limits limits() {
    Limits limits = Limits.NONE;
    if (!swarm.limits() || world.chance(500)) {
      return limits;
    }
    return switch (world.random.nextInt(4)) {
      case 0 -> limits.withAttemptTimeout(span(5));
      case 1 -> limits.withQueueTimeout(span(10));
      case 2 -> limits.withTotalTimeout(span(30));
      default -> limits.withDeadline(world.now().plus(span(30)));
    };
  }

  private Duration span(int s) {
    return Duration.ofMillis(500).plus(world.upTo(Duration.ofSeconds(s)));
  }

  private TaskDraft draft(Journal.Call call, int place, Optional<Instant> due) {
    Journal.Asked asked = call.asked.get(place);
    int items =
        switch (asked.deed()) {
          case CHUNKS -> 1 + world.random.nextInt(6);
          case STEPS -> 1 + world.random.nextInt(4);
          default -> 0;
        };
    return new TaskDraft(
        asked.type(),
        "{\"number\":%d,\"deed\":\"%s\",\"items\":%d}"
            .formatted(call.first + place, asked.deed(), items),
        "任务",
        world.chance(300) ? QUEUE : "default",
        swarm.priorities() ? world.random.nextInt(8) : 4,
        due,
        asked.keys(),
        asked.batch(),
        world.chance(800) ? RETRY : "default",
        asked.limits());
  }

  private void meddle() throws InterruptedException {
    while (!sim.isHealing()) {
      rest(3_000);
      List<Long> known = journal.known();
      if (!known.isEmpty()) {
        move(known.get(world.random.nextInt(known.size())));
      }
      if (swarm.queuePauses() && world.chance(200)) {
        String queue = world.chance(500) ? QUEUE : "default";
        boolean pauses = world.chance(500);
        attempt(
            (pauses ? "pause queue " : "resume queue ") + queue,
            () -> pauses ? store.queues().pause(queue, "kim") : store.queues().resume(queue));
      }
    }
  }

  private void move(long task) {
    switch (world.random.nextInt(swarm.reruns() ? 4 : 3)) {
      case 0 -> {
        journal.cancelTried.add(task);
        attempt("cancel " + task, () -> cancel(task))
            .filter(move -> move == Move.DONE)
            .ifPresent(move -> journal.cancelDone.add(task));
      }
      case 1 -> attempt("pause " + task, () -> pause(task));
      case 2 -> attempt("resume " + task, () -> resume(task));
      default -> {
        journal.rerunTried.add(task);
        attempt("rerun " + task, () -> rerun(task));
      }
    }
  }

  private Move cancel(long task) {
    Move move = store.operatorMoves().cancel(task, "kim");
    if (move == Move.DONE || move == Move.REQUESTED) {
      journal.held.put(task, "cancelled");
    }
    return move;
  }

  private Move pause(long task) {
    Move move = store.operatorMoves().pause(task, "kim");
    if (move == Move.DONE || move == Move.REQUESTED) {
      journal.held.putIfAbsent(task, "paused");
    }
    return move;
  }

  private Move resume(long task) {
    Move move = store.operatorMoves().resume(task, "kim");
    if (move == Move.DONE) {
      var _ = journal.held.remove(task);
    }
    return move;
  }

  private Move rerun(long task) {
    try {
      Move move = store.operatorMoves().rerun(task, "kim");
      if (move == Move.DONE) {
        var _ = journal.held.remove(task);
      }
      return move;
    } catch (MoveRefused e) {
      return Move.REFUSED;
    }
  }

  /**
   * Undoes what was set aside, seals what is open, runs again what needs a person: nobody else
   * would, once people have gone.
   */
  void setFree() {
    sim.eye.pausedQueues().forEach(store.queues()::resume);
    sim.eye.paused().forEach(this::resume);
    sim.eye.unsealed().forEach(store.batches()::seal);
    sim.eye.failedUndos().forEach(this::rerun);
  }

  /** Asks over the net; empty if there was no answer. */
  private <T> Optional<T> attempt(String what, Supplier<T> work) {
    try {
      return Optional.of(sim.net.call(life, what, work, String::valueOf));
    } catch (StoreUnavailable e) {
      return Optional.empty();
    } catch (UnknownName e) {
      return Optional.empty(); // the batch was sealed meanwhile
    } catch (InvalidParameters e) {
      if (!swarm.limits() || !String.valueOf(e.getMessage()).contains("has passed")) {
        world.violated(CALLS_FAIL_ONLY_WHILE_AWAY, what + ": " + e);
      }
      return Optional.empty(); // its deadline passed on the way
    } catch (RuntimeException e) {
      world.violated(CALLS_FAIL_ONLY_WHILE_AWAY, what + ": " + e);
      return Optional.empty();
    }
  }
}
