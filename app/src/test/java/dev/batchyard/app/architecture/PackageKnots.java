package dev.batchyard.app.architecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Finds packages that lie on a cycle, or between two. It takes away packages that see no other, or
 * that no other sees, until none is left to take; what stays is knotted.
 *
 * <p>The slices of ArchUnit 1.5.0 are not used: of the two cycles planted for this rule (store and
 * web, left and right) they report one only, so they cannot show that the other would be found.
 */
final class PackageKnots {

  private PackageKnots() {}

  /** {@return for each knotted package what it sees of the knot, with one place that sees it} */
  static List<String> in(JavaClasses classes, String root) {
    Map<String, Map<String, String>> sees = edges(classes, root);
    boolean taken = true;
    while (taken) {
      Set<String> seen = new TreeSet<>();
      sees.values().forEach(targets -> seen.addAll(targets.keySet()));
      taken = sees.keySet().removeIf(from -> !seen.contains(from));
      for (Map<String, String> targets : sees.values()) {
        taken |= targets.keySet().removeIf(to -> !sees.containsKey(to));
      }
      taken |= sees.values().removeIf(Map::isEmpty);
    }
    List<String> found = new ArrayList<>();
    sees.forEach((from, targets) ->
        targets.forEach((to, place) ->
            found.add(
                "%s sees %s: %s; move what both need into a package below both"
                    .formatted(from, to, place))));
    return found;
  }

  private static Map<String, Map<String, String>> edges(JavaClasses classes, String root) {
    Map<String, Map<String, String>> sees = new TreeMap<>();
    classes.stream()
        .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
        .forEach(dependency -> {
          String from = dependency.getOriginClass().getPackageName();
          String to = dependency.getTargetClass().getBaseComponentType().getPackageName();
          if (!from.equals(to) && to.startsWith(root + ".")) {
            sees.computeIfAbsent(from, any -> new TreeMap<>())
                .putIfAbsent(to, dependency.getDescription());
          }
        });
    return sees;
  }
}
