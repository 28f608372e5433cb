package dev.clipkl.engine.nd4j;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Asks NVIDIA's driver which devices there are, through four functions of its library and without
 * any of CUDA's own: no context is made, and no driver is no error.
 */
final class CudaDriver {
  private static final int COMPUTE_CAPABILITY_MAJOR = 75;
  private static final int COMPUTE_CAPABILITY_MINOR = 76;

  private CudaDriver() {}

  /**
   * The driver's answer.
   *
   * @param devices visible devices, in the driver's order
   * @param problem why there are none; empty where there are some
   */
  record Answer(List<ComputeCapability> devices, String problem) {
    static Answer nothing(String problem) {
      return new Answer(List.of(), problem);
    }
  }

  /** Asks the driver of this machine. */
  static Answer ask() {
    boolean isWindows =
        System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows");
    return ask(isWindows ? "nvcuda.dll" : "libcuda.so.1");
  }

  /**
   * Asks the driver behind a library.
   *
   * @param library a name for the system's loader, or a path
   */
  @SuppressWarnings("restricted") // The manifest grants native access.
  static Answer ask(String library) {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup driver = SymbolLookup.libraryLookup(library, arena);
      return devices(driver, arena);
    } catch (IllegalArgumentException e) {
      return Answer.nothing("no NVIDIA driver (" + library + " not found)");
    }
  }

  private static Answer devices(SymbolLookup driver, Arena arena) {
    MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
    int status = call(driver, "cuInit", 0);
    if (status != 0) {
      return Answer.nothing(
          "the NVIDIA driver does not start (cuInit: error %d)".formatted(status));
    }
    status = call(driver, "cuDeviceGetCount", number);
    int count = number.get(ValueLayout.JAVA_INT, 0);
    if (status != 0 || count < 1) {
      return Answer.nothing("the NVIDIA driver shows no device");
    }
    List<ComputeCapability> devices = new ArrayList<>();
    for (int ordinal = 0; ordinal < count; ordinal++) {
      status = call(driver, "cuDeviceGet", number, ordinal);
      int device = number.get(ValueLayout.JAVA_INT, 0);
      int[] capability = new int[2];
      int[] attributes = {COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR};
      for (int i = 0; i < attributes.length && status == 0; i++) {
        status = call(driver, "cuDeviceGetAttribute", number, attributes[i], device);
        capability[i] = number.get(ValueLayout.JAVA_INT, 0);
      }
      if (status != 0) {
        return Answer.nothing(
            "the NVIDIA driver does not describe device %d (error %d)".formatted(ordinal, status));
      }
      devices.add(new ComputeCapability(capability[0], capability[1]));
    }
    return new Answer(devices, "");
  }

  /** Calls {@code CUresult function(arguments)}; arguments are ints and addresses. */
  @SuppressWarnings("restricted")
  private static int call(SymbolLookup driver, String function, Object... arguments) {
    ValueLayout[] layouts = new ValueLayout[arguments.length];
    for (int i = 0; i < layouts.length; i++) {
      layouts[i] =
          arguments[i] instanceof MemorySegment ? ValueLayout.ADDRESS : ValueLayout.JAVA_INT;
    }
    MemorySegment address =
        driver
            .find(function)
            .orElseThrow(() -> new IllegalArgumentException("no function " + function));
    MethodHandle handle =
        Linker.nativeLinker()
            .downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts));
    try {
      return (int) handle.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(function + " cannot be called", e);
    }
  }
}
