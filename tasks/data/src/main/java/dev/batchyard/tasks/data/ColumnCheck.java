package dev.batchyard.tasks.data;

/**
 * Says whether PostgreSQL would take a text as a value of a column's type. What it cannot judge it
 * lets pass: the database has the last word, and a row that it refuses becomes a reject as well.
 */
@FunctionalInterface
interface ColumnCheck {

  /** The answer for a good value. */
  String FINE = "";

  /** Lets everything pass. */
  ColumnCheck ANYTHING = (text, from, to) -> FINE;

  /**
   * {@return {@link #FINE}, or what is wrong, to be read after the value}
   *
   * @param text holds the value
   * @param from where it begins
   * @param to where it ends; never equal to {@code from} unless empty text is a value
   */
  String problem(char[] text, int from, int to);

  /** {@return whether the whole text is a good value} */
  default boolean takes(String text) {
    return problem(text.toCharArray(), 0, text.length()).isEmpty();
  }
}
