package dev.batchyard.app;

import dev.batchyard.store.server.CannotStart;
import dev.batchyard.store.server.DataFolder;
import java.util.Optional;

/**
 * What a node is called: as its settings say, else after the host and the lowest free slot of the
 * data folder, so that it has its name again after a restart and takes back at once what it held.
 * The slot is held until this is closed or the process ends.
 */
public final class NodeName implements AutoCloseable {

  private final String text;
  private final Optional<DataFolder.NodeSlot> slot;

  private NodeName(String text, Optional<DataFolder.NodeSlot> slot) {
    this.text = text;
    this.slot = slot;
  }

  /**
   * Names a node of this process.
   *
   * @throws CannotStart if it needs a slot of the data folder and gets none
   */
  public static NodeName take(Installation installation) {
    Optional<String> given = installation.settings().name();
    if (given.isPresent()) {
      return new NodeName(given.get(), Optional.empty());
    }
    DataFolder.NodeSlot slot = installation.folder().takeNodeSlot();
    return new NodeName(Installation.hostName() + "-" + slot.number(), Optional.of(slot));
  }

  /** {@return the name} */
  public String text() {
    return text;
  }

  @Override
  public void close() {
    slot.ifPresent(DataFolder.NodeSlot::close);
  }
}
