package dev.batchyard.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {

  @TempDir private Path folder;

  @Test
  void a_program_that_computes_on_all_processors_shows() throws InterruptedException {
    Machine machine = new Machine(folder, System::nanoTime);
    MachineUse calm = machine.measure().orElseThrow();
    compute(Duration.ofSeconds(1));
    MachineUse busy = machine.measure().orElseThrow();
    assertThat(busy.cpu()).isGreaterThan(0.8).isGreaterThan(calm.cpu() - 0.1);
  }

  @Test
  void memory_and_disk_are_neither_empty_nor_full() {
    MachineUse use = new Machine(folder, System::nanoTime).measure().orElseThrow();
    assertThat(use.memory()).isStrictlyBetween(0.0, 1.0);
    assertThat(use.disk()).isStrictlyBetween(0.0, 1.0);
  }

  @Test
  void a_machine_that_cannot_be_measured_is_no_error() {
    assertThat(new Machine(folder.resolve("gone"), System::nanoTime).measure()).isEmpty();
    assertThat(Machine.capacity(folder.resolve("gone")).diskMib()).isZero();
  }

  @Test
  void what_the_machine_has_is_that_of_this_process() {
    Capacity capacity = Machine.capacity(folder);
    assertThat(capacity.cores()).isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(capacity.memoryMib()).isGreaterThan(Runtime.getRuntime().maxMemory() >> 20);
    assertThat(capacity.diskMib()).isPositive();
  }

  private static void compute(Duration span) throws InterruptedException {
    long fromNs = System.nanoTime();
    List<Thread> threads =
        IntStream.range(0, Runtime.getRuntime().availableProcessors())
            .mapToObj(_ ->
                Thread.ofPlatform()
                    .daemon()
                    .start(() -> {
                      long sum = 0;
                      while (System.nanoTime() - fromNs < span.toNanos()) {
                        sum += Stream.of(sum).count();
                      }
                    }))
            .toList();
    for (Thread each : threads) {
      each.join();
    }
  }
}
