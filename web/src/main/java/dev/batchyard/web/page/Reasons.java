package dev.batchyard.web.page;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The reasons that the store itself writes, such as why a node is gone, in the reader's language.
 * They are stored in English; the English words beginning with {@code why.} are their patterns.
 * What people and handlers said is stored too, matches no pattern, and stays as it is.
 */
final class Reasons {

  private static final String PREFIX = "why.";

  /** Their one place holds a state, not a name. */
  private static final String OF_STATES = "why.was.";

  private static final Pattern PLACE = Pattern.compile("\\{\\d}");

  private static final Map<String, Pattern> PATTERNS =
      Words.in(Language.EN).texts().entrySet().stream()
          .filter(word -> word.getKey().startsWith(PREFIX))
          .collect(
              Collectors.toMap(
                  Map.Entry::getKey, word -> pattern(word.getValue()), (a, _) -> a, TreeMap::new));

  private Reasons() {}

  /** {@return what was stored, in the words' language if it is known} */
  static String in(Words words, String stored) {
    for (Map.Entry<String, Pattern> known : PATTERNS.entrySet()) {
      Matcher matcher = known.getValue().matcher(stored);
      if (matcher.matches()) {
        return words.text(known.getKey(), places(words, known.getKey(), matcher));
      }
    }
    return stored;
  }

  private static Object[] places(Words words, String key, Matcher matcher) {
    Object[] values = new Object[matcher.groupCount()];
    for (int i = 0; i < values.length; i++) {
      String value = matcher.group(i + 1);
      if (key.startsWith(OF_STATES)) {
        values[i] = words.maybe("state." + value).orElse(value);
      } else {
        // a second place holds a further reason
        values[i] = i == 0 ? value : in(words, value);
      }
    }
    return values;
  }

  /** The places of a text stand in order in English, each is a group. */
  private static Pattern pattern(String text) {
    String regex =
        Arrays.stream(PLACE.split(text, -1))
            .map(Pattern::quote)
            .collect(Collectors.joining("(.+)"));
    return Pattern.compile(regex, Pattern.DOTALL);
  }
}
