package dev.batchyard.api;

/**
 * A name bound to a handler and to the record of its parameters.
 *
 * @param name lower-case words joined by dots, such as {@code data.import}
 * @param title what it does, in one line, in English
 * @param titleZh the same in Chinese
 * @param params the record class of its parameters; the schema is derived from it
 * @param handler runs its tasks
 * @param leaseMax how many tasks of this type one claim may hold; 1 for types that checkpoint, up
 *     to 500 for quick ones
 * @param splits whether its handler may return {@link Outcome#split}; each attempt then asks for
 *     parts first, a round trip to the database
 * @param <P> the parameters
 */
public record TaskType<P extends Record>(
    String name,
    String title,
    String titleZh,
    Class<P> params,
    TaskHandler<P> handler,
    int leaseMax,
    boolean splits) {

  /** The most tasks that one lease may hold. */
  public static final int LEASE_MAX = 500;

  public TaskType {
    if (!name.matches("[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*") || name.length() > 100) {
      throw new IllegalArgumentException(
          "name: '" + name + "' must be lower-case words joined by dots, such as data.import");
    }
    if (leaseMax < 1 || leaseMax > LEASE_MAX) {
      throw new IllegalArgumentException("leaseMax not in 1.." + LEASE_MAX + ": " + leaseMax);
    }
  }

  /** A type whose handler does not split its tasks. */
  public TaskType(
      String name,
      String title,
      String titleZh,
      Class<P> params,
      TaskHandler<P> handler,
      int leaseMax) {
    this(name, title, titleZh, params, handler, leaseMax, false);
  }

  /** {@return the same, whose handler may split its tasks} */
  public TaskType<P> splitting() {
    return new TaskType<>(name, title, titleZh, params, handler, leaseMax, true);
  }
}
