package dev.batchyard.store;

import java.sql.SQLException;
import java.util.Optional;

/** What keeps a server from doing a statement although it answers, and what an operator can do. */
final class Refusal {

  private Refusal() {}

  /** {@return one line with the cure; empty if no operator can cure it} */
  static Optional<String> explain(SQLException e) {
    String state = e.getSQLState() == null ? "" : e.getSQLState();
    String cure =
        switch (state) {
          case "53100" -> "its disk is full; make room, then try again";
          case "53200" -> "it is out of memory; give it more or end what takes it, then try again";
          case "58030" -> "it cannot read or write its files; look at its disk and its log";
          case "25006" ->
              "it is read-only; give the primary's address, or set default_transaction_read_only = off";
          case "42501" -> "its role lacks a right; GRANT it";
          default -> "";
        };
    return cure.isEmpty()
        ? Optional.empty()
        : Optional.of("database: %s (%s, SQLSTATE %s)".formatted(cure, e.getMessage(), state));
  }
}
