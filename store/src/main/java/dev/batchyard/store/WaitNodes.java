package dev.batchyard.store;

import dev.batchyard.engine.placement.NodeTraits;
import dev.batchyard.engine.port.WaitReasons;
import dev.batchyard.engine.task.Decisions;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.engine.task.Wait.Names;
import dev.batchyard.store.WaitHomes.Home;
import dev.batchyard.store.WaitHomes.Place;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;

/** The live nodes that have a handler for a task's type, and what of them may run it. */
final class WaitNodes {

  static final String NODES =
      """
      select n.boot, n.name, n.slots, n.types, n.queues, n.meets, n.labels, n.cores, n.memory_mib,
             n.disk_mib, n.queues = '{}' or w.queue = any (n.queues) as serves,
             w.requirement = any (n.meets) as meets_it, d.by, d.at, coalesce(l.held, 0) as held,
             coalesce(l.suspect, false) as suspect
        from (select ?::text as type, ?::text as queue, ?::integer as requirement,
                     ?::timestamptz as now) w
       cross join node n
        left join cordon d on d.name = n.name
        left join (
          select boot, bool_or(i.ids = 1 and whole) as suspect, sum(i.ids)::bigint as held
            from lease
           cross join lateral (
             select sum(upper(r) - lower(r)) as ids from unnest(ids) r) i
           group by boot) l on l.boot = n.boot
       where n.fenced_at is null and n.lease_until >= w.now and w.type = any (n.types)
       order by n.name collate "C"
       limit ?
      """;

  /** One of them. */
  record Node(
      UUID boot,
      String name,
      int slots,
      NodeTraits traits,
      List<String> types,
      List<Integer> meets,
      boolean serves,
      boolean meetsIt,
      Optional<Wait.Cordon> cordon,
      long held,
      boolean suspect) {}

  private final Home home;
  private final List<Node> nodes;

  private WaitNodes(Home home, List<Node> nodes) {
    this.home = home;
    this.nodes = nodes;
  }

  static WaitNodes read(Connection connection, Home home) throws SQLException {
    return new WaitNodes(
        home,
        Sql.query(
            connection,
            NODES,
            WaitNodes::node,
            home.type(),
            home.queue(),
            home.requirement(),
            home.now(),
            WaitReasons.NODES_MAX));
  }

  /** {@return those that may run it} */
  List<Node> eligible() {
    return those(node -> node.serves() && node.meetsIt() && node.cordon().isEmpty());
  }

  /** {@return why there are none} */
  Optional<Wait> unserved() {
    if (nodes.isEmpty()) {
      return Optional.of(new Wait.NoNode(home.type()));
    }
    List<Node> serving = those(Node::serves);
    if (serving.isEmpty()) {
      return Optional.of(new Wait.QueueNotServed(home.type(), home.queue(), names(nodes)));
    }
    List<Node> meeting = those(node -> node.serves() && node.meetsIt());
    if (meeting.isEmpty()) {
      List<String> missing =
          NodeTraits.missing(home.requires(), serving.stream().map(Node::traits).toList());
      return Optional.of(
          new Wait.NoEligibleNode(
              home.type(), home.queue(), home.requires().text(), missing, names(serving)));
    }
    return eligible().isEmpty()
        ? Optional.of(
            new Wait.Cordoned(
                Names.of(meeting.stream().flatMap(node -> node.cordon().stream()).toList())))
        : Optional.empty();
  }

  /** {@return that it is a suspect, and no node has room for such a one} */
  Optional<Wait> suspect() {
    Optional<Place> place = home.place().filter(Place::suspect);
    if (place.isEmpty()) {
      return Optional.empty();
    }
    boolean alone = place.get().crashes() >= Decisions.CRASHES_ALONE;
    List<Node> taken = eligible().stream().filter(n -> alone ? n.held() > 0 : n.suspect()).toList();
    return taken.size() < eligible().size()
        ? Optional.empty()
        : Optional.of(new Wait.Suspect(place.get().crashes(), alone, names(taken)));
  }

  static Names<String> names(List<Node> nodes) {
    return Names.of(nodes.stream().map(Node::name).toList());
  }

  private List<Node> those(Predicate<Node> wanted) {
    return nodes.stream().filter(wanted).toList();
  }

  private static Node node(ResultSet r) throws SQLException {
    String name = r.getString("name");
    return new Node(
        r.getObject("boot", UUID.class),
        name,
        r.getInt("slots"),
        PgNodeViews.traits(r).named(name),
        List.of((String[]) r.getArray("types").getArray()),
        List.of((Integer[]) r.getArray("meets").getArray()),
        r.getBoolean("serves"),
        r.getBoolean("meets_it"),
        Sql.maybeText(r, "by").isEmpty()
            ? Optional.empty()
            : Optional.of(new Wait.Cordon(name, r.getString("by"), Sql.instant(r, "at"))),
        r.getLong("held"),
        r.getBoolean("suspect"));
  }
}
