package dev.batchyard.app.engine;

import dev.batchyard.api.DurableStep;
import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.Outcome;
import dev.batchyard.api.TaskContext;
import dev.batchyard.api.TaskType;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The example of docs/steps.md: a room and a seat, both or none. */
final class Trip {

  /** Somebody else's system, which knows a booking by the reference that its customer gave it. */
  static final class Desk {
    private final Map<String, String> booked = new ConcurrentHashMap<>();
    private final boolean full;

    Desk(boolean full) {
      this.full = full;
    }

    /** A second booking under one reference is the first one. */
    String book(String reference, String traveller) {
      if (full) {
        throw new FinalFailure("客满");
      }
      booked.putIfAbsent(reference, traveller);
      return String.valueOf(booked.size());
    }

    Optional<String> find(String reference) {
      return Optional.ofNullable(booked.get(reference));
    }

    /** Does nothing if nothing is booked under the reference. */
    void cancel(String reference) {
      booked.remove(reference);
    }

    Map<String, String> booked() {
      return new TreeMap<>(booked);
    }
  }

  private final Desk hotel;
  private final Desk railway;

  Trip(Desk hotel, Desk railway) {
    this.hotel = hotel;
    this.railway = railway;
  }

  record Order(String traveller) {}

  record Room(String number) {}

  record GiveBack(String reference) {}

  Outcome book(Order order, TaskContext context) throws Exception {
    String reference = context.lease().task() + "-" + context.generation();
    Room room =
        context.step(
            DurableStep.of(
                    "room", Room.class, () -> new Room(hotel.book(reference, order.traveller())))
                .idempotent()
                .undoneBy("trip.room.cancel", new GiveBack(reference)));
    var _ =
        context.step(
            DurableStep.of("seat", () -> railway.book(reference, order.traveller()))
                .asking(() -> railway.find(reference).map(seat -> new DurableStep.Nothing()))
                .undoneBy("trip.seat.cancel", new GiveBack(reference)));
    return Outcome.completed(Map.of("room", room.number()));
  }

  Outcome cancelRoom(GiveBack what, TaskContext context) {
    context.effect();
    hotel.cancel(what.reference()); // nothing booked, nothing done
    return Outcome.completed();
  }

  Outcome cancelSeat(GiveBack what, TaskContext context) {
    context.effect();
    railway.cancel(what.reference());
    return Outcome.completed();
  }

  List<TaskType<?>> types() {
    return List.of(
        new TaskType<>("trip.book", "Books a trip", "预订行程", Order.class, this::book, 1),
        new TaskType<>(
            "trip.room.cancel", "Gives a room back", "退房", GiveBack.class, this::cancelRoom, 10),
        new TaskType<>(
            "trip.seat.cancel", "Gives a seat back", "退座", GiveBack.class, this::cancelSeat, 10));
  }
}
