package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.Pools.Holder;
import dev.batchyard.engine.port.Pools.PoolRow;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** One pool with the tasks that run and use it. */
public record PoolSheet(PoolRow row, List<Holder> holders) {

  public PoolSheet {
    holders = List.copyOf(holders);
  }

  /** {@return where the page of a pool is, or of the pool that a line of keys is of} */
  public static String path(String pool) {
    return "/pools?pool=" + URLEncoder.encode(pool.replaceFirst(":.*", ""), StandardCharsets.UTF_8);
  }

  /** {@return how much of what it has is used, 0 to 1} */
  public static double share(PoolRow row) {
    return row.used() == 0 ? 0 : Math.min(1, (double) row.used() / Math.max(1, row.now()));
  }
}
