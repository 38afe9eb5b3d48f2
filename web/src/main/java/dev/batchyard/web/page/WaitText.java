package dev.batchyard.web.page;

import dev.batchyard.engine.port.WaitReasons.Why;
import dev.batchyard.engine.task.Wait;
import dev.batchyard.engine.task.Wait.Ahead;
import dev.batchyard.engine.task.Wait.Names;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Why a task waits, as people read it: on the pages, on the command line and in the answers of the
 * API, which differ in language and zone only.
 */
public final class WaitText {

  private static final Pattern PLACE = Pattern.compile("\\{(\\d)}");

  private final Words words;
  private final Formats formats;

  /** Writes in the language of these words, with times in the zone of these formats. */
  public WaitText(Words words, Formats formats) {
    this.words = words;
    this.formats = formats;
  }

  /**
   * A piece of a text.
   *
   * @param href where more is to be read of what it names; empty if it names nothing
   */
  public record Part(String text, String href) {}

  /** {@return all reasons, a line each} */
  public List<String> lines(Why why) {
    return why.waits().stream().map(this::text).toList();
  }

  /** {@return a reason} */
  public String text(Wait wait) {
    return parts(wait).stream().map(Part::text).collect(Collectors.joining());
  }

  /** {@return a reason in pieces} */
  public List<Part> parts(Wait wait) {
    return switch (wait) {
      case Wait.Ended w -> line(w, plain(words.text("state." + w.state().word())), at(w.at()));
      case Wait.Running w -> line(w, plain(w.node()), at(w.since()));
      case Wait.Claimed w ->
          line(w, plain(w.node()), at(w.since()), number(w.slots()), tasks(w.beside()));
      case Wait.Paused w -> line(w, plain(w.by()), at(w.since()));
      case Wait.AfterBatch w -> batch(w);
      case Wait.AfterParts w ->
          join(
              line(w, title(w.batch()), number(w.live()), number(w.total())),
              w.parts().isEmpty() ? List.of() : line("members", tasks(new Names<>(w.parts(), 0))));
      case Wait.InTurn w ->
          line(
              w.stopped() ? "in_turn.stopped" : "in_turn",
              task(w.parent()),
              number(w.index()),
              task(w.at()));
      case Wait.AfterUndo w ->
          line(
              w.needsPerson() ? "undo.person" : "undo",
              task(w.task()),
              plain(w.step()),
              task(w.before()),
              plain(w.stepBefore()));
      case Wait.Scheduled w -> line(w, at(w.due()));
      case Wait.BackOff w ->
          join(
              line(w, at(w.until()), number(w.failures()), plain(w.policy())),
              w.problem().isEmpty() ? List.of() : line("problem", plain(w.problem())));
      case Wait.QueuePaused w -> line(w, plain(w.queue()), plain(w.by()), at(w.since()));
      case Wait.NoNode w -> line(w, plain(w.type()));
      case Wait.QueueNotServed w -> line(w, plain(w.type()), plain(w.queue()), nodes(w.nodes()));
      case Wait.NoEligibleNode w -> eligible(w);
      case Wait.Cordoned w -> line(w, some(w.nodes(), this::cordon));
      case Wait.Suspect w ->
          line(w.alone() ? "suspect.alone" : "suspect", number(w.deaths()), nodes(w.nodes()));
      case Wait.PoolFull w ->
          join(
              line(w, pool(w.pool()), number(w.has()), number(w.used()), number(w.needs())),
              held(w.holders()),
              rest(w.ahead(), w.earliest()));
      case Wait.KeyFull w ->
          join(
              line(
                  w,
                  pool(w.pool()),
                  number(w.has()),
                  plain(w.line()),
                  number(w.used()),
                  number(w.needs())),
              held(w.holders()),
              rest(w.ahead(), w.earliest()));
      case Wait.TypeFull w ->
          join(
              line(w, pool(w.pool()), number(w.has()), plain(w.type()), number(w.used())),
              held(w.holders()),
              rest(w.ahead(), w.earliest()));
      case Wait.PoolTooSmall w -> line(w, pool(w.pool()), number(w.capacity()), number(w.needs()));
      case Wait.PoolSlowed w -> line(w, pool(w.pool()), at(w.until()));
      case Wait.RateSpent w ->
          join(
              line(
                  w,
                  pool(w.pool()),
                  number(w.has()),
                  plain(formats.exact(w.period())),
                  number(w.used()),
                  number(w.needs())),
              rest(w.ahead(), w.earliest()));
      case Wait.BudgetSpent w ->
          join(
              line(w, pool(w.pool()), number(w.has()), number(w.used()), number(w.needs())),
              w.period().isPresent() ? List.of() : line("refill", pool(w.pool())),
              rest(w.ahead(), w.earliest()));
      case Wait.InLine w -> inLine(w);
    };
  }

