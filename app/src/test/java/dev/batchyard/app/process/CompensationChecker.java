package dev.batchyard.app.process;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares what the tasks of {@link StepDeeds} did and undid by their own rows with what became of
 * them. Each rule is a query that gives the cases which break it.
 */
final class CompensationChecker {

  /** How each generation of a task with steps ended: reruns only follow bad ends. */
  private static final String ENDS =
      """
      with ends as (
        select g.task, g.generation, coalesce(o.state = 'completed' and o.generation = g.generation, false)
                 as completed
          from (select task, generation from public.step_effect
                 union
                select task, generation from public.step_undo) g
          left join batchyard.outcome o on o.id = g.task)
      """;

  private static final Map<String, String> RULES = new LinkedHashMap<>();

  static {
    RULES.put(
        "all has ended",
        """
        select 'task ' || id from batchyard.task t
         where not exists (select from batchyard.outcome o where o.id = t.id)
        """);
    RULES.put(
        "all compensations are done",
        "select 'task ' || task || ' ' || state from batchyard.compensation where state <> 'undone'");
    RULES.put(
        "what was done by a task that ended badly is undone, once",
        ENDS
            + """
            select format('task %s generation %s step %s, by %s', e.task, e.generation, e.step, n.by)
              from ends d
              join public.step_effect e using (task, generation)
             cross join lateral (
               select count(distinct undo_task) as by from public.step_undo u
                where u.task = e.task and u.generation = e.generation and u.step = e.step) n
             where not d.completed and (n.by <> 1 or not e.undone)
            """);
    RULES.put(
        "what was done by a task that completed stays",
        ENDS
            + """
            select 'task ' || d.task || ' generation ' || d.generation
              from ends d
             where d.completed
               and (exists (select from public.step_undo u
                             where u.task = d.task and u.generation = d.generation)
                    or exists (select from public.step_effect e
                                where e.task = d.task and e.generation = d.generation and e.undone))
            """);
    RULES.put(
        "no step is undone by two tasks",
        """
        select 'task ' || task || ' step ' || step
          from public.step_undo group by task, generation, step having count(*) > 1
        """);
    RULES.put(
        "a later step is undone first",
        """
        select 'task ' || task || ' step ' || step
          from (select *, lag(step) over (partition by task, generation order by seq) as before
                  from public.step_undo) u
         where before <= step
        """);
    RULES.put(
        "only recorded steps are undone, by the task that is recorded",
        """
        select 'task ' || u.task || ' step ' || u.step
          from public.step_undo u
         where not exists (select from batchyard.step s
                            where s.task = u.task and s.undo_task = u.undo_task
                              and s.name = 'step ' || u.step)
        """);
    RULES.put(
        "a step that was done is recorded",
        """
        select 'task ' || e.task || ' step ' || e.step
          from public.step_effect e
         where not exists (select from batchyard.step s
                            where s.task = e.task and s.name = 'step ' || e.step)
        """);
    RULES.put(
        "each recorded step of a round that is undone has completed its undo",
        """
        select 'task ' || s.task || ' ' || s.name
          from batchyard.compensation c
          join batchyard.step s on s.task = c.task and s.round = c.round
          left join batchyard.outcome o on o.id = s.undo_task
         where s.undo_type is not null
           and (s.undone_at is null or o.state is distinct from 'completed')
        """);
    RULES.put(
        "a completed task has done all its steps",
        """
        select 'task ' || t.id
          from batchyard.task t
          join batchyard.lane l on l.id = t.lane
          join batchyard.outcome o on o.id = t.id and o.state = 'completed'
         where (l.type = 'proof.steps' or t.params ->> 'deed' = 'steps')
           and coalesce((t.params ->> 'steps')::bigint, 1 + (t.params ->> 'number')::bigint %% %d)
            <> (select count(*) from batchyard.step s
                 where s.task = t.id and s.undo_task is null and s.done_at is not null
                   and s.name <> 'fee')
        """
            .formatted(StepDeeds.STEPS_OF_NUMBER));
    RULES.put(
        "every undo task is that of a step",
        """
        select 'task ' || t.id
          from batchyard.task t
         where t.flags & 16 <> 0 and not exists (select from batchyard.step s where s.undo_task = t.id)
        """);
    RULES.put(
        "nothing is done after it was undone",
        """
        select format('task %s generation %s step %s', d.task, d.generation, d.step)
          from public.step_deed d
          join (select task, generation, step, min(seq) as seq
                  from public.step_deed where undo group by task, generation, step) u
               using (task, generation, step)
         where not d.undo and d.seq > u.seq
        """);
    RULES.put(
        "what has no undo is done once, however often its task runs again",
        """
        select 'task ' || task from public.step_deed where step = 0 group by task having count(*) > 1
        """);
  }

  private CompensationChecker() {}

  /** {@return the cases that break rules, each with its rule} */
  static List<String> cases(Connection db) throws SQLException {
    List<String> all = new ArrayList<>();
    check(db).forEach((rule, found) -> found.forEach(each -> all.add(rule + ": " + each)));
    return all;
  }

  /** {@return the cases that break a rule, by the rule; empty if all hold} */
  static Map<String, List<String>> check(Connection db) throws SQLException {
    Map<String, List<String>> violations = new LinkedHashMap<>();
    for (Map.Entry<String, String> rule : RULES.entrySet()) {
      List<String> found = new ArrayList<>();
      try (Statement statement = db.createStatement();
          ResultSet row = statement.executeQuery(rule.getValue())) {
        while (row.next()) {
          found.add(row.getString(1));
        }
      }
      if (!found.isEmpty()) {
        violations.put(rule.getKey(), found);
      }
    }
    return violations;
  }
}
