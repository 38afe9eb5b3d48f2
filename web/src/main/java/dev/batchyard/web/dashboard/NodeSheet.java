package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.NodeViews.HeldTask;
import dev.batchyard.engine.port.NodeViews.NodeRow;
import java.util.List;

/**
 * A node as its line shows it.
 *
 * @param held some tasks that it holds, if it is kept from claiming; none of any other
 */
public record NodeSheet(NodeRow row, List<HeldTask> held) {

  /** The most tasks that are named. */
  public static final int HELD_MAX = 10;

  /** The most nodes whose tasks are looked up for one page. */
  static final int CORDONED_MAX = 20;

  public NodeSheet {
    held = List.copyOf(held);
  }

  /** {@return how many more it holds than are named} */
  public long more() {
    return held.isEmpty() ? 0 : Math.max(0, row.running() - held.size());
  }
}
