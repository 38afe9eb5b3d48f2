package dev.batchyard.web;

import dev.batchyard.api.TaskState;
import dev.batchyard.api.pipeline.Reject;
import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.TaskViews;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;

/** The real views, which a test can cut off, and which count how often they are asked. */
final class FragileViews implements TaskViews {

  final AtomicInteger lists = new AtomicInteger();
  private final TaskViews real;
  private volatile boolean away;

  FragileViews(TaskViews real) {
    this.real = real;
  }

  void cut(boolean off) {
    away = off;
  }

  @Override
  public Page list(Filter filter, OptionalLong before, int limit) {
    lists.incrementAndGet();
    return reached().list(filter, before, limit);
  }

  @Override
  public Optional<TaskDetail> find(long task) {
    return reached().find(task);
  }

  @Override
  public Map<TaskState, Long> counts() {
    return reached().counts();
  }

  @Override
  public List<Reject> rejects(long task, long after, int limit) {
    return reached().rejects(task, after, limit);
  }

  private TaskViews reached() {
    if (away) {
      throw new StoreUnavailable("away", new IllegalStateException("cut by the test"));
    }
    return real;
  }
}
