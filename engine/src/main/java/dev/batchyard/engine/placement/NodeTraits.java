package dev.batchyard.engine.placement;

import dev.batchyard.api.NodeLabels;
import dev.batchyard.api.Requirement;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What a node is, for as long as it lives.
 *
 * @param capacity of its machine
 * @param labels as {@link dev.batchyard.api.NodeLabels} says
 * @param queues which it serves; empty for all
 */
public record NodeTraits(Capacity capacity, SortedSet<String> labels, SortedSet<String> queues) {

  /** Of a node that is not described: without labels, it serves all queues. */
  public static final NodeTraits NONE =
      new NodeTraits(Capacity.UNKNOWN, Collections.emptySortedSet(), Collections.emptySortedSet());

  public NodeTraits {
    labels = Collections.unmodifiableSortedSet(new TreeSet<>(labels));
    queues = Collections.unmodifiableSortedSet(new TreeSet<>(queues));
  }

  /** {@return the same with the label that says the node's name} */
  public NodeTraits named(String name) {
    SortedSet<String> more = new TreeSet<>(labels);
    more.add(NodeLabels.NODE + "=" + name);
    return new NodeTraits(capacity, more, queues);
  }

  /** {@return whether the node has what a task requires} */
  public boolean meets(Requirement requirement) {
    return requirement.cores() <= capacity.cores()
        && requirement.memoryMib() <= capacity.memoryMib()
        && requirement.diskMib() <= capacity.diskMib()
        && requirement.labels().stream().allMatch(this::bears);
  }

  /** {@return the parts of what a task requires that none of these nodes has} */
  public static List<String> missing(Requirement requirement, Collection<NodeTraits> nodes) {
    return List.of(requirement.text().split(",", -1)).stream()
        .filter(part -> nodes.stream().noneMatch(node -> node.meets(Requirement.parse(part))))
        .toList();
  }

  private boolean bears(String label) {
    return labels.contains(label)
        || (label.indexOf('=') < 0 && labels.stream().anyMatch(own -> own.startsWith(label + "=")));
  }
}
