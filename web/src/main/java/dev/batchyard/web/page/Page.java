package dev.batchyard.web.page;

import java.util.List;

/**
 * What the frame around every page needs.
 *
 * @param path where the page is, from the root; for the links that change the language
 * @param live where the page's changes are pushed from; empty if it does not change by itself
 */
public record Page(Words words, Formats formats, String title, String path, String live) {

  /** {@return a page for a reader} */
  public static Page of(Reader reader, String title, String path, String live) {
    Words words = Words.in(reader.language());
    return new Page(words, new Formats(words, reader.zone()), title, path, live);
  }

  /** {@return a word of the page's language} */
  public String w(String key, Object... values) {
    return words.text(key, values);
  }

  /** {@return the word of a state, an end of an attempt, or what stands there if it is unknown} */
  public String maybe(String prefix, String word) {
    return words.maybe(prefix + "." + word).orElse(word);
  }

  /** {@return why something happened, in the page's language if the store itself said it} */
  public String reason(String stored) {
    return Reasons.in(words, stored);
  }

  /** {@return the value of {@code lang}} */
  public String lang() {
    return words.language().locale().toLanguageTag();
  }

  /** {@return the other languages} */
  public List<Language> others() {
    return java.util.Arrays.stream(Language.values())
        .filter(language -> language != words.language())
        .toList();
  }

  /** {@return this page in another language} */
  public String in(Language other) {
    return path + (path.contains("?") ? "&" : "?") + "lang=" + other.word();
  }
}
