package dev.batchyard.app.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.conditions.ArchConditions.accessTargetWhere;
import static com.tngtech.archunit.lang.conditions.ArchConditions.onlyDependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Who may see whom, and who may do what, for a tree of packages. The root is a parameter so that
 * the same rule judges the product and a planted offender.
 *
 * @param root the package that the rooms lie in, without a dot at its end
 */
record HouseRules(String root) {

  private static final Set<String> JAVA_BASE =
      ModuleLayer.boot().findModule("java.base").orElseThrow().getPackages();

  private static final Set<String> PURE_IO =
      Set.of(
          "java.io.PrintWriter", "java.io.StringWriter", "java.io.Writer", "java.io.Serializable");

  private static final Set<String> IMPURE =
      Set.of(
          "java.lang.Process",
          "java.lang.ProcessBuilder",
          "java.lang.ProcessHandle",
          "java.lang.Runtime",
          "java.lang.Thread",
          "java.lang.ThreadGroup",
          "java.lang.ThreadLocal",
          "java.time.Clock",
          "java.time.InstantSource",
          "java.util.Scanner",
          "java.util.Timer");

  ArchRule api_stands_on_the_jdk_alone() {
    return classes()
        .that(in("api"))
        .should(onlyDependOnClassesThat(in("api").or(jspecify()).or(packageOf("java"))))
        .because("authors of handlers compile against api alone; put an implementation in engine");
  }

  ArchRule rules_of_a_task_are_pure() {
    return classes()
        .that(in("engine.task"))
        .should(onlyDependOnClassesThat(in("engine.task").or(in("api")).or(jspecify()).or(pure())))
        .because("a rule decides on values; take instants, draws and texts as arguments");
  }

  ArchRule rules_of_a_task_read_no_clock() {
    return noClasses()
        .that(in("engine.task"))
        .should(
            accessTargetWhere(
                describe(
                    "reads a clock",
                    access ->
                        Ambient.isNow(access)
                            || (owns(access, System.class)
                                && Set.of("nanoTime", "currentTimeMillis")
                                    .contains(access.getName())))))
        .because("a rule is told the time; take an Instant as an argument");
  }

  ArchRule engine_stands_on_api_and_java_base() {
    return classes()
        .that(in("engine"))
        .should(
            onlyDependOnClassesThat(
                in("engine")
                    .or(in("api"))
                    .or(jspecify())
                    .or(packageOf("org.slf4j"))
                    .or(javaBase())))
        .because("what the engine needs from outside is an interface of engine.port");
  }

  ArchRule room_sees_only(String room, String... others) {
    String[] seen = Arrays.copyOf(others, others.length + 1);
    seen[others.length] = room;
    DescribedPredicate<JavaClass> allowed =
        Arrays.stream(seen).map(this::in).reduce((one, other) -> one.or(other)).orElseThrow();
    return noClasses()
        .that(in(room))
        .should()
        .dependOnClassesThat(packageOf(root).and(DescribedPredicate.not(allowed)))
        .because(
            "of this house %s sees %s; ask through an interface there and wire it in app"
                .formatted(room, String.join(", ", others)));
  }

  /** {@return the packages that lie on a cycle; none if all is well} */
  List<String> knots(JavaClasses classes) {
    return PackageKnots.in(classes, root);
  }

  ArchRule databases_are_reached_in_few_rooms() {
    return noClasses()
        .that(DescribedPredicate.not(reachesDatabases()).and(DescribedPredicate.not(wires())))
        .should()
        .dependOnClassesThat(databases())
        .because("SQL lives in store and in packages ending in .jdbc; move the class there");
  }

  ArchRule wiring_knows_data_sources_alone() {
    return noClasses()
        .that(wires().and(DescribedPredicate.not(reachesDatabases())))
        .should()
        .dependOnClassesThat(
            databases()
                .and(
                    describe(
                        "other than a DataSource",
                        type -> !type.getName().equals("javax.sql.DataSource"))))
        .because("wiring hands a DataSource on; move what opens a connection to store or .jdbc");
  }

