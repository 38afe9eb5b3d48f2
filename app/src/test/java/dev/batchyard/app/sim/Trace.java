package dev.batchyard.app.sim;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Consumer;

/** What happened, line by line, and its hash. */
final class Trace {

  private static final int SHOWN = 16;

  private final MessageDigest digest;
  private final Consumer<String> reader;
  private long lines;

  /** One that is read while it is written. */
  Trace(Consumer<String> reader) {
    this.reader = reader;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  void add(World world, String what) {
    long us = world.age().toNanos() / 1_000;
    String line = "%4d.%06d %s".formatted(us / 1_000_000, us % 1_000_000, what);
    digest.update(line.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) '\n');
    lines++;
    reader.accept(line);
  }

  long lines() {
    return lines;
  }

  /** {@return the hash of all so far; nothing can be added after this} */
  String hash() {
    return HexFormat.of().formatHex(digest.digest()).substring(0, SHOWN);
  }
}
