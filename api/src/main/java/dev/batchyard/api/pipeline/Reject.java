package dev.batchyard.api.pipeline;

/**
 * An item that could not be taken, kept so that a person can mend it and drive it again.
 *
 * @param number the item's place in the source, from 1
 * @param column the column at fault; empty when it is the whole item
 * @param reason what is wrong with which value
 * @param raw the item's text as read, cut at {@value #RAW_MAX} characters
 */
public record Reject(long number, String column, String reason, String raw) {

  /** The longest raw text that is kept, in characters. */
  public static final int RAW_MAX = 8192;

  public Reject {
    if (raw.length() > RAW_MAX) {
      boolean splitsPair = Character.isHighSurrogate(raw.charAt(RAW_MAX - 1));
      raw = raw.substring(0, splitsPair ? RAW_MAX - 1 : RAW_MAX);
    }
  }
}
