package dev.batchyard.store;

import dev.batchyard.api.Requirement;
import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.InvalidParameters;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * The numbers of what tasks require, and which of them each node meets. That is found out when a
 * requirement is new and when a node opens its session, never for a task: claims compare numbers.
 * Both lock the table of requirements, so that neither misses the other.
 */
final class Requirements {

  /** The most different ones of a store: lanes are walked, and nodes know which they meet. */
  static final int COUNT_MAX = 1_000;

  private static final String FIND =
      """
      select id from requirement where text = ?
      """;

  private static final String LOCK_TO_ADD =
      """
      lock table requirement in share row exclusive mode
      """;

  private static final String LOCK_TO_READ =
      """
      lock table requirement in share mode
      """;

  private static final String ADD =
      """
      insert into requirement (text)
      select ? where (select count(*) from requirement where id > 0) < ?
      returning id
      """;

  private static final String ALL =
      """
      select id, text from requirement where id > 0 order by id
      """;

  private static final String NODES =
      """
      select boot, name, cores, memory_mib, disk_mib, labels, queues
        from node
       where fenced_at is null
       order by boot
      """;

  private static final String MET =
      """
      update node set meets = meets || ?::integer where boot = ? and fenced_at is null
      """;

  private record Node(UUID boot, NodeTraits traits) {}

  private record Numbered(int id, Requirement requirement) {}

  private final Db db;
  private final Map<String, Integer> numbers = new ConcurrentHashMap<>(Map.of("", 0));

  Requirements(Db db) {
    this.db = db;
  }

  /**
   * {@return the number of a requirement, made if it is new}
   *
   * @throws InvalidParameters if there are too many already
   */
  int number(Requirement requirement) {
    return numbers.computeIfAbsent(requirement.text(), text -> read(text, requirement));
  }

  private int read(String text, Requirement requirement) {
    List<Integer> found = db.query(FIND, r -> r.getInt("id"), text);
    return found.isEmpty() ? db.transaction(c -> add(c, text, requirement)) : found.getFirst();
  }

  private static int add(Connection connection, String text, Requirement requirement)
      throws SQLException {
    Sql.run(connection, LOCK_TO_ADD);
    Optional<Integer> found = Sql.first(connection, FIND, r -> r.getInt("id"), text);
    if (found.isPresent()) {
      return found.get();
    }
    int id =
        Sql.first(connection, ADD, r -> r.getInt("id"), text, COUNT_MAX)
            .orElseThrow(() ->
                new InvalidParameters(
                    List.of(
                        new InvalidParameters.Problem(
                            "requires",
                            "'%s' would be one more than %d different ones; use one that there is"
                                .formatted(text, COUNT_MAX)))));
    for (Node node :
        Sql.query(
            connection,
            NODES,
            r ->
                new Node(
                    r.getObject("boot", UUID.class),
                    PgNodeViews.traits(r).named(r.getString("name"))))) {
      if (node.traits().meets(requirement)) {
        // none: it has just been fenced
        int _ = Sql.update(connection, MET, id, node.boot());
      }
    }
    return id;
  }

  /**
   * {@return the numbers of those that a node meets, for its row} No other is added before the
   * transaction ends.
   */
  static int[] met(Connection connection, NodeTraits traits) throws SQLException {
    Sql.run(connection, LOCK_TO_READ);
    List<Numbered> all =
        Sql.query(
            connection,
            ALL,
            r -> new Numbered(r.getInt("id"), Requirement.parse(r.getString("text"))));
    return IntStream.concat(
            IntStream.of(0),
            all.stream().filter(n -> traits.meets(n.requirement())).mapToInt(Numbered::id))
        .toArray();
  }
}
