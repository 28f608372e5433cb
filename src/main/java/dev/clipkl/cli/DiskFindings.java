package dev.clipkl.cli;

import dev.clipkl.table.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Space for run directories. */
final class DiskFindings {
  /**
   * A checkpoint of 512 prompts at 200,000 tokens takes 0.4 GiB, and a new one exists beside it.
   */
  private static final long SCARCE = 2L << 30;

  private DiskFindings() {}

  /** Looks at a folder and, if it is there, at the folder {@code runs} in it. */
  static List<Finding> of(Path folder) {
    List<Finding> findings = new ArrayList<>();
    findings.add(space("disk", folder.toAbsolutePath()));
    Path runs = folder.resolve("runs").toAbsolutePath();
    if (Files.exists(runs)) {
      findings.add(space("disk for runs", runs));
    }
    return findings;
  }

  private static Finding space(String name, Path folder) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("path", folder.toString());
    String elsewhere = "choose another output folder with --out";
    long free;
    try {
      free = Files.getFileStore(folder).getUsableSpace();
    } catch (IOException e) {
      return Finding.warn(name, folder + ": " + e.getMessage(), elsewhere, facts);
    }
    boolean writable = Files.isDirectory(folder) && Files.isWritable(folder);
    facts.put("free_bytes", free);
    facts.put("writable", writable);
    String detail = ByteSize.format(free) + " free in " + folder;
    if (!writable) {
      return Finding.warn(name, detail + ", which is not a writable folder", elsewhere, facts);
    }
    if (free < SCARCE) {
      return Finding.warn(name, detail, "free some space, or " + elsewhere, facts);
    }
    return Finding.ok(name, detail, facts);
  }
}
