package dev.batchyard.web.security;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;

/** 256 random bits, written so that they fit into a link. */
final class Secret {

  private static final int BYTES = 32;

  /** So many bytes in Base64 for links. */
  private static final Pattern DRAWN = Pattern.compile("[A-Za-z0-9_-]{43}");

  private final String text;

  private Secret(String text) {
    this.text = text;
  }

  static Secret drawn(SecureRandom random) {
    byte[] bytes = new byte[BYTES];
    random.nextBytes(bytes);
    return new Secret(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
  }

  /** {@return one that was drawn here before; empty for a text that cannot be one} */
  static Optional<Secret> of(String text) {
    return DRAWN.matcher(text).matches() ? Optional.of(new Secret(text)) : Optional.empty();
  }

  String text() {
    return text;
  }

  /** Takes the same time wherever the first difference is. */
  boolean is(String offered) {
    return MessageDigest.isEqual(
        text.getBytes(StandardCharsets.UTF_8), offered.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String toString() {
    return "***";
  }
}
