package dev.batchyard.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.api.TaskState;
import dev.batchyard.engine.task.Transitions;
import dev.batchyard.testkit.PostgresTest;
import dev.batchyard.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The schema as a whole: every migration shows as a change of {@code docs/schema.sql}. */
@PostgresTest
class SchemaTest {

  private static final Path GOLDEN = Path.of("..", "docs", "schema.sql");
  private static final String REFRESH =
      "mvn -pl testkit -am test -Dtest=SchemaTest -Dsurefire.failIfNoSpecifiedTests=false"
          + " -Dschema.refresh=true";

  private static final String TYPES =
      """
      select 'create type ' || t.typname || ' as enum ('
             || string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) || ');'
        from pg_type t
        join pg_enum e on e.enumtypid = t.oid
       where t.typnamespace = 'batchyard'::regnamespace
       group by t.typname
       order by t.typname
      """;

  private static final String TABLES =
      """
      select 'create table ' || c.relname || ' (' || chr(10) || (
               select string_agg('  ' || line, ',' || chr(10) order by kind, place, line)
                 from (
                   select 1 as kind, a.attnum::integer as place,
                          quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                          || case when a.attnotnull then ' not null' else '' end
                          || case a.attidentity when 'a' then ' generated always as identity'
                                                else '' end
                          || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
                     from pg_attribute a
                     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                   union all
                   select 2, 0, pg_get_constraintdef(k.oid)
                     from pg_constraint k
                    where k.conrelid = c.oid and k.contype <> 'n') parts)
             || chr(10) || ')'
             || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')
             || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')
             || coalesce(' -- ' || i.inhparent::regclass || ' '
                         || pg_get_expr(c.relpartbound, c.oid), '') || ';'
        from pg_class c
        left join pg_inherits i on i.inhrelid = c.oid
       where c.relnamespace = 'batchyard'::regnamespace and c.relkind in ('r', 'p')
         and c.relname <> 'flyway_schema_history'
       order by c.relname
      """;

  private static final String INDEXES =
      """
      select pg_get_indexdef(i.indexrelid) || ';'
        from pg_index i
        join pg_class c on c.oid = i.indrelid
       where c.relnamespace = 'batchyard'::regnamespace
         and c.relname <> 'flyway_schema_history'
         and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
       order by 1
      """;

  private static final String FUNCTIONS =
      """
      select pg_get_functiondef(p.oid) || ';'
        from pg_proc p
       where p.pronamespace = 'batchyard'::regnamespace
       order by p.proname
      """;

  @Test
  void the_schema_is_the_one_in_the_docs(TestDatabase test) throws SQLException, IOException {
    StringBuilder dump =
        new StringBuilder("-- The schema batchyard, written from a migrated database by:\n-- ")
            .append(REFRESH)
            .append("\n");
    try (Connection c = test.connect()) {
      Sql.run(c, "set search_path = batchyard");
      for (String part : List.of(TYPES, TABLES, INDEXES, FUNCTIONS)) {
        for (String object : Sql.query(c, part, r -> r.getString(1))) {
          dump.append('\n').append(object).append('\n');
        }
      }
    }
    if (Boolean.getBoolean("schema.refresh")) {
      Files.createDirectories(GOLDEN.toAbsolutePath().getParent());
      Files.writeString(GOLDEN, dump);
    }
    assertThat(dump.toString())
        .as("docs/schema.sql does not show the migrations; to write it anew: " + REFRESH)
        .isEqualTo(Files.readString(GOLDEN));
  }

  @Test
  void the_legal_moves_are_those_of_the_engine(TestDatabase test) throws SQLException {
    Set<String> expected = new TreeSet<>();
    for (TaskState from : TaskState.values()) {
      Transitions.from(from).forEach(to -> expected.add(from.word() + " to " + to.word()));
    }
    assertThat(
            new TreeSet<>(
                ask(test, "select from_state || ' to ' || to_state from batchyard.legal_move")))
        .isEqualTo(expected);
  }

  @Test
  void the_states_are_those_of_the_engine_and_each_home_takes_its_own(TestDatabase test)
      throws SQLException {
    assertThat(ask(test, "select unnest(enum_range(null::batchyard.task_state))::text"))
        .isEqualTo(Arrays.stream(TaskState.values()).map(TaskState::word).toList());
    Set<String> ended =
        Arrays.stream(TaskState.values())
            .filter(TaskState::ended)
            .map(TaskState::word)
            .collect(Collectors.toSet());
    assertThat(allowed(test, "outcome", "state")).isEqualTo(ended);
    assertThat(allowed(test, "parked", "state")).containsExactlyInAnyOrder("paused", "blocked");
    Set<String> pausable =
        Transitions.from(TaskState.PAUSED).stream()
            .filter(s -> !s.ended())
            .map(TaskState::word)
            .collect(Collectors.toSet());
    assertThat(allowed(test, "parked", "from_state")).isEqualTo(pausable);
  }

  /** The states that the check constraint of a column lets in. */
  private static Set<String> allowed(TestDatabase test, String table, String column)
      throws SQLException {
    return Set.copyOf(
        ask(
            test,
            """
            select s::text
              from unnest(enum_range(null::batchyard.task_state)) s
             where exists (
               select from pg_constraint k
                where k.conrelid = 'batchyard.%1$s'::regclass and k.contype = 'c'
                  and pg_get_constraintdef(k.oid) like '%%((%2$s = ANY%%'
                  and pg_get_constraintdef(k.oid) like '%%''' || s || '''%%')
            """
                .formatted(table, column)));
  }

  private static List<String> ask(TestDatabase test, String sql) throws SQLException {
    try (Connection c = test.connect()) {
      return Sql.query(c, sql, r -> r.getString(1));
    }
  }
}
