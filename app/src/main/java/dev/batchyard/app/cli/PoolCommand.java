package dev.batchyard.app.cli;

import dev.batchyard.app.Installation;
import dev.batchyard.engine.port.MoveRefused;
import dev.batchyard.engine.port.Nearest;
import dev.batchyard.engine.port.Pools;
import dev.batchyard.engine.port.Pools.Change;
import dev.batchyard.engine.port.Pools.Kind;
import dev.batchyard.engine.port.Pools.Pool;
import dev.batchyard.engine.port.Pools.PoolRow;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Makes, changes, shows and deletes pools, by a word of its own each. */
@Command(
    name = "pool",
    description = "Makes and changes pools: named resources that tasks use while they run.",
    synopsisSubcommandLabel = "WORD",
    footer = {
      "",
      "A task names its pools when it is submitted: submit ... --pool llm --pool tokens=400.",
      "It starts when all of them have room at once. A changed capacity counts at once.",
      "With --per-key, --pool customer:acme lets so many run for one customer at once.",
      "Example: pool create llm --slots 5"
    })
final class PoolCommand implements Runnable {

  @Spec private @Nullable CommandSpec spec;

  /** {@return the command with its words} */
  static CommandLine of(Cli cli) {
    return new CommandLine(new PoolCommand())
        .addSubcommand(new Create(cli))
        .addSubcommand(new Set(cli))
        .addSubcommand(new Refill(cli))
        .addSubcommand(new ListAll(cli))
        .addSubcommand(new ShowOne(cli))
        .addSubcommand(new Delete(cli));
  }

  @Override
  public void run() {
    CommandSpec self = Objects.requireNonNull(spec);
    throw new ParameterException(
        self.commandLine(), "a word is missing: " + String.join(", ", self.subcommands().keySet()));
  }

  /** So many units, and within what time. */
  record Measure(long capacity, Optional<Duration> period) {}

  /** A capacity alone. */
  static final class Slots implements ITypeConverter<Measure> {
    @Override
    public Measure convert(String word) {
      return new Measure(Numbers.between(word, 0, Pool.CAPACITY_MAX), Optional.empty());
    }
  }

  /** A capacity with a period. */
  static final class Rate implements ITypeConverter<Measure> {
    @Override
    public Measure convert(String word) {
      Measure read = new Budget().convert(word);
      if (read.period().isEmpty()) {
        throw new TypeConversionException(
            "'%s' must be a number and a period, such as 60/1m".formatted(word));
      }
      return read;
    }
  }

  /** A capacity, perhaps with a period. */
  static final class Budget implements ITypeConverter<Measure> {
    @Override
    public Measure convert(String word) {
      int slash = word.indexOf('/');
      return slash < 0
          ? new Slots().convert(word)
          : new Measure(
              new Slots().convert(word.substring(0, slash)).capacity(),
              Optional.of(Spans.parse(word.substring(slash + 1))));
    }
  }

  /** What it has units of. */
  static final class Size {
    @Option(
        names = "--slots",
        paramLabel = "N",
        converter = Slots.class,
        description = "So many units are in use at once at most; 0 lets nothing start.")
    private Optional<Measure> slots = Optional.empty();

    @Option(
        names = "--rate",
        paramLabel = "N/TIME",
        converter = Rate.class,
        description = "Tasks that use so many start within the time at most, such as 60/1m.")
    private Optional<Measure> rate = Optional.empty();

    @Option(
        names = "--budget",
        paramLabel = "N[/TIME]",
        converter = Budget.class,
        description = "So many are spent at most, anew in each TIME, or when it is refilled.")
    private Optional<Measure> budget = Optional.empty();

    private Kind kind() {
      return slots.isPresent() ? Kind.SLOTS : rate.isPresent() ? Kind.RATE : Kind.BUDGET;
    }

    private Measure measure() {
      return slots
          .or(() -> rate)
          .or(() -> budget)
          .orElseThrow(() ->
              new CliFailure(
                  Exit.USAGE, "how much does it have? Give one of --slots, --rate and --budget"));
    }

    Pool pool(String name, boolean perKey, Optional<String> type) {
      return new Pool(name, kind(), measure().capacity(), measure().period(), perKey, type);
    }
  }

  /** What they share: the store, the row at the end, and what is told of a change. */
  abstract static sealed class Word implements Callable<Integer> {

    private final Cli cli;

    Word(Cli cli) {
      this.cli = cli;
    }

    abstract int in(Pools pools);

    @Override
    public final Integer call() {
      try (Installation installation = cli.open()) {
        return in(installation.store().pools());
      } catch (IllegalArgumentException e) {
        throw new CliFailure(Exit.USAGE, String.valueOf(e.getMessage()));
      } catch (MoveRefused e) {
        throw new CliFailure(Exit.FAILED, String.valueOf(e.getMessage()));
      }
    }

