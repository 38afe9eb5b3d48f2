package dev.batchyard.app.sim;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.AppenderBase;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What the engine logs as an error while this is open; nothing of it goes elsewhere. */
final class Unexpected extends AppenderBase<ILoggingEvent> implements AutoCloseable {

  private final Logger logger = (Logger) LoggerFactory.getLogger("dev.batchyard");
  private final @Nullable Level level = logger.getLevel();
  private final boolean additive = logger.isAdditive();
  private final Consumer<String> reader;

  /** Tells the reader. */
  Unexpected(Consumer<String> reader) {
    this.reader = reader;
    setContext((LoggerContext) LoggerFactory.getILoggerFactory());
    start();
    logger.setLevel(Level.ERROR);
    logger.setAdditive(false);
    logger.addAppender(this);
  }

  @Override
  protected void append(ILoggingEvent event) {
    if (event.getLevel().isGreaterOrEqual(Level.ERROR)) {
      String cause =
          event.getThrowableProxy() instanceof ThrowableProxy thrown
              ? ": " + thrown.getThrowable()
              : "";
      reader.accept(event.getFormattedMessage() + cause);
    }
  }

  @Override
  public void close() {
    logger.detachAppender(this);
    logger.setAdditive(additive);
    logger.setLevel(level);
    stop();
  }
}
