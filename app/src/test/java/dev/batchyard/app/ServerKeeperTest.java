package dev.batchyard.app;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.batchyard.store.server.CannotStart;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class ServerKeeperTest {

  @Test
  void a_cause_is_logged_once_until_it_changes_or_is_gone() {
    Deque<Optional<RuntimeException>> looks =
        new ArrayDeque<>(
            List.of(
                Optional.empty(),
                Optional.of(new CannotStart("disk full, pid 17")),
                Optional.of(new CannotStart("disk full, pid 18")),
                Optional.of(new CannotStart("disk full, pid 19")),
                Optional.of(new CannotStart("no right")),
                Optional.of(new IllegalStateException("a bug")),
                Optional.of(new IllegalStateException("a bug")),
                Optional.empty(),
                Optional.empty(),
                Optional.of(new CannotStart("disk full, pid 20"))));
    int count = looks.size();
    Logger logger = (Logger) LoggerFactory.getLogger(ServerKeeper.class);
    ListAppender<ILoggingEvent> heard = new ListAppender<>();
    heard.start();
    Level before = logger.getLevel();
    logger.setLevel(Level.INFO); // the command line turns loggers off
    logger.addAppender(heard);
    try (ServerKeeper keeper =
        new ServerKeeper(() -> {
          Optional<RuntimeException> next = looks.remove();
          if (next.isPresent()) {
            throw next.get();
          }
        })) {
      for (int look = 0; look < count; look++) {
        keeper.runOnce();
      }
    } finally {
      logger.detachAppender(heard);
      logger.setLevel(before);
    }
    assertThat(heard.list)
        .extracting(ILoggingEvent::getLevel, ILoggingEvent::getFormattedMessage)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                Level.WARN, "disk full, pid 17; trying again every second"),
            org.assertj.core.groups.Tuple.tuple(Level.WARN, "no right; trying again every second"),
            org.assertj.core.groups.Tuple.tuple(
                Level.ERROR, "unexpected; trying again every second"),
            org.assertj.core.groups.Tuple.tuple(Level.INFO, "PostgreSQL runs again"),
            org.assertj.core.groups.Tuple.tuple(
                Level.WARN, "disk full, pid 20; trying again every second"));
  }
}
