package dev.clipkl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A piece of a device's memory, aligned to 256 bytes. */
public final class DeviceMemory extends CudaContext.Resource {
  private final DriverCalls calls;
  private final long address;
  private final long bytes;

  DeviceMemory(CudaContext context, long bytes) {
    super(context);
    calls = context.calls();
    this.bytes = bytes;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.JAVA_LONG);
      calls.call(DriverFunction.MEMORY_ALLOCATE, pointer, bytes);
      address = pointer.get(ValueLayout.JAVA_LONG, 0);
    }
    owned();
  }

  /** The device's address of its first byte. */
  public long address() {
    return address;
  }

  /** Its size. */
  public long bytes() {
    return bytes;
  }

  @Override
  void free() {
    calls.call(DriverFunction.MEMORY_FREE, address);
  }
}
