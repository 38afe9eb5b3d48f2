package dev.batchyard.app.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * The arrows between rooms. Each test first shows that its rule rejects every method of the
 * offenders planted for it, then that the product obeys it.
 */
final class ArchitectureTest {

  private static final String PLANTED = "dev.batchyard.app.architecture.planted";

  private static final HouseRules HOUSE = new HouseRules("dev.batchyard");
  private static final HouseRules TRAP = new HouseRules(PLANTED);

  private static final JavaClasses PRODUCT =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(where -> !where.contains("-tests.jar"))
          .withImportOption(where -> !where.contains("batchyard-bench")) // never shipped
          .importPackages("dev.batchyard");

  private static final JavaClasses OFFENDERS = new ClassFileImporter().importPackages(PLANTED);

  /** One thread per pipeline, which it starts and joins itself. */
  private static final Set<String> THREAD_OWNERS =
      Set.of("tasks.pipeline.ReadAhead", "tasks.data.jdbc.CopyLane");

  /** What a node takes from the process around it; a simulation gives it another. */
  private static final Set<String> SURROUNDINGS =
      Set.of("engine.run.Threads$JvmThreads", "engine.run.Surroundings");

  /** The edge: shows times in the zone of the person at the terminal. */
  private static final Set<String> EDGES = Set.of("app.cli.Context");

  @Test
  void api_stands_on_the_jdk_alone() {
    obeyed(HouseRules::api_stands_on_the_jdk_alone, "api.SeesStore", "api.SeesLogging");
  }

  @Test
  void rules_of_a_task_are_pure() {
    obeyed(HouseRules::rules_of_a_task_are_pure, "engine.task.Impure");
  }

  @Test
  void rules_of_a_task_read_no_clock() {
    obeyed(HouseRules::rules_of_a_task_read_no_clock, "engine.task.ReadsClock");
  }

  @Test
  void engine_stands_on_api_and_java_base() {
    obeyed(HouseRules::engine_stands_on_api_and_java_base, "engine.run.Loop");
  }

  @Test
  void store_sees_engine_and_api() {
    obeyed(rules -> rules.room_sees_only("store", "engine", "api"), "store.SeesWeb");
  }

  @Test
  void pipelines_see_api() {
    obeyed(rules -> rules.room_sees_only("tasks.pipeline", "api"), "tasks.pipeline.SeesEngine");
  }

  @Test
  void data_tasks_see_pipelines_and_api() {
    obeyed(
        rules -> rules.room_sees_only("tasks.data", "tasks.pipeline", "api"),
        "tasks.data.SeesStore");
  }

  @Test
  void ops_sees_engine_and_api() {
    obeyed(rules -> rules.room_sees_only("ops", "engine", "api"), "ops.SeesWeb");
  }

  @Test
  void web_sees_engine_ops_and_api_but_never_the_store() {
    obeyed(rules -> rules.room_sees_only("web", "engine", "ops", "api"), "web.Pages");
  }

  @Test
  void packages_form_no_cycle() {
    List<String> planted = TRAP.knots(OFFENDERS);
    for (String from : List.of("knot.left", "knot.right", "ring.one", "ring.two", "ring.three")) {
      assertThat(planted)
          .as("the cycle through %s must be found", from)
          .anyMatch(knot -> knot.startsWith(PLANTED + "." + from + " sees "));
    }
    assertThat(planted)
        .as("a package that only sees others is on no cycle")
        .noneMatch(knot -> knot.startsWith(PLANTED + ".tasks.data sees "));
    assertThat(HOUSE.knots(PRODUCT)).isEmpty();
  }

  @Test
  void databases_are_reached_in_few_rooms() {
    obeyed(HouseRules::databases_are_reached_in_few_rooms, "web.Queries");
  }

  @Test
  void wiring_knows_data_sources_alone() {
    obeyed(HouseRules::wiring_knows_data_sources_alone, "tasks.data.Connects");
  }

  @Test
  void threads_have_few_owners() {
    obeyed(rules -> rules.threads_have_few_owners(THREAD_OWNERS), "ops.Threads");
  }

  @Test
  void engine_waits_as_it_is_told() {
    obeyed(rules -> rules.engine_waits_as_it_is_told(SURROUNDINGS), "engine.run.Waits");
  }

  @Test
  void system_time_is_wired_in_app() {
    obeyed(HouseRules::system_time_is_wired_in_app, "ops.Clocks");
  }

  @Test
  void process_is_not_asked_for_time_zone_chance_or_streams() {
    obeyed(rules -> rules.process_is_not_asked(EDGES), "ops.Asks");
  }

  @Test
  void every_exception_by_name_is_still_needed() {
    needed(HOUSE.threads_have_few_owners(Set.of()), THREAD_OWNERS);
    needed(HOUSE.process_is_not_asked(Set.of()), EDGES);
    needed(HOUSE.engine_waits_as_it_is_told(Set.of()), SURROUNDINGS);
  }

  private static void obeyed(Function<HouseRules, ArchRule> rule, String... offenders) {
    List<String> rejected = violations(rule.apply(TRAP), OFFENDERS);
    for (String offender : offenders) {
      Set<JavaMethod> methods = OFFENDERS.get(PLANTED + "." + offender).getMethods();
      assertThat(methods).as("methods planted in %s", offender).isNotEmpty();
      methods.stream()
          .filter(method -> !method.getModifiers().contains(JavaModifier.SYNTHETIC))
          .forEach(method ->
              assertThat(rejected)
                  .as("a rule must reject what was planted for it")
                  .anyMatch(line -> line.contains("Method <" + method.getFullName() + ">")));
    }
    rule.apply(HOUSE).check(PRODUCT);
  }

  private static void needed(ArchRule rule, Set<String> exceptions) {
    List<String> rejected = violations(rule, PRODUCT);
    for (String exception : exceptions) {
      assertThat(rejected)
          .as("take the exception for %s out of ArchitectureTest; nothing needs it", exception)
          .anyMatch(line -> line.contains("<dev.batchyard." + exception + "."));
    }
  }

  private static List<String> violations(ArchRule rule, JavaClasses classes) {
    return rule.evaluate(classes).getFailureReport().getDetails();
  }
}
