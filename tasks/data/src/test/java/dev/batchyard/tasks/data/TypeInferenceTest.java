package dev.batchyard.tasks.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.tasks.data.csv.CsvFile;
import dev.batchyard.tasks.data.csv.CsvLayout;
import dev.batchyard.tasks.data.jdbc.TableName;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The type that a column of a new table gets from its values. */
final class TypeInferenceTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          1 -2 9223372036854775807 | bigint
          1 9223372036854775808    | numeric
          1.5 2                    | numeric
          1e5 2                    | double precision
          007 12                   | text
          true FALSE               | boolean
          t f t                    | boolean
          F F F                    | text
          t t                      | text
          t x f                    | text
          true f                   | text
          NO NO                    | text
          2024-02-29 2025/3/1      | date
          2024-02-30               | text
          2024-02-29T10:00:00      | timestamp
          2024-02-29T10:00:00Z     | timestamp with time zone
          甲 乙                     | text
          """)
  void of_values(String values, String type) throws Exception {
    Path file = folder.resolve("values.csv");
    Files.writeString(file, "a,b\n" + values.strip().replaceAll("(\\S+)\\s*", "$1,x\n"));
    CsvLayout layout = CsvLayout.of(CsvFile.of(file), ImportParams.of("/f", "t").options());
    ImportPlan plan = ImportPlan.creating(TableName.of("t"), layout, Map.of(), "");
    assertThat(plan.target().createColumns().getFirst()).endsWith(" " + type.strip());
  }
}
