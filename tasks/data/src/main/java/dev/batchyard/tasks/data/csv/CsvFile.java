package dev.batchyard.tasks.data.csv;

import dev.batchyard.api.FinalFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * A file as it was when the attempt began: its size and the SHA-256 of all its bytes, by which a
 * later attempt knows that it is still the same.
 *
 * @param path absolute
 * @param size_bytes how long it is
 * @param sha256 in lower-case hexadecimal
 * @param modified when it was last changed
 * @param firstHigh where the first byte above 0x7F is, or -1: an encoding shows there
 */
public record CsvFile(
    Path path, long size_bytes, String sha256, FileTime modified, long firstHigh) {
  private static final int BUFFER_BYTES = 256 * 1024;
  private static final long HIGH_BITS = 0x8080808080808080L;

  /** What the system says of a path that can never be opened as it is. */
  private static final List<String> PATH_IS_WRONG =
      List.of("File name too long", "Too many levels of symbolic links");

  /**
   * Looks at a file and reads it once for its digest.
   *
   * @throws FinalFailure if it is missing, empty, unreadable or not a regular file
   * @throws IOException if disk or network fail, which may pass
   */
  public static CsvFile of(Path path) throws IOException {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        throw new FinalFailure(
            "file: %s is a directory; give the path of one CSV file in it".formatted(path));
      }
      if (!attributes.isRegularFile()) {
        throw new FinalFailure(
            "file: %s is not a regular file, so it cannot be read again from the middle; copy its content into a file and import that"
                .formatted(path));
      }
      if (attributes.size() == 0) {
        throw new FinalFailure(
            "file: %s is empty (0 bytes); give a file with a header or rows".formatted(path));
      }
      return read(path, attributes);
    } catch (NoSuchFileException e) {
      throw new FinalFailure(
          "file: %s does not exist on this node; put the file there and rerun the task: it goes on where it stopped. Or submit anew with the right path"
              .formatted(path),
          e);
    } catch (AccessDeniedException e) {
      throw new FinalFailure(
          "file: %s may not be read by the user that Batchyard runs as; give that user the right to read it (chmod, chown), then rerun the task: it goes on where it stopped"
              .formatted(path),
          e);
    } catch (FileSystemException e) {
      for (String wrong : PATH_IS_WRONG) {
        if (String.valueOf(e.getReason()).startsWith(wrong)) {
          throw new FinalFailure(
              "file: %s cannot be opened (%s); check the path".formatted(path, wrong), e);
        }
      }
      throw unreadable(path, e);
    }
  }

  /** What disk or network did may pass: the task is tried again. */
  static IOException unreadable(Path path, IOException e) {
    return new IOException(
        "file: %s cannot be read (%s); look at its disk or network; the next attempt goes on where it stopped, and so does a rerun"
            .formatted(path, e instanceof FileSystemException f ? f.getReason() : e.getMessage()),
        e);
  }

  private static CsvFile read(Path path, BasicFileAttributes attributes) throws IOException {
    MessageDigest digest = sha256Digest();
    long firstHigh = -1;
    long offset = 0;
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      while (channel.read(buffer) >= 0) {
        buffer.flip();
        if (firstHigh < 0) {
          int at = firstHigh(buffer);
          firstHigh = at < 0 ? -1 : offset + at;
        }
        offset += buffer.limit();
        digest.update(buffer);
        buffer.clear();
      }
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw unreadable(path, e);
    }
    if (offset != attributes.size()) {
      throw new FinalFailure(
          "file: %s changed while it was read: %d bytes at first, then %d; rerun the task when the file is complete"
              .formatted(path, attributes.size(), offset));
    }
    return new CsvFile(
        path,
        offset,
        HexFormat.of().formatHex(digest.digest()),
        attributes.lastModifiedTime(),
        firstHigh);
  }

  private static MessageDigest sha256Digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static int firstHigh(ByteBuffer buffer) {
    int i = 0;
    for (; i + 8 <= buffer.limit(); i += 8) {
      if ((buffer.getLong(i) & HIGH_BITS) != 0) {
        break;
      }
    }
    for (; i < buffer.limit(); i++) {
      if (buffer.get(i) < 0) {
        return i;
      }
    }
    return -1;
  }

  /** {@return up to this many bytes from an offset on} */
  byte[] sample(long offset, int bytesMax) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(bytesMax, size_bytes - offset));
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.position(offset);
      while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
        // reads on until the sample is full or the file ends
      }
    }
    byte[] bytes = new byte[buffer.position()];
    buffer.flip().get(bytes);
    return bytes;
  }

  /**
   * Makes sure that the file is the one a position was taken from.
   *
   * @throws FinalFailure if its size or its bytes have changed since
   */
  public void requireUnchangedSince(CsvPosition position) {
    if (size_bytes != position.size_bytes()) {
      throw resized(position.size_bytes(), size_bytes);
    }
    if (!sha256.equals(position.sha256())) {
      throw changed("its SHA-256 was %s, now %s".formatted(position.sha256(), sha256));
    }
  }

  /**
   * Makes sure that nobody wrote to the file since {@link #of} looked at it. Asked before each
   * chunk is given: else rows of a changed file would be committed under the digest of the first
   * one.
   *
   * @throws FinalFailure if its size or time of change is another now, or it is gone
   */
  void requireUntouched() throws IOException {
    BasicFileAttributes now;
    try {
      now = Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw changed("it was taken away while it was read");
    }
    if (now.size() != size_bytes) {
      throw resized(size_bytes, now.size());
    }
    if (!now.lastModifiedTime().equals(modified)) {
      throw new FinalFailure(
          "file: %s was written to while it was read: changed at %s, now at %s. Rerun the task: if the content is still the same, it goes on where it stopped. Or submit anew"
              .formatted(path, modified, now.lastModifiedTime()));
    }
  }

  private FinalFailure resized(long first, long now) {
    return changed("its size was %d bytes, now %d".formatted(first, now));
  }

  /** {@return what to tell when the file ends before its size} */
  FinalFailure cutOff(long end) {
    return changed("its size was %d bytes, and it ended at byte %d".formatted(size_bytes, end));
  }

  private FinalFailure changed(String what) {
    return new FinalFailure(
        "file: %s is not the file that this import began with: %s. Put the first file back and rerun the task: it goes on where it stopped. Or submit anew"
            .formatted(path, what));
  }
}
