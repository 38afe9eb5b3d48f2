package dev.batchyard.app;

import dev.batchyard.store.server.CannotStart;
import dev.batchyard.store.server.DataFolder;
import java.util.Optional;

/**
 * What a node is called: as its settings say, else after the host and the lowest free number of the
 * data folder, so that it has its name again after a restart and takes back at once what it held.
 * The number is held until this is closed or the process ends.
 */
public final class NodeName implements AutoCloseable {

  private final String text;
  private final Optional<DataFolder.NodeNumber> number;

  private NodeName(String text, Optional<DataFolder.NodeNumber> number) {
    this.text = text;
    this.number = number;
  }

  /**
   * Names a node of this process.
   *
   * @throws CannotStart if it needs a number of the data folder and gets none
   */
  public static NodeName take(Installation installation) {
    Optional<String> given = installation.settings().name();
    if (given.isPresent()) {
      return new NodeName(given.get(), Optional.empty());
    }
    DataFolder.NodeNumber number = installation.folder().takeNodeNumber();
    return new NodeName(Installation.hostName() + "-" + number.number(), Optional.of(number));
  }

  /** {@return the name} */
  public String text() {
    return text;
  }

  @Override
  public void close() {
    number.ifPresent(DataFolder.NodeNumber::close);
  }
}
