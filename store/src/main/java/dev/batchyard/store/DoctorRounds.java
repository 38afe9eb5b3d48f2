package dev.batchyard.store;

import dev.batchyard.engine.port.Check;
import dev.batchyard.engine.port.Doctor.Found;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The looks that nodes take by themselves: what is quick every few minutes, walks page by page and
 * at most once an hour. Of all nodes one takes each look; a walk that it leaves half way is begun
 * anew by another. What is found is kept for people to see, and logged once for each thing that was
 * not known before. By one thread at a time.
 */
final class DoctorRounds {

  private static final Logger LOG = LoggerFactory.getLogger(DoctorRounds.class);

  private static final Duration GLANCES_EVERY = Duration.ofMinutes(5);
  private static final Duration WALKS_EVERY = Duration.ofHours(1);

  /** So long after its last page a look belongs to nobody. */
  private static final Duration ABANDONED = Duration.ofMinutes(5);

  /** Examples that a line of the log tells. */
  private static final int TOLD_MAX = 3;

  private static final String TAKE =
      """
      with clock as materialized (
        select coalesce(?::timestamptz, clock_timestamp()) as now),
      due as materialized (
        select w.name
          from unnest(?::text[]) w (name)
          left join doctor_look d on d.name = w.name
         cross join clock c
         where coalesce(d.looked_at <= c.now - ? * interval '1 ms', true)
           and coalesce(d.worked_at <= c.now - ? * interval '1 ms', true)
         order by d.looked_at nulls first, w.name
         limit ?)
      insert into doctor_look as d (name, worked_at)
      select name, now from due cross join clock
          on conflict (name) do update
         set worked_at = excluded.worked_at
       where coalesce(d.looked_at <= excluded.worked_at - ? * interval '1 ms', true)
         and coalesce(d.worked_at <= excluded.worked_at - ? * interval '1 ms', true)
      returning name, worked_at, subjects
      """;

  private static final String GO_ON =
      """
      update doctor_look set worked_at = coalesce(?::timestamptz, clock_timestamp())
       where name = ? and worked_at = ?
      returning worked_at
      """;

  private static final String END =
      """
      update doctor_look
         set looked_at = coalesce(?::timestamptz, clock_timestamp()), worked_at = null, looked = ?,
             found = ?, subjects = ?, details = ?, problem = '',
             since = case when ? > 0 then coalesce(since, ?::timestamptz, clock_timestamp()) end
       where name = ? and worked_at = ?
      """;

  // what was found before is still the best that is known
  private static final String END_BLIND =
      """
      update doctor_look
         set looked_at = coalesce(?::timestamptz, clock_timestamp()), worked_at = null, problem = ?
       where name = ? and worked_at = ?
      """;

  /** A look that has been begun. */
  private static final class Look {
    final Check check;
    final Set<String> known;
    final List<Found> found = new ArrayList<>();
    Instant token;
    long looked;
    Optional<String> from = Optional.empty();
    String problem = "";

    Look(Check check, Instant token, Set<String> known) {
      this.check = check;
      this.token = token;
      this.known = known;
    }
  }

  private final Db db;
  private final StoreClock clock;
  private final PgDoctor doctor;
  private @Nullable Look walk;

  DoctorRounds(Db db, StoreClock clock, PgDoctor doctor) {
    this.db = db;
    this.clock = clock;
    this.doctor = doctor;
  }

  /** Does one step; {@return whether there is another to do soon} */
  boolean step() {
    Look current = walk;
    walk = null; // if this step fails, the look is taken up again when it is abandoned
    if (current == null) {
      List<Look> glances = take(false, GLANCES_EVERY, Check.values().length);
      glances.forEach(this::finish);
      current = take(true, WALKS_EVERY, 1).stream().findFirst().orElse(null);
      if (current == null) {
        return false;
      }
    } else if (!goOn(current)) {
      return true;
    }
    if (page(current)) {
      walk = current;
    } else {
      end(current);
    }
    return true;
  }

  private void finish(Look glance) {
    boolean _ = page(glance);
    end(glance);
  }

  /** {@return whether there is another page} */
  private boolean page(Look look) {
    try {
      Scan.Page page = doctor.page(look.check, look.from);
      look.found.addAll(page.found());
      look.looked += page.looked();
      look.from = page.next();
      return page.next().isPresent() && look.found.size() < PgDoctor.FOUND_MAX;
    } catch (PgDoctor.TooSlow | StatementFailed e) {
      look.problem = String.valueOf(e.getMessage());
      return false;
    }
  }

  private List<Look> take(boolean walks, Duration every, int most) {
    String[] names = doctor.checks(walks).stream().map(Check::word).toArray(String[]::new);
    return db.query(
        TAKE,
        DoctorRounds::look,
        clock.bound(),
        names,
        every.toMillis(),
        ABANDONED.toMillis(),
        most,
        every.toMillis(),
        ABANDONED.toMillis());
  }

  private boolean goOn(Look look) {
    Optional<Instant> token =
        db
            .query(
                GO_ON,
                r -> Sql.instant(r, "worked_at"),
                clock.bound(),
                look.check.word(),
                look.token)
            .stream()
            .findFirst();
    token.ifPresent(at -> look.token = at);
    return token.isPresent();
  }

  private void end(Look look) {
    List<Found> found = look.found.stream().limit(PgDoctor.FOUND_MAX).toList();
    List<Found> shown = found.stream().limit(PgDoctor.EXAMPLES_MAX).toList();
    boolean ended =
        look.problem.isEmpty()
            ? db.update(
                    END,
                    clock.bound(),
                    look.looked,
                    (long) found.size(),
                    shown.stream().map(Found::subject).toArray(String[]::new),
                    shown.stream().map(Found::detail).toArray(String[]::new),
                    (long) found.size(),
                    clock.bound(),
                    look.check.word(),
                    look.token)
                == 1
            : db.update(END_BLIND, clock.bound(), look.problem, look.check.word(), look.token) == 1;
    if (ended) {
      tell(look, found.size(), shown);
    }
  }

  private static void tell(Look look, int found, List<Found> shown) {
    List<Found> fresh = shown.stream().filter(f -> !look.known.contains(f.subject())).toList();
    if (!fresh.isEmpty()) {
      String told =
          fresh.stream()
              .limit(TOLD_MAX)
              .map(f -> f.subject() + ": " + f.detail())
              .reduce((a, b) -> a + "; " + b)
              .orElse("");
      LOG.warn(
          "doctor, {}: {}: {} found, such as {}. Cure: {}",
          look.check.word(),
          look.check.finds(),
          found,
          told,
          look.check.cure());
    } else if (found == 0 && !look.known.isEmpty() && look.problem.isEmpty()) {
      LOG.info("doctor, {}: nothing is found any more", look.check.word());
    }
  }

  private static Look look(ResultSet row) throws SQLException {
    return new Look(
        Check.of(row.getString("name")).orElseThrow(),
        Sql.instant(row, "worked_at"),
        Set.of(
            Arrays.stream((String[]) row.getArray("subjects").getArray())
                .distinct()
                .toArray(String[]::new)));
  }
}
