package dev.batchyard.tasks.data.csv;

import java.util.concurrent.Semaphore;

/**
 * Lets one import of a node at a time read records of more than {@link #LARGE_CHARS} characters, so
 * that eight imports at once fit into the heap of 256 MB that a node has by default.
 *
 * <p>A record of n characters is held some eleven times: by the parser, as a row, encoded with up
 * to three bytes a character in each of five chunks under way, and in the buffers that are sent.
 * That is at most 32 n bytes: 8 MB for an import without large records, and 128 MB for the one
 * import that has its turn, if its records have {@link RowHandler#RECORD_CHARS_MAX} characters of
 * three bytes each.
 */
public final class LargeRecords {

  /** Records with more characters need a turn. */
  public static final int LARGE_CHARS = 256 * 1024;

  private final Semaphore free = new Semaphore(1);

  /** Another import has its turn; nothing was lost, the chunk at hand is read again later. */
  public static final class NotNow extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotNow() {
      super("another import of this node holds large records");
    }
  }

  /** {@return what one attempt may read; taken when it needs it, given back when it is closed} */
  public Turn turn() {
    return new Turn(free);
  }

  /** Of one attempt; used by one thread at a time. */
  public static final class Turn implements AutoCloseable {
    private final Semaphore free;
    private boolean taken;

    private Turn(Semaphore free) {
      this.free = free;
    }

    /**
     * Takes the turn, if it is not taken yet.
     *
     * @throws NotNow if another attempt has it
     */
    void take() {
      if (!taken && !free.tryAcquire()) {
        throw new NotNow();
      }
      taken = true;
    }

    @Override
    public void close() {
      if (taken) {
        taken = false;
        free.release();
      }
    }
  }
}
