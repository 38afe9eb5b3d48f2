package dev.batchyard.web.security;

import java.security.SecureRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The secrets of one life of the server: the token of the link that is good now, and the cookie
 * that it is exchanged for. A token is good once; the next one is drawn when it is used. A restart
 * draws all anew. Thread-safe.
 */
public final class Access {

  private final SecureRandom random;
  private final Secret cookie;
  private final ReentrantLock lock = new ReentrantLock();
  private Secret token;
  private Consumer<String> listener = _ -> {};

  /** Draws the cookie and the first token. */
  public Access(SecureRandom random) {
    this.random = random;
    cookie = Secret.drawn(random);
    token = Secret.drawn(random);
  }

  /** {@return the token that the next sign-in uses up} */
  public String token() {
    lock.lock();
    try {
      return token.text();
    } finally {
      lock.unlock();
    }
  }

  /** Tells the token that is good now, and from now on each fresh one as soon as it is good. */
  public void tell(Consumer<String> told) {
    lock.lock();
    try {
      listener = told;
      listener.accept(token.text());
    } finally {
      lock.unlock();
    }
  }

  /** {@return whether this is the token that is good now; if so, another one is from now on} */
  boolean redeem(String offered) {
    lock.lock();
    try {
      if (!token.is(offered)) {
        return false;
      }
      token = Secret.drawn(random);
      listener.accept(token.text());
      return true;
    } finally {
      lock.unlock();
    }
  }

  boolean isCookie(String offered) {
    return cookie.is(offered);
  }

  String cookie() {
    return cookie.text();
  }
}
