package dev.batchyard.web.dashboard;

/** An address with a value that its page does not know. */
final class InvalidAddress extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** {@return a number from 0 on; 0 for the empty text} */
  static long number(String text) {
    if (text.isEmpty()) {
      return 0;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new InvalidAddress();
  }
}
