package dev.batchyard.app.config;

import dev.batchyard.store.server.CannotStart;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * The file {@code batchyard.yaml}: lines of the form {@code key: value}. Values are taken as they
 * are written: a password {@code 0123} stays what it is, and no object is ever made from a tag.
 *
 * @param path where it is, or would be
 */
record SettingsFile(Path path) {

  private static final int BYTES_MAX = 64 * 1024;
  private static final int DEPTH_MAX = 4;

  /**
   * {@return what it says; nothing if there is no such file}
   *
   * @throws CannotStart if it cannot be read or says what cannot be; never with a value from it
   */
  Map<Key, String> read() {
    Map<Key, String> found = new EnumMap<>(Key.class);
    if (!Files.exists(path)) {
      return found;
    }
    Node document = parse(text());
    if (document == null || document.getTag().equals(Tag.NULL)) {
      return found;
    }
    if (!(document instanceof MappingNode lines)) {
      throw wrong("must be lines of the form 'key: value'");
    }
    Set<String> seen = new HashSet<>();
    for (NodeTuple line : lines.getValue()) {
      String word = line.getKeyNode() instanceof ScalarNode name ? name.getValue() : "a list";
      Key key = key(word);
      if (!seen.add(word)) {
        throw wrong("key '%s' is there twice; keep one".formatted(word));
      }
      found.put(key, value(word, line.getValueNode()));
    }
    return found;
  }

  private Key key(String word) {
    Key key =
        Arrays.stream(Key.values())
            .filter(k -> k.word().equals(word))
            .findFirst()
            .orElseThrow(() ->
                Unknown.name(
                    path + ": key",
                    word,
                    Arrays.stream(Key.values())
                        .filter(Key::mayBeInFolder)
                        .map(Key::word)
                        .toList()));
    if (!key.mayBeInFolder()) {
      throw wrong(
          "'%s' cannot be set in a file that lies in the data folder itself; use --data or %s"
              .formatted(word, key.variable()));
    }
    return key;
  }

  private String value(String word, Node node) {
    if (!(node instanceof ScalarNode scalar)) {
      throw wrong("key '%s' must have one value, not a list or more keys".formatted(word));
    }
    if (scalar.getTag().equals(Tag.NULL) || scalar.getValue().isBlank()) {
      throw wrong("key '%s' has no value; give one, or delete the line".formatted(word));
    }
    return scalar.getValue();
  }

  private String text() {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(BYTES_MAX + 1);
      if (bytes.length > BYTES_MAX) {
        throw wrong("is larger than %d bytes; settings need less".formatted(BYTES_MAX));
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new CannotStart(path + ": is not UTF-8 text; save it as UTF-8", e);
    } catch (AccessDeniedException e) {
      throw new CannotStart(path + ": permission denied; give yourself the right to read it", e);
    } catch (IOException e) {
      throw new CannotStart(
          "%s: cannot be read (%s); it must be a text file"
              .formatted(path, OneLine.of(String.valueOf(e.getMessage()))),
          e);
    }
  }

  private @Nullable Node parse(String text) {
    LoaderOptions options = new LoaderOptions();
    options.setNestingDepthLimit(DEPTH_MAX);
    options.setCodePointLimit(BYTES_MAX);
    try {
      return new Yaml(options).compose(new java.io.StringReader(text));
    } catch (MarkedYAMLException e) {
      // its own text quotes the line, and an alias like *secret: either may be the password
      String where =
          e.getProblemMark() == null
              ? "its text"
              : "line %d, column %d"
                  .formatted(e.getProblemMark().getLine() + 1, e.getProblemMark().getColumn() + 1);
      throw new CannotStart(
          "%s: %s is not YAML of the form 'key: value'; put a value with special characters in quotes"
              .formatted(path, where));
    } catch (YAMLException e) {
      throw wrong(OneLine.of(String.valueOf(e.getMessage())) + "; write lines 'key: value'");
    }
  }

  private CannotStart wrong(String what) {
    return new CannotStart(path + ": " + what);
  }
}
