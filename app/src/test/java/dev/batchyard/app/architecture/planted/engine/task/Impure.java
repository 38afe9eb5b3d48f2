package dev.batchyard.app.architecture.planted.engine.task;

import dev.batchyard.app.architecture.planted.engine.run.Loop;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

final class Impure {
  private Impure() {}

  static Class<Loop> sees_a_loop() {
    return Loop.class;
  }

  static InputStream opens_a_file(Path path) throws IOException {
    return Files.newInputStream(path);
  }

  static Thread takes_a_thread() {
    return Thread.currentThread();
  }

  static Supplier<Thread> takes_a_thread_by_reference() {
    return Thread::currentThread;
  }

  static ReentrantLock locks() {
    return new ReentrantLock();
  }

  static InstantSource keeps_a_clock(InstantSource clock) {
    return clock;
  }
}
