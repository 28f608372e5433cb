package dev.clipkl.table;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Available memory by Linux's own files: {@code /proc/meminfo} and control groups v1 and v2. */
final class LinuxMemory {
  /** Version 1 writes "unlimited" as the largest multiple of a page; nothing real comes near. */
  private static final long UNLIMITED = Long.MAX_VALUE >> 8;

  /** The names of a control group version's files, and its key for reclaimable file cache. */
  private enum Version {
    V1("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    V2("memory.max", "memory.current", "inactive_file");

    private final String limit;
    private final String usage;
    private final String inactiveFile;

    Version(String limit, String usage, String inactiveFile) {
      this.limit = limit;
      this.usage = usage;
      this.inactiveFile = inactiveFile;
    }
  }

  private LinuxMemory() {}

  /** The smallest of what there is; empty where the files of Linux are missing. */
  static Optional<MemoryBudget> available(Path root) {
    List<MemoryBudget> budgets = new ArrayList<>();
    for (String line : lines(root.resolve("proc/meminfo"))) {
      if (line.startsWith("MemAvailable:")) {
        Long kibibytes = number(line.replaceAll("\\D", ""));
        if (kibibytes != null) {
          budgets.add(new MemoryBudget(kibibytes * 1024, "MemAvailable"));
        }
      }
    }
    for (String line : lines(root.resolve("proc/self/cgroup"))) {
      // Lines are HIERARCHY:CONTROLLERS:PATH; version 2 has hierarchy 0 and no controllers.
      String[] fields = line.split(":", 3);
      if (fields.length == 3 && fields[0].equals("0") && fields[1].isEmpty()) {
        addGroups(root.resolve("sys/fs/cgroup"), fields[2], Version.V2, budgets);
      } else if (fields.length == 3 && List.of(fields[1].split(",", -1)).contains("memory")) {
        addGroups(root.resolve("sys/fs/cgroup/memory"), fields[2], Version.V1, budgets);
      }
    }
    return budgets.stream().min(Comparator.comparingLong(MemoryBudget::bytes));
  }

  /** The process's group and all groups above it: each limit holds for everything below. */
  private static void addGroups(
      Path mount, String group, Version version, List<MemoryBudget> budgets) {
    Path relative = Path.of(group.substring(Math.min(1, group.length())));
    // In a container the path may be the host's while the mount shows the container's own group.
    Path resolved = mount.resolve(relative).normalize();
    Path folder = resolved.startsWith(mount) ? resolved : mount;
    while (folder.startsWith(mount)) {
      addGroup(folder, version, budgets);
      folder = folder.resolve("..").normalize();
    }
  }

  private static void addGroup(Path folder, Version version, List<MemoryBudget> budgets) {
    Long limit = number(first(folder.resolve(version.limit)));
    Long usage = number(first(folder.resolve(version.usage)));
    if (limit == null || usage == null || limit > UNLIMITED) {
      return;
    }
    long reclaimable = 0;
    for (String line : lines(folder.resolve("memory.stat"))) {
      if (line.startsWith(version.inactiveFile + " ")) {
        Long bytes = number(line.substring(version.inactiveFile.length() + 1));
        reclaimable = bytes == null ? 0 : bytes;
      }
    }
    long used = Math.max(0, usage - reclaimable);
    budgets.add(
        new MemoryBudget(
            Math.max(0, limit - used), "control group limit " + ByteSize.format(limit)));
  }

  private static String first(Path file) {
    List<String> lines = lines(file);
    return lines.isEmpty() ? "" : lines.getFirst();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      return List.of();
    }
  }

  private static @Nullable Long number(String text) {
    try {
      return Long.valueOf(text.strip());
    } catch (NumberFormatException e) {
      return null;
    }
  }
}
