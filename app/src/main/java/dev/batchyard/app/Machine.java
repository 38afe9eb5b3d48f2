package dev.batchyard.app;

import com.sun.management.OperatingSystemMXBean;
import dev.batchyard.engine.placement.Capacity;
import dev.batchyard.engine.placement.MachineUse;
import dev.batchyard.engine.port.NodeMetrics;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import oshi.hardware.CentralProcessor;
import oshi.hardware.GlobalMemory;
import oshi.nativefree.SystemInfo;
import oshi.software.os.CgroupInfo;

/**
 * The machine of this process, as OSHI reads it from {@code /proc}. Where a container limits
 * processors or memory, shares are of its limits; what others use of the machine counts too.
 */
final class Machine implements NodeMetrics {

  private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

  private static final long MIB = 1 << 20;

  /** Where a container sees what its memory is used for: version 2, then 1. */
  private static final List<Path> MEMORY_STATS =
      List.of(Path.of("/sys/fs/cgroup/memory.stat"), Path.of("/sys/fs/cgroup/memory/memory.stat"));

  /** File pages that nobody has looked at for long: the first thing that is given up. */
  private static final List<String> IDLE_PAGES = List.of("inactive_file ", "total_inactive_file ");

  private final Path folder;
  private final LongSupplier nanos;
  private Optional<Reader> reader = Optional.empty();
  private boolean failed;

  /**
   * Looks at the file system of a folder.
   *
   * @param nanos a ticker
   */
  Machine(Path folder, LongSupplier nanos) {
    this.folder = folder;
    this.nanos = nanos;
  }

  /** {@return what the machine gives to this process} */
  static Capacity capacity(Path folder) {
    long memory =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    long disk = 0;
    try {
      disk = Files.getFileStore(folder).getTotalSpace();
    } catch (IOException e) {
      LOG.warn("{}: its file system does not tell its size ({})", folder, e.getMessage());
    }
    return new Capacity(Runtime.getRuntime().availableProcessors(), memory / MIB, disk / MIB);
  }

  @Override
  public Optional<MachineUse> measure() {
    try {
      Reader open = reader.orElseGet(() -> new Reader(nanos));
      reader = Optional.of(open);
      Optional<MachineUse> use = open.read(Files.getFileStore(folder));
      failed = false;
      return use;
    } catch (IOException | RuntimeException e) {
      if (!failed) {
        LOG.warn("the machine cannot be measured ({}); trying again", e.toString());
      }
      failed = true;
      return Optional.empty();
    }
  }

  /** What is read again and again, and where it stood. */
  private static final class Reader {

    private final CentralProcessor processor;
    private final GlobalMemory memory;
    private final CgroupInfo container;
    private final LongSupplier nanos;
    private long[] ticks;
    private long containerCpuNs;
    private long readNs;

    Reader(LongSupplier nanos) {
      this.nanos = nanos;
      SystemInfo system = new SystemInfo();
      processor = system.getHardware().getProcessor();
      memory = system.getHardware().getMemory();
      container = system.getOperatingSystem().getCgroupInfo();
      ticks = processor.getSystemCpuLoadTicks();
      containerCpuNs = container.getCpuUsage();
      readNs = nanos.getAsLong();
    }

    /** {@return the use since the last call, or since this was made} */
    Optional<MachineUse> read(FileStore disk) throws IOException {
      long[] now = processor.getSystemCpuLoadTicks();
      double cpu = processor.getSystemCpuLoadBetweenTicks(ticks, now);
      ticks = now;
      double busiest = Math.max(cpu, containerCpu());
      double fullest = Math.max(1 - (double) memory.getAvailable() / memory.getTotal(), limited());
      double used = 1 - (double) disk.getUsableSpace() / Math.max(1, disk.getTotalSpace());
      return Optional.of(new MachineUse(share(busiest), share(fullest), share(used)));
    }

    private double containerCpu() {
      long usedNs = container.getCpuUsage();
      long nowNs = nanos.getAsLong();
      double cpus = container.getEffectiveCpus();
      double cpu =
          cpus > 0 && nowNs > readNs ? (usedNs - containerCpuNs) / (cpus * (nowNs - readNs)) : 0;
      containerCpuNs = usedNs;
      readNs = nowNs;
      return cpu;
    }

    private double limited() throws IOException {
      long limit = container.getMemoryLimit();
      return limit <= 0 || limit >= memory.getTotal()
          ? 0
          : (double) (container.getMemoryUsage() - idlePages()) / limit;
    }

    private static long idlePages() throws IOException {
      for (Path stats : MEMORY_STATS) {
        if (Files.isReadable(stats)) {
          return idlePages(Files.readAllLines(stats)).orElse(0);
        }
      }
      return 0;
    }

    private static OptionalLong idlePages(List<String> stats) {
      return stats.stream()
          .filter(line -> IDLE_PAGES.stream().anyMatch(line::startsWith))
          .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1).strip()))
          .max();
    }

    private static double share(double value) {
      return Double.isNaN(value) ? 0 : Math.clamp(value, 0, 1);
    }
  }
}
