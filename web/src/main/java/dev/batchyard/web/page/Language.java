package dev.batchyard.web.page;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Locale.LanguageRange;
import java.util.Optional;

/** A language of the pages. */
public enum Language {
  EN("en", Locale.ENGLISH, "English"),
  ZH("zh", Locale.SIMPLIFIED_CHINESE, "中文");

  private final String word;
  private final Locale locale;
  private final String ownName;

  Language(String word, Locale locale, String ownName) {
    this.word = word;
    this.locale = locale;
    this.ownName = ownName;
  }

  /** {@return its word in links and cookies} */
  public String word() {
    return word;
  }

  /** {@return how it writes numbers, and the value of {@code lang} in HTML} */
  public Locale locale() {
    return locale;
  }

  /** {@return its name in itself} */
  public String ownName() {
    return ownName;
  }

  /** {@return the language of this word, if there is one} */
  public static Optional<Language> of(String word) {
    return Arrays.stream(values()).filter(language -> language.word.equals(word)).findFirst();
  }

  /**
   * {@return what the header {@code Accept-Language} prefers; English when it says nothing known}
   */
  public static Language accepted(String header) {
    List<LanguageRange> ranges;
    try {
      ranges = LanguageRange.parse(header.isBlank() ? "en" : header);
    } catch (IllegalArgumentException e) {
      return EN;
    }
    return ranges.stream()
        .filter(range -> range.getWeight() > 0)
        .sorted(Comparator.comparingDouble(LanguageRange::getWeight).reversed())
        .flatMap(range -> of(range.getRange().split("-", 2)[0]).stream())
        .findFirst()
        .orElse(EN);
  }
}
