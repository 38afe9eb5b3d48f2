package dev.batchyard.tasks.data.jdbc;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A table's name, taken as it is: case and signs matter as inside double quotes.
 *
 * @param schema {@code public} unless named
 * @param name of the table
 */
public record TableName(String schema, String name) {

  /** The longest name that PostgreSQL keeps, in bytes of UTF-8. */
  public static final int NAME_BYTES_MAX = 63;

  /** {@return the table meant by {@code name} or {@code schema.name}} */
  public static TableName of(String text) {
    int dot = text.indexOf('.');
    return dot < 0
        ? new TableName("public", text.strip())
        : new TableName(text.substring(0, dot).strip(), text.substring(dot + 1).strip());
  }

  /** {@return why no import may go there, if so} */
  public Optional<String> problem() {
    if (schema.equals("batchyard") || schema.equals("information_schema")) {
      return Optional.of("schema " + schema + " is not for imports; name a table of yours");
    }
    if (schema.startsWith("pg_")) {
      return Optional.of("schema " + schema + " belongs to PostgreSQL; name a table of yours");
    }
    return nameProblem(schema)
        .or(() -> nameProblem(name))
        .map(problem -> problem + "; give name or schema.name");
  }

  /** {@return why PostgreSQL cannot have this as a name, if so} */
  public static Optional<String> nameProblem(String name) {
    if (name.isBlank()) {
      return Optional.of("the name is blank");
    }
    if (name.indexOf(0) >= 0) {
      return Optional.of("the name holds a NUL character");
    }
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    return bytes > NAME_BYTES_MAX
        ? Optional.of(
            "the name has %d bytes in UTF-8, more than %d".formatted(bytes, NAME_BYTES_MAX))
        : Optional.empty();
  }

  /** {@return a name as SQL quotes it} */
  public static String quoted(String name) {
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  /** {@return the name as SQL quotes it} */
  public String quoted() {
    return quoted(schema) + "." + quoted(name);
  }

  @Override
  public String toString() {
    return schema + "." + name;
  }
}
