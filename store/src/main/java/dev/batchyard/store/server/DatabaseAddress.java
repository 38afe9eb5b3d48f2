package dev.batchyard.store.server;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A database as typed fields. A raw JDBC URL never reaches the driver: some of its properties load
 * classes or write files (CVE-2022-21724), so only a few are let through.
 *
 * @param host a name, an IPv4 address, or an IPv6 address in brackets
 * @param properties sslmode, sslrootcert, connectTimeout (seconds)
 */
public record DatabaseAddress(
    String host,
    int port,
    String database,
    String user,
    String password,
    Map<String, String> properties) {

  private static final Pattern URL =
      Pattern.compile(
          "(?:jdbc:)?postgresql://(?<host>\\[[0-9A-Fa-f:.]+]|[^/?#:@\\[\\],\\s]+)(?::(?<port>\\d{1,5}))?"
              + "/(?<database>[^/?#]+)(?:\\?(?<properties>[^#]*))?");

  /** What each property may be. */
  private static final Map<String, Pattern> ALLOWED =
      new TreeMap<>(
          Map.of(
              "sslmode",
              Pattern.compile("disable|allow|prefer|require|verify-ca|verify-full"),
              "sslrootcert",
              Pattern.compile("/[^\\x00]+"),
              "connectTimeout",
              Pattern.compile("[1-9]\\d{0,2}")));

  private static final int DEFAULT_PORT = 5432;
  private static final int PORT_MAX = 65_535;

  public DatabaseAddress {
    properties = Map.copyOf(properties);
    properties.forEach(DatabaseAddress::check);
    if (port < 1 || port > PORT_MAX) {
      throw new CannotStart("--db: port %d is not from 1 to %d".formatted(port, PORT_MAX));
    }
  }

  /**
   * Reads a URL of the form {@code jdbc:postgresql://host:port/database?sslmode=…}; the prefix
   * {@code jdbc:} may be left out, and the port if it is 5432.
   *
   * @throws CannotStart if it is not of that form or names another property; the message never
   *     holds a password, even if the URL does
   */
  public static DatabaseAddress parse(String url, String user, String password) {
    Matcher parts = URL.matcher(url);
    if (!parts.matches()) {
      throw new CannotStart(
          "--db: '%s' is not of the form jdbc:postgresql://host:port/database; user and password come from BATCHYARD_DB_USER and BATCHYARD_DB_PASSWORD"
              .formatted(url.replaceAll("//.*@", "//***@").replaceAll("\\?.*", "?…")));
    }
    String port = parts.group("port");
    return new DatabaseAddress(
        parts.group("host"),
        port == null ? DEFAULT_PORT : Integer.parseInt(port),
        decoded("database", parts.group("database")),
        user,
        password,
        properties(parts.group("properties")));
  }

  private static Map<String, String> properties(@Nullable String query) {
    Map<String, String> found = new TreeMap<>();
    if (query == null || query.isEmpty()) {
      return found;
    }
    for (String pair : query.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = equals < 0 ? pair : pair.substring(0, equals);
      String value = equals < 0 ? "" : decoded(name, pair.substring(equals + 1));
      check(name, value); // before it is kept: the second of two could hide the first
      if (found.put(name, value) != null) {
        throw new CannotStart("--db: property '" + name + "' is given twice; give it once");
      }
    }
    return found;
  }

  private static void check(String name, String value) {
    Pattern allowed = ALLOWED.get(name);
    if (allowed == null) {
      throw new CannotStart(
          "--db: property '%s' is not allowed; allowed: %s; user and password come from BATCHYARD_DB_USER and BATCHYARD_DB_PASSWORD"
              .formatted(name, String.join(", ", ALLOWED.keySet())));
    }
    if (!allowed.matcher(value).matches()) {
      throw new CannotStart(
          "--db: property %s cannot be '%s'; it must match %s".formatted(name, value, allowed));
    }
  }

  private static String decoded(String field, String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new CannotStart(
          "--db: %s has a %% that is not followed by two hex digits".formatted(field), e);
    }
  }

  /** Never the password. */
  @Override
  public String toString() {
    return "%s:%d/%s as %s".formatted(host, port, database, user);
  }
}
