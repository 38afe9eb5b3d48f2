package dev.batchyard.engine.run;

import dev.batchyard.api.FinalFailure;
import dev.batchyard.api.Part;
import dev.batchyard.api.Parts;
import dev.batchyard.api.Split;
import dev.batchyard.api.TaskType;
import dev.batchyard.engine.port.InvalidParameters;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.ParameterCodec;
import dev.batchyard.engine.port.Splits;
import dev.batchyard.engine.port.UnknownName;
import dev.batchyard.engine.task.AttemptEnd;
import dev.batchyard.engine.task.Failure;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The parts of the task of one attempt, and the part that it is. */
final class AttemptParts {

  private final Attempt attempt;
  private final Splits splits;
  private final TaskTypes types;
  private final ParameterCodec codec;
  private final Insistence insistence;
  private final String node;
  private Optional<Splits.State> state = Optional.empty();
  private volatile @Nullable Part part;

  AttemptParts(
      Attempt attempt,
      Splits splits,
      TaskTypes types,
      ParameterCodec codec,
      Insistence insistence,
      String node) {
    this.attempt = attempt;
    this.splits = splits;
    this.types = types;
    this.codec = codec;
    this.insistence = insistence;
    this.node = node;
  }

  /**
   * Looks what became of the parts of an earlier attempt; {@return how this one ends if its handler
   * is not to be called}
   */
  Optional<AttemptEnd> look() throws InterruptedException {
    state = insistence.on(() -> splits.find(attempt.claim().task()));
    if (state.isEmpty() || (state.get().ended() && state.get().bad() == 0)) {
      return Optional.empty();
    }
    Splits.State now = state.get();
    if (!now.ended() || now.generation() < attempt.generation()) {
      return Optional.of(again(now));
    }
    return now.tolerant() ? Optional.empty() : Optional.of(failed(now));
  }

  private static AttemptEnd failed(Splits.State now) {
    String first =
        now.firstBad()
            .map(bad ->
                "; the first is task %d, %s%s"
                    .formatted(
                        bad.task(),
                        bad.word(),
                        bad.problem().isEmpty() ? "" : ": " + bad.problem()))
            .orElse("");
    return new AttemptEnd.Threw(
        new Failure(
            "PartsFailed",
            "%,d of %,d parts did not complete%s"
                .formatted(now.total() - now.completed(), now.total(), first),
            ""),
        false);
  }

  /** {@return the parts; empty if the task was not split} */
  Optional<Parts> parts() {
    return state.map(Seen::new);
  }

  private AttemptEnd again(Splits.State now) throws InterruptedException {
    try {
      return end(insistence.on(() -> splits.again(attempt.lease(), now, ending())));
    } catch (MoveRefused e) {
      return new AttemptEnd.Threw(
          Failure.of(new FinalFailure(String.valueOf(e.getMessage()))), false);
    }
  }

  /** Splits the task. */
  AttemptEnd split(TaskType<?> own, Split split) throws InterruptedException {
    if (!own.splits()) {
      throw new FinalFailure(
          "type %s splits its tasks, and is not registered as one that does: use splitting()"
              .formatted(own.name()));
    }
    Splits.Draft draft;
    try {
      draft = draft(split);
    } catch (UnknownName | InvalidParameters e) {
      throw new FinalFailure("it cannot be split: " + e.getMessage(), e);
    }
    try {
      return end(insistence.on(() -> splits.split(attempt.lease(), draft, ending())));
    } catch (UnknownName e) {
      throw new FinalFailure("it cannot be split: " + e.getMessage(), e);
    }
  }

  private static AttemptEnd end(Splits.Done done) {
    return switch (done) {
      case WAITS -> new AttemptEnd.Waits();
      case ASKED -> new AttemptEnd.Stopped();
    };
  }

  private Splits.End ending() {
    return new Splits.End(node, attempt.ran());
  }

  private Splits.Draft draft(Split split) {
    TaskType<?> type = types.get(split.type());
    List<String> params = new ArrayList<>(split.params().size());
    for (Record each : split.params()) {
      if (!type.params().isInstance(each)) {
        throw new FinalFailure(
            "part %d: its parameters are a %s; type %s takes a %s"
                .formatted(
                    params.size(),
                    each.getClass().getSimpleName(),
                    type.name(),
                    type.params().getSimpleName()));
      }
      params.add(codec.encode(each));
    }
    return new Splits.Draft(
        type.name(),
        params,
        split.labels(),
        split.inTurn(),
        split.tolerant(),
        split.retry(),
        split.pools(),
        split.requirement());
  }

  /** {@return which part of its parent the task is} */
  Part part() {
    Part known = part;
    if (known == null) {
      known = splits.part(attempt.claim().task()).orElse(Part.WHOLE);
      part = known;
    }
    return known;
  }

  /** Parts that have ended. */
  private final class Seen implements Parts {

    private final Splits.State split;

    Seen(Splits.State split) {
      this.split = split;
    }

    @Override
    public int total() {
      return split.total();
    }

    @Override
    public int completed() {
      return split.completed();
    }

    @Override
    public int failed() {
      return split.total() - split.completed();
    }

    @Override
    public <R extends Record> Iterable<Result<R>> results(Class<R> result) {
      return () ->
          new Pages<>(split, row -> new Result<>(row.index(), row.task(), read(result, row)));
    }

    private <R extends Record> R read(Class<R> result, Splits.Row row) {
      try {
        return codec.decode(result, row.resultJson());
      } catch (InvalidParameters e) {
        throw new FinalFailure(
            "part %d, task %d: what it gave back is no %s: %s"
                .formatted(row.index(), row.task(), result.getSimpleName(), e.getMessage()),
            e);
      }
    }
  }

  private final class Pages<T> implements Iterator<T> {

    private final Splits.State split;
    private final Function<Splits.Row, T> reading;
    private Iterator<Splits.Row> page = List.<Splits.Row>of().iterator();
    private int next;
    private boolean last;

    Pages(Splits.State split, Function<Splits.Row, T> reading) {
      this.split = split;
      this.reading = reading;
    }

    @Override
    public boolean hasNext() {
      if (!page.hasNext() && !last) {
        List<Splits.Row> rows = splits.results(split, next);
        last = rows.size() < Splits.PAGE_MAX;
        next = rows.isEmpty() ? next : rows.getLast().index() + 1;
        page = rows.iterator();
      }
      return page.hasNext();
    }

    @Override
    public T next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return reading.apply(page.next());
    }
  }
}
