package dev.batchyard.bench.queue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The queues that can be measured, by name. */
public final class QueueSystems {

  public static final String LIMIT = "limit";
  public static final String LIMIT_BARE = "limit_bare";
  public static final String BATCHYARD = "batchyard";

  private static final Map<String, QueueSystem.Maker> MAKERS = new LinkedHashMap<>();

  static {
    MAKERS.put(LIMIT, LimitQueue::limit);
    MAKERS.put(LIMIT_BARE, LimitQueue::bare);
    MAKERS.put(BATCHYARD, BatchyardQueue::new);
    MAKERS.put("db_scheduler", DbScheduler::new);
    MAKERS.put("jobrunr", JobRunrQueue::new);
    MAKERS.put("quartz", QuartzQueue::new);
  }

  private QueueSystems() {}

  /** {@return all names, in the order of the first round} */
  public static List<String> names() {
    return List.copyOf(MAKERS.keySet());
  }

  /**
   * {@return what makes the queue of this name}
   *
   * @throws IllegalArgumentException naming the known ones
   */
  public static QueueSystem.Maker maker(String name) {
    QueueSystem.Maker maker = MAKERS.get(name);
    if (maker == null) {
      throw new IllegalArgumentException(
          "no queue '" + name + "'; there are " + String.join(", ", names()));
    }
    return maker;
  }
}
