package dev.clipkl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A point in a stream: reached when all that was put before it is done. */
public final class CudaEvent extends CudaContext.Resource {
  private final DriverCalls calls;
  private final MemorySegment handle;

  CudaEvent(CudaContext context) {
    super(context);
    calls = context.calls();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      calls.call(DriverFunction.EVENT_CREATE, pointer, 0);
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    owned();
  }

  MemorySegment handle() {
    return handle;
  }

  /** Waits until the event's last record is reached; returns at once where it has none. */
  public void synchronize() {
    calls.call(DriverFunction.EVENT_SYNCHRONIZE, handle);
  }

  /** Seconds of device time from an earlier event to this one; both have been reached. */
  public double secondsSince(CudaEvent start) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment milliseconds = arena.allocate(ValueLayout.JAVA_FLOAT);
      calls.call(DriverFunction.EVENT_ELAPSED_TIME, milliseconds, start.handle, handle);
      return milliseconds.get(ValueLayout.JAVA_FLOAT, 0) * 1e-3;
    }
  }

  @Override
  void free() {
    calls.call(DriverFunction.EVENT_DESTROY, handle);
  }
}
