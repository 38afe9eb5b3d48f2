package dev.batchyard.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.Duration;
import ch.qos.logback.core.util.FileSize;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of a node: {@code NODE.jsonl} in the log folder, one JSON object a line, at most five
 * files of 10 MB; and as text on standard error.
 */
public final class NodeLog implements AutoCloseable {

  private static final FileSize FILE_MAX = new FileSize(10 * FileSize.MB_COEFFICIENT);
  private static final int OLD_FILES_MAX = 4;
  private static final Duration SIZE_CHECK = Duration.buildBySeconds(1);

  /** The time ends with its offset, {@code +08:00} or {@code Z}: each line says when it was. */
  private static final String TEXT = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %msg%n%ex{8}";

  private final ch.qos.logback.classic.Logger root;
  private final List<Appender<ILoggingEvent>> appenders;

  private NodeLog(ch.qos.logback.classic.Logger root, List<Appender<ILoggingEvent>> appenders) {
    this.root = root;
    this.appenders = appenders;
  }

  /** Opens it; everything that the program logs goes there until it is closed. */
  public static NodeLog open(Path folder, String node, OutputStream err) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.WARN);
    context.getLogger("dev.batchyard").setLevel(Level.INFO);
    // a node says itself, and once, that the store is away
    context.getLogger("com.zaxxer.hikari").setLevel(Level.OFF);
    // what keeps the pages from starting is told in the one line of the command
    context.getLogger("org.springframework").setLevel(Level.ERROR);
    List<Appender<ILoggingEvent>> appenders =
        List.of(file(context, folder, fileName(node)), text(context, err));
    appenders.forEach(root::addAppender);
    return new NodeLog(root, appenders);
  }

  @Override
  public void close() {
    root.setLevel(Level.OFF);
    appenders.forEach(root::detachAppender);
    appenders.forEach(Appender::stop);
  }

  /** A node's name may hold what a file's name cannot. */
  static String fileName(String node) {
    return node.replaceAll("[^\\p{L}\\p{N}._-]", "_");
  }

  private static RollingFileAppender<ILoggingEvent> file(
      LoggerContext context, Path folder, String name) {
    RollingFileAppender<ILoggingEvent> file = new RollingFileAppender<>();
    file.setContext(context);
    file.setFile(folder.resolve(name + ".jsonl").toString());
    file.setEncoder(json(context));
    FixedWindowRollingPolicy rolling = new FixedWindowRollingPolicy();
    rolling.setContext(context);
    rolling.setParent(file);
    rolling.setFileNamePattern(folder.resolve(name + ".%i.jsonl").toString());
    rolling.setMinIndex(1);
    rolling.setMaxIndex(OLD_FILES_MAX);
    rolling.start();
    SizeBasedTriggeringPolicy<ILoggingEvent> trigger = new SizeBasedTriggeringPolicy<>();
    trigger.setContext(context);
    trigger.setMaxFileSize(FILE_MAX);
    trigger.setCheckIncrement(SIZE_CHECK);
    trigger.start();
    file.setRollingPolicy(rolling);
    file.setTriggeringPolicy(trigger);
    file.start();
    return file;
  }

  private static Encoder<ILoggingEvent> json(LoggerContext context) {
    JsonEncoder encoder = new JsonEncoder();
    encoder.setContext(context);
    encoder.setWithSequenceNumber(false);
    encoder.setWithNanoseconds(false);
    encoder.setWithContext(false);
    encoder.setWithFormattedMessage(true);
    encoder.setWithMessage(false);
    encoder.setWithArguments(false);
    encoder.start();
    return encoder;
  }

  private static OutputStreamAppender<ILoggingEvent> text(
      LoggerContext context, OutputStream stream) {
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.setPattern(TEXT);
    encoder.start();
    OutputStreamAppender<ILoggingEvent> text = new OutputStreamAppender<>();
    text.setContext(context);
    text.setEncoder(encoder);
    text.setOutputStream(new Unclosed(stream));
    text.start();
    return text;
  }

  /** Standard error stays open when the log is closed: the command may still have to say why. */
  private static final class Unclosed extends FilterOutputStream {

    Unclosed(OutputStream stream) {
      super(stream);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      out.write(bytes, from, count);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
