package dev.clipkl.table;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;

/**
 * What Linux is told about the pages of mapped files: which to read ahead, and which the process
 * needs no longer. Elsewhere nothing is told, and the operating system decides by itself: results
 * are the same, but a process may hold more of its files in memory.
 */
final class Pages {
  private static final int MADV_WILLNEED = 3;
  private static final int MADV_DONTNEED = 4;

  /** The kernel cuts what is read ahead by one call; 128 KiB is within its default everywhere. */
  private static final long READ_AHEAD_PIECE = 128L << 10;

  /** The most that Linux maps for one access: a large page, since 6.18 also of files. */
  private static final long FAULT_AROUND = 2L << 20;

  private record LinuxCalls(MethodHandle advise, long pageBytes) {}

  private static final Optional<LinuxCalls> LINUX = linux();

  private Pages() {}

  @SuppressWarnings("restricted") // Two functions of the C library, with their true signatures.
  private static Optional<LinuxCalls> linux() {
    if (!System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux")) {
      return Optional.empty();
    }
    try {
      Linker linker = Linker.nativeLinker();
      SymbolLookup library = linker.defaultLookup();
      MethodHandle pageSize =
          linker.downcallHandle(
              library.findOrThrow("getpagesize"), FunctionDescriptor.of(ValueLayout.JAVA_INT));
      MethodHandle advise =
          linker.downcallHandle(
              library.findOrThrow("madvise"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_INT));
      return Optional.of(new LinuxCalls(advise, (int) pageSize.invokeExact()));
    } catch (Throwable e) {
      // A JVM without native access, or another C library: files are mapped all the same.
      return Optional.empty();
    }
  }

  /** Has a part of a mapped file read from the disk, without waiting for it. */
  static void readAhead(MemorySegment mapped, long offset, long bytes) {
    long begin = mapped.address() + offset;
    for (long done = 0; done < bytes; done += READ_AHEAD_PIECE) {
      advise(mapped, begin + done, begin + Math.min(done + READ_AHEAD_PIECE, bytes), MADV_WILLNEED);
    }
  }

  /**
   * Takes a part of a mapped file out of this process's memory. Changes are kept: the pages are the
   * file's, and are mapped again by the next access. Memory that is no mapped file is left alone,
   * since its content would be lost.
   */
  static void drop(MemorySegment mapped, long offset, long bytes) {
    // An access maps the pages around it as well; what a neighbour still needs is mapped again.
    long begin = mapped.address() + offset;
    advise(
        mapped,
        Math.max(mapped.address(), begin - FAULT_AROUND),
        Math.min(mapped.address() + mapped.byteSize(), begin + bytes + FAULT_AROUND),
        MADV_DONTNEED);
  }

  private static void advise(MemorySegment mapped, long begin, long end, int advice) {
    if (LINUX.isEmpty() || !mapped.isMapped()) {
      return;
    }
    LinuxCalls calls = LINUX.get();
    // The kernel takes whole pages; those at both ends belong to the same file.
    long first = begin - begin % calls.pageBytes;
    try {
      int result = (int) calls.advise.invokeExact(first, end - first, advice);
      if (result != 0 && advice == MADV_DONTNEED) {
        throw new IllegalStateException("madvise refused %d bytes".formatted(end - first));
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("madvise", e);
    }
  }
}
