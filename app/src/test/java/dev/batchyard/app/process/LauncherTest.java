package dev.batchyard.app.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.Deflater;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The start script, with a Maven that takes no minute: it writes over the jar that it made before,
 * as the real one does.
 */
final class LauncherTest {

  private static final long END_MAX_S = 60;

  @TempDir private Path home;

  /** Waits for a line, then needs a class that it has not loaded yet. */
  static final class Program {

    private Program() {}

    static void main() throws IOException {
      IO.println("runs");
      if (System.in.read() >= 0) {
        Later.say();
      }
    }
  }

  /** Loaded late. */
  static final class Later {

    private Later() {}

    static void say() {
      IO.println("goes on");
    }
  }

  @BeforeEach
  void make_a_home() throws IOException {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(root.resolve(".mvn"))) {
      root = Objects.requireNonNull(root.getParent(), "no folder with .mvn above this one");
    }
    for (String file : new String[] {"batchyard", "scripts/jdk.sh", "app/pom.xml"}) {
      Files.createDirectories(home.resolve(file).getParent());
      Files.copy(root.resolve(file), home.resolve(file));
    }
    Files.writeString(home.resolve("pom.xml"), "<project/>");
    Path maven = home.resolve("bin/mvn");
    Files.createDirectories(maven.getParent());
    Files.writeString(
        maven,
        """
        #!/usr/bin/env bash
        set -eu
        folder=app/target/$(sed -n 's:.*<outputDirectory>${project.build.directory}/\\([a-z]*\\)<.*:\\1:p' app/pom.xml)
        mkdir -p "$folder"
        cat next.jar > "$folder/batchyard.jar"
        echo built >> builds
        if [ -e saves ]; then # a source, by somebody, under the build: later than what came before
          rm saves
          touch before
          until [ pom.xml -nt before ]; do touch pom.xml; done
        fi
        """);
    assertThat(maven.toFile().setExecutable(true)).isTrue();
  }

  @Test
  void a_process_goes_on_while_the_jar_it_runs_from_is_built_anew() throws Exception {
    jar(0);
    Process first = start();
    try (BufferedReader out = reader(first)) {
      assertThat(out.readLine()).isEqualTo("runs");
      jar(100_000);
      Path jar = home.resolve("app/target/dist/batchyard.jar");
      FileTime built = Files.getLastModifiedTime(jar);
      Files.setLastModifiedTime(
          home.resolve("pom.xml"), FileTime.fromMillis(built.toMillis() + 1_000));

      Process second = start();
      second.getOutputStream().close();
      try (BufferedReader other = reader(second)) {
        assertThat(other.readAllLines()).containsExactly("runs");
      }
      assertThat(Files.size(jar)).as("the new jar").isGreaterThan(100_000);

      try (OutputStream in = first.getOutputStream()) {
        in.write('\n');
      }
      assertThat(out.readAllLines()).containsExactly("goes on");
      assertThat(first.waitFor(END_MAX_S, TimeUnit.SECONDS)).isTrue();
      assertThat(first.exitValue()).isZero();
    } finally {
      first.destroyForcibly();
    }
  }

  @Test
  void a_source_that_is_saved_during_a_build_is_built_at_the_next_start() throws Exception {
    jar(0);
    Files.createFile(home.resolve("saves"));
    for (int builds : new int[] {1, 2, 2}) {
      Process process = start();
      process.getOutputStream().close();
      try (BufferedReader out = reader(process)) {
        assertThat(out.readAllLines()).containsExactly("runs");
      }
      assertThat(Files.readAllLines(home.resolve("builds"))).hasSize(builds);
    }
  }

  private Process start() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(home.resolve("batchyard").toString())
            .redirectError(home.resolve("err").toFile());
    Map<String, String> environment = builder.environment();
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("PATH", home.resolve("bin") + ":" + environment.get("PATH"));
    return builder.start();
  }

  private static BufferedReader reader(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** A jar whose classes come after so many bytes, so that no two builds have them in one place. */
  private void jar(int padding) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Program.class.getName());
    try (JarOutputStream jar =
        new JarOutputStream(Files.newOutputStream(home.resolve("next.jar")), manifest)) {
      jar.setLevel(Deflater.NO_COMPRESSION);
      jar.putNextEntry(new JarEntry("padding"));
      jar.write(new byte[padding]);
      for (Class<?> type : new Class<?>[] {Program.class, Later.class}) {
        String name = type.getName().replace('.', '/') + ".class";
        jar.putNextEntry(new JarEntry(name));
        try (InputStream in =
            Objects.requireNonNull(type.getClassLoader().getResourceAsStream(name))) {
          in.transferTo(jar);
        }
      }
    }
  }
}