  /**
   * Threads have few owners.
   *
   * @param exceptions classes below the root that own one beside those rooms
   */
  ArchRule threads_have_few_owners(Set<String> exceptions) {
    DescribedPredicate<JavaClass> owners =
        in("engine.run")
            .or(in("app"))
            .or(in("store.server"))
            .or(in("testkit"))
            .or(anyOf(exceptions));
    return noClasses()
        .that(DescribedPredicate.not(owners))
        .should(accessTargetWhere(describe("makes a thread", Ambient::isThread)))
        .because("somebody must stop it; take an Executor in the constructor and wire it in app");
  }

  /**
   * The engine waits, and takes time and chance, in ways that are given to it.
   *
   * @param exceptions classes below the root that give them
   */
  ArchRule engine_waits_as_it_is_told(Set<String> exceptions) {
    return noClasses()
        .that(in("engine.run").and(DescribedPredicate.not(anyOf(exceptions))))
        .should(
            accessTargetWhere(
                describe(
                    "waits by itself, or takes time or chance",
                    access -> Ambient.isThread(access) || Ambient.isWait(access))))
        .because("a simulation owns time and threads; take them from engine.run.Surroundings");
  }

  ArchRule system_time_is_wired_in_app() {
    return noClasses()
        .that(DescribedPredicate.not(in("app").or(in("testkit"))))
        .should(accessTargetWhere(describe("takes the system's clock", Ambient::isSystemClock)))
        .because("time is injected; take an InstantSource in the constructor");
  }

  /**
   * Nobody reads the clock, the zone, chance or the standard streams of the process.
   *
   * @param exceptions classes below the root that are its edge
   */
  ArchRule process_is_not_asked(Set<String> exceptions) {
    return noClasses()
        .that(DescribedPredicate.not(anyOf(exceptions)))
        .should(accessTargetWhere(describe("asks the process", Ambient::isAsked)))
        .because(
            "take an InstantSource, a LongSupplier of nanoseconds, a RandomGenerator, a ZoneId or a"
                + " logger in the constructor; the command line prints through app.cli.Console");
  }

  private DescribedPredicate<JavaClass> in(String room) {
    return packageOf(root + "." + room);
  }

  private DescribedPredicate<JavaClass> anyOf(Set<String> names) {
    return names.stream()
        .map(this::named)
        .reduce(DescribedPredicate.alwaysFalse(), (one, other) -> one.or(other));
  }

  private DescribedPredicate<JavaClass> named(String name) {
    String full = root + "." + name;
    return describe(
        full, type -> type.getName().equals(full) || type.getName().startsWith(full + "$"));
  }

  private DescribedPredicate<JavaClass> reachesDatabases() {
    return in("store")
        .or(in("testkit"))
        .or(in("bench"))
        .or(describe("in a package .jdbc", type -> type.getPackageName().endsWith(".jdbc")));
  }

  private DescribedPredicate<JavaClass> wires() {
    return in("app").or(in("tasks.data"));
  }

  private static DescribedPredicate<JavaClass> databases() {
    return packageOf("java.sql").or(packageOf("javax.sql")).or(packageOf("org.postgresql"));
  }

  private static DescribedPredicate<JavaClass> jspecify() {
    return packageOf("org.jspecify");
  }

  private static DescribedPredicate<JavaClass> javaBase() {
    return describe("java.base", type -> JAVA_BASE.contains(packageName(type)));
  }

  private static DescribedPredicate<JavaClass> pure() {
    return describe(
        "values of java.base",
        type -> {
          String home = packageName(type);
          boolean values =
              Set.of("java.lang", "java.math", "java.time", "java.util").contains(home)
                  || home.startsWith("java.lang.")
                  || (home.startsWith("java.util.")
                      && !home.startsWith("java.util.concurrent")
                      && JAVA_BASE.contains(home));
          return PURE_IO.contains(type.getName()) || (values && !IMPURE.contains(type.getName()));
        });
  }

  private static DescribedPredicate<JavaClass> packageOf(String name) {
    return describe(
        name, type -> packageName(type).equals(name) || packageName(type).startsWith(name + "."));
  }

  /** The package of a class, for an array that of its elements; primitives count as java.lang. */
  private static String packageName(JavaClass type) {
    JavaClass base = type.getBaseComponentType();
    return base.isPrimitive() ? "java.lang" : base.getPackageName();
  }

  private static boolean owns(JavaAccess<?> access, Class<?> owner) {
    return access.getTargetOwner().isEquivalentTo(owner);
  }
}
