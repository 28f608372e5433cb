package dev.clipkl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A queue of copies and kernels, executed in order and beside other streams. */
public final class CudaStream extends CudaContext.Resource {
  private static final int NON_BLOCKING = 1;

  private final DriverCalls calls;
  private final MemorySegment handle;

  CudaStream(CudaContext context) {
    super(context);
    calls = context.calls();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      calls.call(DriverFunction.STREAM_CREATE, pointer, NON_BLOCKING);
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    owned();
  }

  MemorySegment handle() {
    return handle;
  }

  /**
   * Copies to the device, without waiting for it.
   *
   * @param source page-locked, unchanged until the copy is done; its size is what is copied
   * @param destination device address
   */
  public void copyToDevice(MemorySegment source, long destination) {
    calls.call(DriverFunction.COPY_TO_DEVICE, destination, source, source.byteSize(), handle);
  }

  /**
   * Copies to the host, without waiting for it.
   *
   * @param source device address
   * @param destination page-locked; its size is what is copied
   */
  public void copyToHost(long source, MemorySegment destination) {
    calls.call(DriverFunction.COPY_TO_HOST, destination, source, destination.byteSize(), handle);
  }

  /** Puts an event after all that is in the queue. */
  public void record(CudaEvent event) {
    calls.call(DriverFunction.EVENT_RECORD, event.handle(), handle);
  }

  /** Lets what follows in this queue wait for an event of another one. */
  public void waitFor(CudaEvent event) {
    calls.call(DriverFunction.STREAM_WAIT_EVENT, handle, event.handle(), 0);
  }

  /** Waits until the queue is empty; errors of kernels come out here. */
  public void synchronize() {
    calls.call(DriverFunction.STREAM_SYNCHRONIZE, handle);
  }

  @Override
  void free() {
    calls.call(DriverFunction.STREAM_DESTROY, handle);
  }
}
