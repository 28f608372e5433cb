package dev.clipkl.driver;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Kernels that the driver has compiled for the device. */
public final class CudaModule extends CudaContext.Resource {
  private static final int ERROR_LOG_BUFFER = 5;
  private static final int ERROR_LOG_BYTES = 6;
  private static final int LOG_BYTES = 4096;

  private final DriverCalls calls;
  private final MemorySegment handle;
  private final String name;

  CudaModule(CudaContext context, String name, byte[] ptx) {
    super(context);
    calls = context.calls();
    this.name = name;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(ptx.length + 1L);
      MemorySegment.copy(ptx, 0, text, ValueLayout.JAVA_BYTE, 0, ptx.length);
      MemorySegment log = arena.allocate(LOG_BYTES);
      MemorySegment options =
          arena.allocateFrom(ValueLayout.JAVA_INT, ERROR_LOG_BUFFER, ERROR_LOG_BYTES);
      // An option's value takes the place of a pointer, whatever it is.
      MemorySegment values = arena.allocate(ValueLayout.ADDRESS, 2);
      values.setAtIndex(ValueLayout.ADDRESS, 0, log);
      values.setAtIndex(ValueLayout.ADDRESS, 1, MemorySegment.ofAddress(LOG_BYTES));
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      try {
        calls.call(DriverFunction.MODULE_LOAD, pointer, text, 2, options, values);
      } catch (DriverException e) {
        String words = log.getString(0, UTF_8).strip().replaceAll("\\s+", " ");
        throw new DriverException(e, words.isEmpty() ? name : name + ": " + words);
      }
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    owned();
  }

  /**
   * One of the module's kernels.
   *
   * @throws DriverException when it has none of this name
   */
  public CudaKernel kernel(String function) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      calls.call(DriverFunction.MODULE_GET_FUNCTION, pointer, handle, arena.allocateFrom(function));
      return new CudaKernel(calls, pointer.get(ValueLayout.ADDRESS, 0));
    } catch (DriverException e) {
      throw new DriverException(e, "%s in %s".formatted(function, name));
    }
  }

  @Override
  void free() {
    calls.call(DriverFunction.MODULE_UNLOAD, handle);
  }
}
