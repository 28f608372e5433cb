package dev.clipkl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A device's primary context, and the owner of everything made in it: closing it frees what is
 * left, the newest first.
 *
 * <p>For one thread at a time; another thread calls {@link #makeCurrent} first.
 */
public final class CudaContext implements AutoCloseable {
  private final DriverCalls calls;
  private final CudaDevice device;
  private final int deviceHandle;
  private final MemorySegment handle;
  private final Deque<Resource> resources = new ArrayDeque<>();

  /** Something of the driver's that has to be given back, once. */
  abstract static class Resource implements AutoCloseable {
    private final CudaContext context;
    private boolean closed;

    Resource(CudaContext context) {
      this.context = context;
    }

    /** Must follow the driver's success, so that nothing is freed that was never there. */
    final void owned() {
      context.resources.push(this);
    }

    abstract void free();

    @Override
    public final void close() {
      if (!closed) {
        closed = true;
        context.resources.remove(this);
        free();
      }
    }
  }

  CudaContext(DriverCalls calls, CudaDevice device, int deviceHandle) {
    this.calls = calls;
    this.device = device;
    this.deviceHandle = deviceHandle;
    handle = output(ValueLayout.ADDRESS, DriverFunction.PRIMARY_CONTEXT_RETAIN, deviceHandle);
    try {
      makeCurrent();
    } catch (RuntimeException e) {
      calls.call(DriverFunction.PRIMARY_CONTEXT_RELEASE, deviceHandle);
      throw e;
    }
  }

  private MemorySegment output(ValueLayout layout, DriverFunction function, int argument) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(layout);
      calls.call(function, pointer, argument);
      return pointer.get(ValueLayout.ADDRESS, 0);
    }
  }

  DriverCalls calls() {
    return calls;
  }

  /** The device. */
  public CudaDevice device() {
    return device;
  }

  /** Makes the calling thread's calls go to this context. */
  public void makeCurrent() {
    calls.call(DriverFunction.CONTEXT_SET_CURRENT, handle);
  }

  /** Bytes of device memory that nobody uses now. */
  public long freeBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
      calls.call(DriverFunction.MEMORY_GET_INFO, free, total);
      return free.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /**
   * Device memory; what it holds is arbitrary.
   *
   * @param bytes above 0
   * @throws DriverException when there is not as much
   */
  public DeviceMemory allocate(long bytes) {
    return new DeviceMemory(this, bytes);
  }

  /**
   * Page-locked host memory, which copies to and from the device need to run beside computation.
   *
   * @param bytes above 0
   * @throws DriverException when there is not as much
   */
  public PinnedMemory allocatePinned(long bytes) {
    return new PinnedMemory(this, bytes);
  }

  /** A queue of copies and kernels. */
  public CudaStream createStream() {
    return new CudaStream(this);
  }

  /** A point in a stream, to wait for. */
  public CudaEvent createEvent() {
    return new CudaEvent(this);
  }

  /**
   * Compiles PTX for the device; the driver keeps the result in a cache of its own.
   *
   * @param name for messages
   * @param ptx the text
   * @throws DriverException with the compiler's log
   */
  public CudaModule loadModule(String name, byte[] ptx) {
    return new CudaModule(this, name, ptx);
  }

  @Override
  public void close() {
    makeCurrent();
    try {
      while (!resources.isEmpty()) {
        resources.peek().close();
      }
    } finally {
      calls.call(DriverFunction.PRIMARY_CONTEXT_RELEASE, deviceHandle);
    }
  }
}