  private List<Part> batch(Wait.AfterBatch w) {
    return join(
        line(w, title(w.batch()), number(w.live()), number(w.total())),
        w.members().isEmpty() ? List.of() : line("members", tasks(new Names<>(w.members(), 0))),
        w.open() ? line("open", plain(String.valueOf(w.batch()))) : List.of());
  }

  private List<Part> title(long batch) {
    return List.of(new Part(words.text("batch.title", batch), "/batches/" + batch));
  }

  private List<Part> eligible(Wait.NoEligibleNode w) {
    boolean together = w.missing().isEmpty();
    return line(
        together ? "no_eligible_node.together" : "no_eligible_node",
        plain(w.type()),
        plain(w.queue()),
        plain(together ? w.requires() : String.join(separator(), w.missing())),
        nodes(w.nodes()));
  }

  private List<Part> inLine(Wait.InLine w) {
    boolean free = w.held() < w.slots();
    return join(
        line(free ? "line.free" : "line", nodes(w.nodes()), number(w.slots()), number(w.held())),
        free ? List.of() : held(w.holders()),
        rest(w.ahead(), w.earliest()));
  }

  private List<Part> held(Names<Long> holders) {
    return holders.named().isEmpty() ? List.of() : line("held", tasks(holders));
  }

  private List<Part> rest(Ahead ahead, Optional<Instant> earliest) {
    return join(
        line(ahead.atLeast() ? "ahead.more" : "ahead", number(ahead.tasks())),
        earliest.isEmpty() ? List.of() : line("earliest", at(earliest.get())));
  }

  private List<Part> tasks(Names<Long> tasks) {
    return tasks.named().isEmpty() ? line("none") : some(tasks, this::task);
  }

  private List<Part> nodes(Names<String> nodes) {
    return some(nodes, WaitText::plain);
  }

  private <T> List<Part> some(Names<T> names, Function<T, List<Part>> each) {
    List<Part> list = new ArrayList<>();
    for (T name : names.named()) {
      if (!list.isEmpty()) {
        list.addAll(plain(separator()));
      }
      list.addAll(each.apply(name));
    }
    return names.more() == 0 ? list : line("more", list, number(names.more()));
  }

  private String separator() {
    return words.text("wait.separator");
  }

  private List<Part> cordon(Wait.Cordon cordon) {
    return line("cordon", plain(cordon.node()), plain(cordon.by()), at(cordon.since()));
  }

  private List<Part> task(long task) {
    return List.of(new Part(String.valueOf(task), "/tasks/" + task));
  }

  private static List<Part> pool(String pool) {
    return List.of(
        new Part(pool, "/pools?pool=" + URLEncoder.encode(pool, StandardCharsets.UTF_8)));
  }

  private List<Part> at(Instant instant) {
    return plain(formats.time(instant));
  }

  private List<Part> number(long number) {
    return plain(formats.number(number));
  }

  private static List<Part> plain(String text) {
    return List.of(new Part(text, ""));
  }

  @SafeVarargs
  private static List<Part> join(List<Part>... lists) {
    List<Part> all = new ArrayList<>();
    for (List<Part> list : lists) {
      all.addAll(list);
    }
    return all;
  }

  @SafeVarargs
  private List<Part> line(Wait wait, List<Part>... values) {
    return line(wait.reason(), values);
  }

  /** The text of a word with values in its places; what a value says is never read as a place. */
  @SafeVarargs
  private List<Part> line(String word, List<Part>... values) {
    String text = words.text("wait." + word);
    List<Part> parts = new ArrayList<>();
    Matcher place = PLACE.matcher(text);
    int from = 0;
    while (place.find()) {
      parts.add(new Part(text.substring(from, place.start()), ""));
      parts.addAll(values[Integer.parseInt(place.group(1))]);
      from = place.end();
    }
    parts.add(new Part(text.substring(from), ""));
    return parts;
  }
}
