package dev.batchyard.store.server;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A database as typed fields. A raw JDBC URL never reaches the driver: some of its properties load
 * classes or write files (CVE-2022-21724), so only a few are let through.
 *
 * @param properties sslmode, sslrootcert, connectTimeout
 */
public record DatabaseAddress(
    String host,
    int port,
    String database,
    String user,
    String password,
    Map<String, String> properties) {

  private static final Set<String> ALLOWED = Set.of("sslmode", "sslrootcert", "connectTimeout");
  private static final int DEFAULT_PORT = 5432;

  public DatabaseAddress {
    properties = Map.copyOf(properties);
  }

  /**
   * Reads a URL of the form {@code jdbc:postgresql://host:port/database?sslmode=…}; the prefix
   * {@code jdbc:} may be left out.
   *
   * @throws CannotStart if it is not of that form or names another property
   */
  public static DatabaseAddress parse(String url, String user, String password) {
    String plain = url.startsWith("jdbc:") ? url.substring("jdbc:".length()) : url;
    try {
      URI uri = new URI(plain);
      if (!"postgresql".equals(uri.getScheme())
          || uri.getHost() == null
          || uri.getUserInfo() != null) {
        throw wrong(url);
      }
      String path = uri.getPath() == null ? "" : uri.getPath();
      String database = path.length() > 1 ? path.substring(1) : "";
      if (database.isEmpty() || database.contains("/")) {
        throw wrong(url);
      }
      int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
      return new DatabaseAddress(
          uri.getHost(), port, database, user, password, properties(uri.getRawQuery()));
    } catch (URISyntaxException e) {
      throw wrong(url);
    }
  }

  private static Map<String, String> properties(@org.jspecify.annotations.Nullable String query) {
    Map<String, String> found = new TreeMap<>();
    if (query == null) {
      return found;
    }
    for (String pair : query.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = equals < 0 ? pair : pair.substring(0, equals);
      if (!ALLOWED.contains(name)) {
        throw new CannotStart(
            "--db: property '%s' is not allowed; allowed: %s; user and password come from BATCHYARD_DB_USER and BATCHYARD_DB_PASSWORD"
                .formatted(name, String.join(", ", new java.util.TreeSet<>(ALLOWED))));
      }
      found.put(
          name,
          URLDecoder.decode(equals < 0 ? "" : pair.substring(equals + 1), StandardCharsets.UTF_8));
    }
    return found;
  }

  private static CannotStart wrong(String url) {
    return new CannotStart(
        "--db: '%s' is not of the form jdbc:postgresql://host:port/database"
            .formatted(url.replaceAll("//[^/@]*@", "//***@")));
  }

  /** Never the password. */
  @Override
  public String toString() {
    return "%s:%d/%s as %s".formatted(host, port, database, user);
  }
}
