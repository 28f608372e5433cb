package dev.clipkl.driver;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One of a driver's devices. */
public final class CudaDevice {
  private static final int LONGEST_NAME = 256;

  private final DriverCalls calls;
  private final int ordinal;
  private final int handle;

  /** What can be asked of a device, by the driver's number. */
  public enum Attribute {
    MULTIPROCESSORS(16),
    CAPABILITY_MAJOR(75),
    CAPABILITY_MINOR(76),
    /** Most bytes of shared memory that a block can ask for. */
    MOST_SHARED_BYTES(97);

    private final int number;

    Attribute(int number) {
      this.number = number;
    }
  }

  CudaDevice(DriverCalls calls, int ordinal) {
    this.calls = calls;
    this.ordinal = ordinal;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      calls.call(DriverFunction.DEVICE_GET, number, ordinal);
      handle = number.get(ValueLayout.JAVA_INT, 0);
    }
  }

  /** Its place among the visible devices, from 0. */
  public int ordinal() {
    return ordinal;
  }

  /** Its name, such as {@code NVIDIA H200}. */
  public String name() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(LONGEST_NAME);
      calls.call(DriverFunction.DEVICE_GET_NAME, text, LONGEST_NAME, handle);
      return text.getString(0, UTF_8);
    }
  }

  /** Its compute capability. */
  public ComputeCapability capability() {
    return new ComputeCapability(
        attribute(Attribute.CAPABILITY_MAJOR), attribute(Attribute.CAPABILITY_MINOR));
  }

  /** One of its numbers. */
  public int attribute(Attribute attribute) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      calls.call(DriverFunction.DEVICE_GET_ATTRIBUTE, number, attribute.number, handle);
      return number.get(ValueLayout.JAVA_INT, 0);
    }
  }

  /** Bytes of its memory, whoever uses it. */
  public long memoryBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_LONG);
      calls.call(DriverFunction.DEVICE_TOTAL_MEMORY, number, handle);
      return number.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** Its primary context, current in the calling thread; takes some tenths of a second. */
  public CudaContext openContext() {
    return new CudaContext(calls, this, handle);
  }
}
