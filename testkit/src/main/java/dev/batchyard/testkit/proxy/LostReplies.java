package dev.batchyard.testkit.proxy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Which replies are to be lost: those to commits of certain transactions. The server has committed;
 * whoever asked sees its connection end and does not know. Thread-safe.
 */
public final class LostReplies {

  private final List<Aim> armed = new ArrayList<>();

  /** One reply that is to be lost. */
  public static final class Aim {
    private final Predicate<List<String>> transaction;
    private final CountDownLatch hit = new CountDownLatch(1);

    private Aim(Predicate<List<String>> transaction) {
      this.transaction = transaction;
    }

    /** {@return whether the reply was lost} */
    public boolean isHit() {
      return hit.getCount() == 0;
    }

    /** Waits until it was lost; {@return whether that came about} */
    public boolean await(Duration most) throws InterruptedException {
      return hit.await(most.toNanos(), TimeUnit.NANOSECONDS);
    }

    void hit() {
      hit.countDown();
    }
  }

  /**
   * Loses the next reply to a commit, once.
   *
   * @param transaction tells by the texts of a transaction's statements whether it is meant; a
   *     statement that commits by itself is a transaction of one
   */
  public synchronized Aim lose(Predicate<List<String>> transaction) {
    Aim aim = new Aim(transaction);
    armed.add(aim);
    return aim;
  }

  /** Loses the next reply to the commit of a transaction with a statement that has such a text. */
  public Aim loseOf(String text) {
    return lose(statements -> statements.stream().anyMatch(sql -> sql.contains(text)));
  }

  /** No reply is lost from now on that is not lost yet. */
  public synchronized void disarm() {
    armed.clear();
  }

  /** {@return the aim that means this transaction, which no other gets then} */
  synchronized Optional<Aim> take(List<String> transaction) {
    Optional<Aim> meant =
        armed.stream().filter(aim -> aim.transaction.test(transaction)).findFirst();
    meant.ifPresent(armed::remove);
    return meant;
  }

  /** The server refused the statement: there was no commit whose reply was lost. */
  synchronized void giveBack(Aim aim) {
    armed.add(aim);
  }
}
