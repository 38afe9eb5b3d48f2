package dev.batchyard.web.dashboard;

/** A page or task that does not exist. */
final class MissingPage extends RuntimeException {
  private static final long serialVersionUID = 1L;
}