    final String user() {
      return cli.context().user();
    }

    final Console console() {
      return cli.console();
    }

    final PoolWords words() {
      return new PoolWords(new Show(cli.context().zone()));
    }

    final void tell(Pools pools, String name, Change change, String done, String already) {
      String what =
          switch (change) {
            case DONE -> done;
            case ALREADY -> already;
            case NOT_FOUND -> throw noSuchPool(pools, name);
          };
      console().say("pool %s %s".formatted(name, what));
    }

    final int show(Pools pools, String name) {
      PoolRow row = pools.find(name).orElseThrow(() -> noSuchPool(pools, name));
      console().tell(PoolWords.document(row, pools.holders(name)));
      console().say(words().table(List.of(row)));
      return Exit.OK.code();
    }

    final CliFailure noSuchPool(Pools pools, String name) {
      List<String> names = pools.list().stream().map(row -> row.pool().name()).toList();
      return new CliFailure(
          Exit.NOT_FOUND,
          "pool '%s': there is none; ".formatted(name)
              + Nearest.to(name, names)
                  .map("did you mean '%s'?"::formatted)
                  .orElse("'./batchyard pool list' lists them")
              + " './batchyard pool create' makes one");
    }
  }

  /** Makes one. */
  @Command(name = "create", description = "Makes a pool.")
  static final class Create extends Word {

    @Parameters(paramLabel = "NAME", description = "The pool.")
    private String name = "";

    @ArgGroup(multiplicity = "1")
    private Size size = new Size();

    @Option(
        names = "--per-key",
        description = "Tasks name it as NAME:KEY, and so many slots are there for each key.")
    private boolean perKey;

    @Option(
        names = "--type",
        paramLabel = "TYPE",
        description = "All tasks of this type use one unit of it, without naming it.")
    private Optional<String> type = Optional.empty();

    Create(Cli cli) {
      super(cli);
    }

    @Override
    int in(Pools pools) {
      Change made = pools.create(size.pool(name, perKey, type), user());
      tell(pools, name, made, "made", "is there already; './batchyard pool set' changes it");
      return show(pools, name);
    }
  }

  /** Changes one. */
  @Command(
      name = "set",
      description =
          "Changes how much a pool has; what runs goes on, one that was slowed down has all again.")
  static final class Set extends Word {

    @Parameters(paramLabel = "NAME", description = "The pool.")
    private String name = "";

    @ArgGroup(multiplicity = "1")
    private Size size = new Size();

    Set(Cli cli) {
      super(cli);
    }

    @Override
    int in(Pools pools) {
      Change changed = pools.edit(name, was -> size.pool(name, was.perKey(), was.type()), user());
      tell(pools, name, changed, "changed", "is so already");
      return show(pools, name);
    }
  }

  /** Lets a budget begin anew. */
  @Command(name = "refill", description = "Lets a budget begin anew: nothing of it is spent.")
  static final class Refill extends Word {

    @Parameters(paramLabel = "NAME", description = "The pool.")
    private String name = "";

    Refill(Cli cli) {
      super(cli);
    }

    @Override
    int in(Pools pools) {
      tell(pools, name, pools.refill(name, user()), "refilled", "is full already");
      return show(pools, name);
    }
  }

  /** Lists all. */
  @Command(name = "list", description = "Lists the pools with their use.")
  static final class ListAll extends Word {

    ListAll(Cli cli) {
      super(cli);
    }

    @Override
    int in(Pools pools) {
      List<PoolRow> rows = pools.list();
      rows.forEach(row -> console().tell(PoolWords.document(row, List.of())));
      console()
          .say(
              rows.isEmpty()
                  ? "no pools; './batchyard pool create NAME --slots 5' makes one"
                  : words().table(rows));
      return Exit.OK.code();
    }
  }

  /** Shows one with its holders. */
  @Command(name = "show", description = "Shows a pool with the tasks that use it.")
  static final class ShowOne extends Word {

    @Parameters(paramLabel = "NAME", description = "The pool.")
    private String name = "";

    ShowOne(Cli cli) {
      super(cli);
    }

    @Override
    int in(Pools pools) {
      int exit = show(pools, name);
      console().say(words().holders(pools.holders(name)));
      return exit;
    }
  }

  /** Deletes one. */
  @Command(name = "delete", description = "Deletes a pool that no live task names.")
  static final class Delete extends Word {

    @Parameters(paramLabel = "NAME", description = "The pool.")
    private String name = "";

    Delete(Cli cli) {
      super(cli);
    }

    @Override
    int in(Pools pools) {
      tell(pools, name, pools.delete(name), "deleted", "is deleted already");
      return Exit.OK.code();
    }
  }
}
