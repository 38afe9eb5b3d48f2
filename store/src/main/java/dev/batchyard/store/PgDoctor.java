package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor;
import dev.batchyard.engine.port.StoreUnavailable;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Takes looks, page by page. Between two pages it rests as long as the last one took. Knows nothing
 * from one call to the next. Thread-safe.
 */
final class PgDoctor implements Doctor {

  /** What moves has arrived by then. */
  private static final Duration SECOND_LOOK = Duration.ofMillis(300);

  private static final String LAST_LOOKS =
      """
      select name, looked_at, since, looked, found, subjects, details, problem from doctor_look
      """;

  private final Db db;
  private final LongSupplier nanos;
  private final Map<Check, Scan> scans = new EnumMap<>(Check.class);

  /**
   * Over a store.
   *
   * @param nanos a clock that only moves forward
   */
  PgDoctor(Db db, LongSupplier nanos, List<Map<Check, Scan>> scans) {
    this.db = db;
    this.nanos = nanos;
    scans.forEach(this.scans::putAll);
  }

  /** {@return the checks that can be made here and go through tables that grow, or do not} */
  List<Check> checks(boolean walks) {
    return scans.entrySet().stream()
        .filter(e -> e.getValue().walks() == walks)
        .map(Map.Entry::getKey)
        .toList();
  }

  @Override
  public Finding look(Check check, long rowsMax) {
    if (!scans.containsKey(check)) {
      return new Finding(check, List.of(), false, 0, true, "");
    }
    List<Found> found = new ArrayList<>();
    long looked = 0;
    Optional<String> from = Optional.empty();
    String problem = "";
    do {
      long began = nanos.getAsLong();
      try {
        Scan.Page page = page(check, from);
        found.addAll(page.found());
        looked += page.looked();
        from = page.next();
      } catch (TooSlow | StatementFailed e) {
        problem = String.valueOf(e.getMessage());
        from = Optional.empty();
      }
      if (from.isPresent()) {
        LockSupport.parkNanos(nanos.getAsLong() - began);
      }
    } while (from.isPresent() && looked < rowsMax && found.size() < FOUND_MAX);
    boolean complete = from.isEmpty() && problem.isEmpty();
    return new Finding(
        check,
        found.stream().limit(FOUND_MAX).toList(),
        found.size() >= FOUND_MAX,
        looked,
        complete,
        problem);
  }

  /** A page was given up, so that it slows nothing else down. */
  static final class TooSlow extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooSlow(Throwable cause) {
      super("it took longer than 5 s and was given up", cause);
    }
  }

  /**
   * Reads a page; what is wrong in it is looked at again after a moment.
   *
   * @param from where it begins; empty for the first one
   * @throws TooSlow if the database took too long
   */
  Scan.Page page(Check check, Optional<String> from) {
    Scan.Pages pages = scan(check).pages();
    try {
      String[] place = new String[1];
      Scan.Page first =
          read(c -> {
            place[0] = from.isPresent() ? from.get() : pages.start(c);
            return pages.page(c, place[0]);
          });
      if (first.found().isEmpty()) {
        return first;
      }
      LockSupport.parkNanos(SECOND_LOOK.toNanos());
      Scan.Page again = read(c -> pages.page(c, place[0]));
      Set<String> before = first.found().stream().map(Found::subject).collect(Collectors.toSet());
      return new Scan.Page(
          again.found().stream().filter(f -> before.contains(f.subject())).toList(),
          first.looked(),
          first.next());
    } catch (StoreUnavailable e) {
      throw SqlStates.gaveUp(e) ? new TooSlow(e) : e;
    }
  }

  private Scan.Page read(Db.Work<Scan.Page> work) {
    return db.transaction(c -> {
      Sql.run(c, Scan.PATIENCE);
      return work.on(c);
    });
  }

  @Override
  public List<Found> repair(Finding finding) {
    Scan scan = scan(finding.check());
    return finding.found().stream().filter(scan.mend()::of).toList();
  }

  private Scan scan(Check check) {
    return Objects.requireNonNull(scans.get(check), check::word);
  }

  @Override
  public List<LastLook> lastLooks() {
    Map<String, LastLook> known = new HashMap<>();
    db.query(LAST_LOOKS, PgDoctor::lastLook)
        .forEach(maybe -> maybe.ifPresent(look -> known.put(look.check().word(), look)));
    return Arrays.stream(Check.values())
        .map(check ->
            known.getOrDefault(
                check.word(),
                new LastLook(check, Optional.empty(), Optional.empty(), 0, 0, List.of(), "")))
        .toList();
  }

  /** A newer version may know of more checks. */
  private static Optional<LastLook> lastLook(ResultSet row) throws SQLException {
    Optional<Check> check = Check.of(row.getString("name"));
    if (check.isEmpty()) {
      return Optional.empty();
    }
    String[] subjects = (String[]) row.getArray("subjects").getArray();
    String[] details = (String[]) row.getArray("details").getArray();
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < subjects.length; i++) {
      examples.add(new Example(subjects[i], details[i]));
    }
    return Optional.of(
        new LastLook(
            check.get(),
            Sql.maybeInstant(row, "looked_at"),
            Sql.maybeInstant(row, "since"),
            row.getLong("looked"),
            row.getLong("found"),
            examples,
            row.getString("problem")));
  }
}
