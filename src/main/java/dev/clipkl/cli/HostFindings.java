package dev.clipkl.cli;

import com.sun.management.OperatingSystemMXBean;
import dev.clipkl.table.ByteSize;
import dev.clipkl.table.MemoryBudget;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The JDK, the operating system, the processor and its memory. */
final class HostFindings {
  /** The demo's tables, its heap and the JVM itself. */
  private static final long SCARCE_MEMORY = 2L << 30;

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private HostFindings() {}

  static List<Finding> all() {
    return List.of(jdk(), operatingSystem(), processor(), memory());
  }

  private static Finding jdk() {
    String home = System.getProperty("java.home");
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("version", Runtime.version().toString());
    facts.put("vendor", System.getProperty("java.vendor"));
    facts.put("home", home);
    String detail = Version.jdk() + ", " + home;
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return Finding.missing(
          "jdk",
          detail + ", started without the module jdk.incubator.vector",
          "start clipkl with run.sh, or add --add-modules jdk.incubator.vector to the java command",
          facts);
    }
    return Finding.ok("jdk", detail, facts);
  }

  private static Finding operatingSystem() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", System.getProperty("os.name"));
    facts.put("version", System.getProperty("os.version"));
    facts.put("architecture", System.getProperty("os.arch"));
    return Finding.ok(
        "system", String.join(" ", facts.values().stream().map(Object::toString).toList()), facts);
  }

  private static Finding processor() {
    int threads = Runtime.getRuntime().availableProcessors();
    String model = cpuInfo("model name").orElse(System.getProperty("os.arch"));
    List<String> vectors =
        cpuInfo("flags").stream()
            .flatMap(flags -> Stream.of(flags.split(" ")))
            .filter(List.of("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512vl")::contains)
            .toList();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("model", model);
    facts.put("threads", threads);
    facts.put("vector_instructions", vectors);
    return Finding.ok(
        "processor",
        model
            + ", "
            + threads
            + (threads == 1 ? " thread" : " threads")
            + (vectors.isEmpty() ? "" : ", " + String.join(" ", vectors)),
        facts);
  }

  private static Finding memory() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long total = system.getTotalMemorySize();
    MemoryBudget available = MemoryBudget.detect();
    long heap = Runtime.getRuntime().maxMemory();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("total_bytes", total);
    facts.put("available_bytes", available.bytes());
    facts.put("available_by", available.source());
    facts.put("heap_limit_bytes", heap);
    String detail =
        "%s available (%s) of %s; the Java heap may grow to %s, tables live outside it"
            .formatted(
                ByteSize.format(available.bytes()),
                available.source(),
                ByteSize.format(total),
                ByteSize.format(heap));
    return available.bytes() < SCARCE_MEMORY
        ? Finding.warn(
            "memory",
            detail,
            "end other programs, or choose fewer prompts or a smaller vocabulary",
            facts)
        : Finding.ok("memory", detail, facts);
  }

  /** The first value of a key of Linux's /proc/cpuinfo; empty elsewhere. */
  private static Optional<String> cpuInfo(String key) {
    if (!Files.isReadable(CPU_INFO)) {
      return Optional.empty();
    }
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .map(line -> line.split("\\s*:\\s*", 2))
          .filter(pair -> pair.length == 2 && pair[0].equals(key))
          .map(pair -> pair[1])
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
