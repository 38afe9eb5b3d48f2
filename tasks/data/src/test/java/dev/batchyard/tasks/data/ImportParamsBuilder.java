package dev.batchyard.tasks.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Parameters with a few of them given. */
final class ImportParamsBuilder {
  private final String file;
  private final String table;
  private Optional<Boolean> create = Optional.empty();
  private Optional<String> delimiter = Optional.empty();
  private Optional<String> quote = Optional.empty();
  private Optional<String> encoding = Optional.empty();
  private Optional<Boolean> header = Optional.empty();
  private Optional<List<String>> columns = Optional.empty();
  private Optional<Map<String, String>> types = Optional.empty();
  private Optional<String> nullText = Optional.empty();
  private Optional<Integer> chunkRows = Optional.empty();
  private Optional<Long> rejectsMax = Optional.empty();

  private ImportParamsBuilder(String file, String table) {
    this.file = file;
    this.table = table;
  }

  static ImportParamsBuilder of(Path file, String table) {
    return new ImportParamsBuilder(file.toString(), table);
  }

  static ImportParamsBuilder of(String file, String table) {
    return new ImportParamsBuilder(file, table);
  }

  ImportParamsBuilder create() {
    create = Optional.of(true);
    return this;
  }

  ImportParamsBuilder delimiter(String value) {
    delimiter = Optional.of(value);
    return this;
  }

  ImportParamsBuilder quote(String value) {
    quote = Optional.of(value);
    return this;
  }

  ImportParamsBuilder encoding(String value) {
    encoding = Optional.of(value);
    return this;
  }

  ImportParamsBuilder header(boolean value) {
    header = Optional.of(value);
    return this;
  }

  ImportParamsBuilder columns(String... names) {
    columns = Optional.of(List.of(names));
    return this;
  }

  ImportParamsBuilder types(Map<String, String> value) {
    types = Optional.of(value);
    return this;
  }

  ImportParamsBuilder nullText(String value) {
    nullText = Optional.of(value);
    return this;
  }

  ImportParamsBuilder chunkRows(int value) {
    chunkRows = Optional.of(value);
    return this;
  }

  ImportParamsBuilder rejectsMax(long value) {
    rejectsMax = Optional.of(value);
    return this;
  }

  ImportParams build() {
    return new ImportParams(
        file,
        table,
        create,
        delimiter,
        quote,
        encoding,
        header,
        columns,
        types,
        nullText,
        chunkRows,
        rejectsMax);
  }
}
