package dev.batchyard.app;

import dev.batchyard.engine.run.TaskTypes;
import dev.batchyard.tasks.data.CsvImport;
import java.util.List;

/** The task types that this program brings. */
public final class Types {

  private Types() {}

  /** {@return all of them, over the database of an installation} */
  public static TaskTypes of(Installation installation) {
    return new TaskTypes(
        List.of(new CsvImport(installation.database().handlers(), System::nanoTime).type()));
  }
}
