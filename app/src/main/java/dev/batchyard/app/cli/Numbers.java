package dev.batchyard.app.cli;

import dev.batchyard.api.NewTask;
import dev.batchyard.engine.port.Batches;
import dev.batchyard.engine.port.TaskViews;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The whole numbers of the command line, each sort with its range. */
final class Numbers {

  private static final int PAGE_MAX = Math.min(TaskViews.PAGE_MAX, Batches.PAGE_MAX);

  private Numbers() {}

  /** The id of a task or a batch. */
  static final class Id implements ITypeConverter<Long> {
    @Override
    public Long convert(String word) {
      return read(word, 1, Long.MAX_VALUE, "'%s' is no id; it must be a whole number from 1 on");
    }
  }

  /** The rows of a page. */
  static final class Page implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String word) {
      return (int) between(word, 1, PAGE_MAX);
    }
  }

  /** The rejects that are shown with a task. */
  static final class Rejects implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String word) {
      return (int) between(word, 0, TaskCommand.REJECTS_MAX);
    }
  }

  /** The number of a row. */
  static final class Row implements ITypeConverter<Long> {
    @Override
    public Long convert(String word) {
      return read(word, 0, Long.MAX_VALUE, "'%s' must be a whole number from 0 on");
    }
  }

  /** The priority of a task. */
  static final class Priority implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String word) {
      return (int)
          read(
              word,
              0,
              NewTask.PRIORITY_MAX,
              "'%s' must be a whole number from 0 (urgent) to " + NewTask.PRIORITY_MAX);
    }
  }

  /** {@return a whole number in a range}, or refuses it naming the range */
  static long between(String word, long least, long most) {
    return read(word, least, most, "'%s' must be a whole number from " + least + " to " + most);
  }

  private static long read(String word, long least, long most, String refusal) {
    try {
      long number = Long.parseLong(word.strip());
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // told below, together with numbers out of range
    }
    throw new TypeConversionException(refusal.formatted(word));
  }
}
