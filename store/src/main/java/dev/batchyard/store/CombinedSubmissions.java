package dev.batchyard.store;

import dev.batchyard.engine.port.StoreUnavailable;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.engine.port.Submitted;
import dev.batchyard.engine.port.TaskDraft;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Small submits that come at the same time share one statement and so one flush. There is no thread
 * and no delay: who comes first sends at once; who comes while that is under way waits in line, and
 * the first of the line sends for all of it. Each caller is answered after the commit. Thread-safe.
 *
 * <p>A statement that fails is repeated call by call, so that each caller gets the error of its own
 * tasks; if the store is away, all of them are told so, and any of them may or may not be stored.
 */
final class CombinedSubmissions implements Submissions {

  /** Larger calls gain nothing by company. */
  private static final int SMALL_MAX = 50;

  /** Characters of parameters in one combined statement, unless a single call has more. */
  private static final long CHARS_MAX = 1 << 20;

  private final Submissions store;
  private final ArrayDeque<Call> line = new ArrayDeque<>();
  private boolean sending;

  CombinedSubmissions(Submissions store) {
    this.store = store;
  }

  @Override
  public List<Submitted> submit(List<TaskDraft> drafts) {
    // the answer to a key may take a second statement, and no second try may follow the first
    if (drafts.isEmpty()
        || drafts.size() > SMALL_MAX
        || !drafts.stream().allMatch(PlainSubmissions::takes)) {
      return store.submit(drafts);
    }
    Call call = new Call(drafts);
    if (!isFirst(call)) {
      call.turn.join();
    }
    if (!call.answer.isDone()) {
      send(call);
    }
    return call.answer();
  }

  private synchronized boolean isFirst(Call call) {
    if (sending) {
      line.add(call);
      return false;
    }
    sending = true;
    return true;
  }

  /** {@return how many calls wait in line} */
  synchronized int waiting() {
    return line.size();
  }

  private void send(Call first) {
    List<Call> calls = withThoseInLine(first);
    try {
      sendTogether(calls);
    } catch (RuntimeException | Error e) {
      calls.forEach(call -> call.answer.completeExceptionally(e));
    } finally {
      passOn();
      calls.forEach(call -> call.turn.complete(null));
    }
  }

  private synchronized List<Call> withThoseInLine(Call first) {
    List<Call> calls = new ArrayList<>();
    calls.add(first);
    int room = BATCH_MAX - first.drafts.size();
    long chars = CHARS_MAX - first.chars;
    while (!line.isEmpty() && line.peek().drafts.size() <= room && line.peek().chars <= chars) {
      Call next = line.remove();
      room -= next.drafts.size();
      chars -= next.chars;
      calls.add(next);
    }
    return calls;
  }

  private synchronized void passOn() {
    Call next = line.poll();
    if (next == null) {
      sending = false;
    } else {
      next.turn.complete(null);
    }
  }

  private void sendTogether(List<Call> calls) {
    if (calls.size() == 1) {
      calls.getFirst().send(store);
      return;
    }
    List<Submitted> answers;
    try {
      answers = store.submit(calls.stream().flatMap(call -> call.drafts.stream()).toList());
    } catch (StoreUnavailable e) {
      throw e;
    } catch (RuntimeException e) {
      calls.forEach(call -> call.send(store)); // all or none: nothing was stored
      return;
    }
    int from = 0;
    for (Call call : calls) {
      int to = from + call.drafts.size();
      call.answer.complete(answers.subList(from, to));
      from = to;
    }
  }

  /** One call: its turn comes when it is to send, or when its answer is there. */
  private static final class Call {

    private final List<TaskDraft> drafts;
    private final long chars;
    private final CompletableFuture<Void> turn = new CompletableFuture<>();
    private final CompletableFuture<List<Submitted>> answer = new CompletableFuture<>();

    Call(List<TaskDraft> drafts) {
      this.drafts = drafts;
      this.chars = drafts.stream().mapToLong(draft -> draft.paramsJson().length()).sum();
    }

    void send(Submissions store) {
      try {
        answer.complete(store.submit(drafts));
      } catch (RuntimeException e) {
        answer.completeExceptionally(e);
      }
    }

    /** {@return the answer} Its exception carries the stack of whoever sent it. */
    List<Submitted> answer() {
      try {
        return answer.join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof RuntimeException cause) {
          throw cause;
        }
        throw e;
      }
    }
  }
}
