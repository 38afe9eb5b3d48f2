package dev.batchyard.engine.port;

import java.util.UUID;

/** This boot has been fenced: everything that it held belongs to others. */
public final class BootFenced extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public BootFenced(UUID boot) {
    super("boot " + boot + " is fenced");
  }
}
