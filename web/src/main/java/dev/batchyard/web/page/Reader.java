package dev.batchyard.web.page;

import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Optional;

/**
 * The person who reads a page: language and zone, as their browser tells. The zone comes from a
 * cookie that the pages' script sets; without it times are in UTC.
 */
public record Reader(Language language, ZoneId zone) {

  /** The cookie that keeps a chosen language. */
  public static final String LANGUAGE_COOKIE = "batchyard-lang";

  static final String ZONE_COOKIE = "batchyard-zone";

  private static final int ZONE_LENGTH_MAX = 64;

  /** {@return who asks} */
  public static Reader of(HttpServletRequest request) {
    Language language =
        chosen(request)
            .or(() -> cookie(request, LANGUAGE_COOKIE).flatMap(Language::of))
            .orElseGet(() -> {
              String accepted = request.getHeader("Accept-Language");
              return Language.accepted(accepted == null ? "" : accepted);
            });
    ZoneId zone = cookie(request, ZONE_COOKIE).flatMap(Reader::zone).orElse(ZoneOffset.UTC);
    return new Reader(language, zone);
  }

  /** {@return the language that this very request chooses} */
  public static Optional<Language> chosen(HttpServletRequest request) {
    String lang = request.getParameter("lang");
    return lang == null ? Optional.empty() : Language.of(lang);
  }

  /** {@return the value of a cookie} */
  public static Optional<String> cookie(HttpServletRequest request, String name) {
    Cookie[] cookies = request.getCookies();
    return cookies == null
        ? Optional.empty()
        : Arrays.stream(cookies)
            .filter(cookie -> cookie.getName().equals(name))
            .map(Cookie::getValue)
            .findFirst();
  }

  private static Optional<ZoneId> zone(String name) {
    if (name.length() > ZONE_LENGTH_MAX) {
      return Optional.empty();
    }
    try {
      return Optional.of(ZoneId.of(name));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
