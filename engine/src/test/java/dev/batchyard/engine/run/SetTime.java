package dev.batchyard.engine.run;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;

/** The threads of the JVM, and a time that a test sets. */
record SetTime(AtomicLong now) implements Threads {

  @Override
  public long nanos() {
    return now.get();
  }

  @Override
  public Running startLoop(String name, Runnable body) {
    return JVM.startLoop(name, body);
  }

  @Override
  public void startHandler(String name, Runnable body) {
    JVM.startHandler(name, body);
  }

  @Override
  public void startHandlerApart(String name, Runnable body) {
    JVM.startHandlerApart(name, body);
  }

  @Override
  public Running current() {
    return JVM.current();
  }

  @Override
  public Lock newLock() {
    return JVM.newLock();
  }

  @Override
  public <T> BlockingQueue<T> newQueue() {
    return JVM.newQueue();
  }
}
