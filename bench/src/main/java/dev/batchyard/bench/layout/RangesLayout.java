package dev.batchyard.bench.layout;

import dev.batchyard.engine.port.Claims;
import dev.batchyard.engine.port.Finishes;
import dev.batchyard.engine.port.Submissions;
import dev.batchyard.store.Store;
import java.sql.SQLException;
import javax.sql.DataSource;

/** The product's own: what waits and what runs are ranges of ids. */
public final class RangesLayout implements Layout {

  private final Store store;
  private final DataSource source;

  /**
   * Over a migrated database.
   *
   * @param source for its count
   */
  public RangesLayout(Store store, DataSource source) {
    this.store = store;
    this.source = source;
  }

  @Override
  public String name() {
    return "ranges";
  }

  @Override
  public String about() {
    return "task inserted once, block and lease as ranges of ids, outcome appended";
  }

  @Override
  public void create() {} // the schema's migration has

  @Override
  public Submissions submissions() {
    return store.submissions();
  }

  @Override
  public Claims claims() {
    return store.claims();
  }

  @Override
  public Finishes finishes() {
    return store.finishes();
  }

  @Override
  public long ended() throws SQLException {
    return Statements.number(source, "select count(*) from outcome");
  }
}
