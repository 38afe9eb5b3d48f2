package dev.batchyard.bench.layout;

import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.Submissions;
import java.sql.SQLException;

/** How waiting, running and ended tasks lie in tables. */
public interface Layout {

  /** {@return the name in figures} */
  String name();

  /** {@return what it is, in one line} */
  String about();

  /** Makes its tables, which are not there yet. */
  void create() throws SQLException;

  Submissions submissions();

  Claims claims();

  Finishes finishes();

  /** {@return how many tasks have ended, by SQL} */
  long ended() throws SQLException;
}
