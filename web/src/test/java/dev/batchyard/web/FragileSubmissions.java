package dev.batchyard.web;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** The real store, which a test can cut off after some calls. */
final class FragileSubmissions implements Submissions {

  /** So many calls still reach it. */
  final AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);

  private final Submissions real;

  FragileSubmissions(Submissions real) {
    this.real = real;
  }

  @Override
  public List<Submitted> submit(List<TaskDraft> drafts) {
    if (left.getAndDecrement() <= 0) {
      throw new StoreUnavailable("away", new IllegalStateException("cut by the test"));
    }
    return real.submit(drafts);
  }
}
