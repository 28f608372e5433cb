package dev.clipkl.table;

import com.sun.management.OperatingSystemMXBean;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;

/**
 * The memory a run may use, to be compared with what it needs before anything is allocated.
 *
 * @param bytes the limit
 * @param source where the limit comes from, for messages
 */
public record MemoryBudget(long bytes, String source) {
  /** What {@link #parse} takes for {@link #detect}. */
  public static final String AUTO = "auto";

  /**
   * A part of what a run needs.
   *
   * @param name what it is, in a word or two
   * @param bytes its size
   */
  public record Item(String name, long bytes) {
    public Item {
      if (bytes < 0) {
        throw new IllegalArgumentException("%s: negative size %d".formatted(name, bytes));
      }
    }
  }

  /**
   * The memory available now: on Linux the smaller of {@code MemAvailable} and what the process's
   * control groups still allow, elsewhere the free memory the operating system reports.
   */
  public static MemoryBudget detect() {
    return LinuxMemory.available(Path.of("/"))
        .orElseGet(() ->
            ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                ? new MemoryBudget(system.getFreeMemorySize(), "free memory")
                : new MemoryBudget(Runtime.getRuntime().maxMemory(), "the Java heap's limit"));
  }

  /**
   * A budget by the user's word: {@code auto} for {@link #detect}, or a size such as {@code 6GB} or
   * {@code 512MiB}, which is taken as it is.
   *
   * @throws InputException if {@code text} is neither
   */
  public static MemoryBudget parse(String text) {
    if (text.strip().equals(AUTO)) {
      return detect();
    }
    long bytes =
        ByteSize.parse(text)
            .filter(size -> size > 0)
            .orElseThrow(() ->
                new InputException(
                    "memory: expected auto or a size such as 6GB or 512MiB, got " + text));
    return new MemoryBudget(bytes, "the given limit");
  }

  /**
   * Checks that the sum of {@code items} fits.
   *
   * @param remedy what the user can change when it does not
   * @throws EnvironmentException listing the items, their sum, this budget and the remedy
   */
  public void require(List<Item> items, String remedy) {
    long needed = sum(items);
    if (needed <= bytes) {
      return;
    }
    String parts =
        String.join(
            ", ",
            items.stream().map(item -> item.name() + " " + ByteSize.format(item.bytes())).toList());
    throw new EnvironmentException(
        "this run needs %s of memory (%s), %s are available (%s); %s"
            .formatted(ByteSize.format(needed), parts, ByteSize.format(bytes), source, remedy));
  }

  /** The bytes of all items together. */
  public static long sum(List<Item> items) {
    long sum = 0;
    for (Item item : items) {
      // Beyond 2^63 - 1 nothing fits anyway.
      sum = item.bytes() > Long.MAX_VALUE - sum ? Long.MAX_VALUE : sum + item.bytes();
    }
    return sum;
  }
}
