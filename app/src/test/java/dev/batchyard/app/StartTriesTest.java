package dev.batchyard.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.batchyard.app.config.ConfigReader;
import dev.batchyard.app.config.Key;
import dev.batchyard.app.config.Settings;
import dev.batchyard.store.server.CannotStart;
import dev.batchyard.store.server.SharedPrograms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartTriesTest {

  private static final int KILLS = 6;
  private static final Duration KILLS_MAX = Duration.ofSeconds(50);

  @TempDir Path temp;

  @Test
  void a_start_outlasts_kills_of_the_server_in_its_start_and_after() throws Exception {
    Settings settings =
        ConfigReader.read(Map.of(Key.DATA, temp.resolve("data").toString()), Map.of(), temp);
    var _ = SharedPrograms.in(temp.resolve("data"));
    Installation.open(settings).close(); // the database is there
    CompletableFuture<Integer> killed = CompletableFuture.supplyAsync(this::killAgainAndAgain);
    int starts = 0;
    do {
      try (Installation installation = Installation.open(settings);
          Connection connection = installation.database().session()) {
        installation.refuseSlotsBeyondConnections();
        starts++;
        assertThat(connection.isClosed()).isFalse();
      } catch (SQLException e) {
        assertThat(killed).as("only a kill may end it: " + e).isNotDone();
      }
    } while (!killed.isDone());
    assertThat(killed.get(1, TimeUnit.SECONDS)).isEqualTo(KILLS);
    assertThat(starts).isPositive();
  }

  /** Every other one at once, before it answers; the others as soon as they do. */
  private int killAgainAndAgain() {
    long untilNs = System.nanoTime() + KILLS_MAX.toNanos();
    long last = 0;
    int kills = 0;
    while (kills < KILLS && System.nanoTime() < untilNs) {
      Optional<List<String>> file = pidFile();
      long pid = file.map(lines -> Long.parseLong(lines.getFirst().strip())).orElse(0L);
      boolean answers = file.filter(lines -> lines.getLast().strip().equals("ready")).isPresent();
      if (pid != 0
          && pid != last
          && (kills % 2 == 0 || answers)
          && ProcessHandle.of(pid).filter(ProcessHandle::destroyForcibly).isPresent()) {
        last = pid;
        kills++;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    }
    return kills;
  }

  private Optional<List<String>> pidFile() {
    try {
      List<String> lines = Files.readAllLines(temp.resolve("data/pg/data/postmaster.pid"));
      return lines.size() > 3 ? Optional.of(lines) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Test
  void a_server_that_dies_for_too_long_is_named_with_what_it_said_last() {
    AtomicLong nowNs = new AtomicLong();
    AtomicInteger reached = new AtomicInteger();
    StartTries tries =
        new StartTries(
            () -> {
              reached.incrementAndGet();
              nowNs.addAndGet(Duration.ofMinutes(5).toNanos()); // it recovers for long
            },
            _ -> true,
            nowNs::get);
    assertThatThrownBy(() ->
            tries.run(() -> {
              nowNs.addAndGet(StartTries.MOST.dividedBy(4).toNanos());
              throw new CannotStart("x", new SQLException("it recovers", "57P03"));
            }))
        .isInstanceOf(CannotStart.class)
        .hasMessageContaining("4 times in 60 s")
        .hasMessageContaining("it recovers")
        .hasMessageNotContaining("--db");
    assertThat(reached).hasValue(3);
  }

  @Test
  void what_another_try_does_not_cure_is_told_at_once() {
    StartTries tries =
        new StartTries(
            () -> {
              throw new AssertionError("nothing to reach");
            },
            _ -> false,
            System::nanoTime);
    CannotStart refused = new CannotStart("data folder: no");
    assertThatThrownBy(() ->
            tries.run(() -> {
              throw refused;
            }))
        .isSameAs(refused);
  }
}
