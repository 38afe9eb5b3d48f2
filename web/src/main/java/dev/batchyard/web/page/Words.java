package dev.batchyard.web.page;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;

/** The words of the pages in one language, from its property file. Immutable. */
public final class Words {

  private static final Map<Language, Words> ALL = new EnumMap<>(Language.class);

  static {
    for (Language language : Language.values()) {
      ALL.put(language, new Words(language));
    }
  }

  private final Language language;
  private final Map<String, String> texts = new TreeMap<>();

  private Words(Language language) {
    this.language = language;
    String file = "words_" + language.word() + ".properties";
    Properties read = new Properties();
    try (Reader reader =
        new InputStreamReader(
            Objects.requireNonNull(Words.class.getResourceAsStream(file), file),
            StandardCharsets.UTF_8)) {
      read.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException(file, e);
    }
    read.stringPropertyNames().forEach(key -> texts.put(key, read.getProperty(key)));
  }

  /** {@return the words of a language} */
  public static Words in(Language language) {
    return Objects.requireNonNull(ALL.get(language));
  }

  /** {@return the language} */
  public Language language() {
    return language;
  }

  /** {@return all of them, by key} */
  Map<String, String> texts() {
    return Map.copyOf(texts);
  }

  /**
   * {@return the text of a key with {@code {0}}, {@code {1}} … replaced}
   *
   * @throws IllegalArgumentException if there is no such key
   */
  public String text(String key, Object... values) {
    String text = texts.get(key);
    if (text == null) {
      throw new IllegalArgumentException("no word " + key);
    }
    for (int i = 0; i < values.length; i++) {
      text = text.replace("{" + i + "}", String.valueOf(values[i]));
    }
    return text;
  }

  /** {@return the text of a key that may be missing} */
  public Optional<String> maybe(String key) {
    return Optional.ofNullable(texts.get(key));
  }
}
