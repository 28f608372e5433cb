package dev.clipkl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Page-locked host memory. */
public final class PinnedMemory extends CudaContext.Resource {
  private final DriverCalls calls;
  private final MemorySegment segment;

  @SuppressWarnings("restricted") // The size is the one that the driver was asked for.
  PinnedMemory(CudaContext context, long bytes) {
    super(context);
    calls = context.calls();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      calls.call(DriverFunction.HOST_ALLOCATE, pointer, bytes, 0);
      segment = pointer.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
    }
    owned();
  }

  /** The memory, valid until this is closed. */
  public MemorySegment segment() {
    return segment;
  }

  @Override
  void free() {
    calls.call(DriverFunction.HOST_FREE, segment);
  }
}
