package dev.clipkl.table;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Large zeroed memory from the C library's {@code calloc}, which takes fresh pages from the
 * operating system without touching them. {@link Arena#allocate} writes every byte in one thread,
 * which takes seconds for gigabytes; here threads touch the pages that they fill.
 */
@SuppressWarnings("restricted") // The manifest grants native access.
final class ZeroedMemory {
  /** Less is not worth the call: the C library would fill it itself. */
  private static final long LEAST_BYTES = 1L << 20;

  private static final MethodHandle CALLOC =
      function(
          "calloc",
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  private static final MethodHandle FREE =
      function("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

  private ZeroedMemory() {}

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }

  /**
   * Zeroed memory that lives as long as its arena.
   *
   * @param alignment a power of two
   * @throws OutOfMemoryError if there is not as much
   */
  static MemorySegment allocate(Arena arena, long bytes, long alignment) {
    if (bytes < LEAST_BYTES) {
      return arena.allocate(bytes, alignment);
    }
    MemorySegment start = calloc(bytes + alignment);
    MemorySegment all = start.reinterpret(bytes + alignment, arena, memory -> free(start));
    return all.asSlice(-start.address() & (alignment - 1), bytes, alignment);
  }

  private static MemorySegment calloc(long bytes) {
    MemorySegment start;
    try {
      start = (MemorySegment) CALLOC.invokeExact(bytes, 1L);
    } catch (Throwable e) {
      throw new IllegalStateException("calloc cannot be called", e);
    }
    if (start.equals(MemorySegment.NULL)) {
      throw new OutOfMemoryError("no %d bytes of memory for a table".formatted(bytes));
    }
    return start;
  }

  private static void free(MemorySegment start) {
    try {
      FREE.invokeExact(start);
    } catch (Throwable e) {
      throw new IllegalStateException("free cannot be called", e);
    }
  }
}
