package dev.batchyard.web.security;

import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The two secrets of one life of the server: the token in the printed link, good once, and the
 * session that it is exchanged for. Neither is stored; a restart draws new ones. Thread-safe.
 */
public final class Access {

  private final Secret token;
  private final Secret session;
  private final AtomicBoolean used = new AtomicBoolean();

  /** Draws both. */
  public Access(SecureRandom random) {
    token = Secret.drawn(random);
    session = Secret.drawn(random);
  }

  /** {@return what the printed link carries} */
  public String token() {
    return token.text();
  }

  /** {@return whether this is the token, offered for the first time; from now on it is used} */
  boolean redeem(String offered) {
    return token.is(offered) && used.compareAndSet(false, true);
  }

  boolean isSession(String offered) {
    return session.is(offered);
  }

  String session() {
    return session.text();
  }
}
