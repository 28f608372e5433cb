package dev.clipkl.driver;

import dev.clipkl.failure.EnvironmentException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * NVIDIA's driver, started. Which devices it shows is decided by the environment variable {@code
 * CUDA_VISIBLE_DEVICES}, which it reads itself.
 */
public final class CudaDriver {
  /** The system property that names another library; for developers. */
  public static final String LIBRARY_PROPERTY = "clipkl.cuda-library";

  private final DriverCalls calls;
  private final int version;
  private final List<CudaDevice> devices;

  private CudaDriver(String library) {
    calls = new DriverCalls(library);
    calls.call(DriverFunction.INIT, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      calls.call(DriverFunction.DRIVER_GET_VERSION, number);
      version = number.get(ValueLayout.JAVA_INT, 0);
      calls.call(DriverFunction.DEVICE_GET_COUNT, number);
      int count = number.get(ValueLayout.JAVA_INT, 0);
      devices =
          IntStream.range(0, count).mapToObj(ordinal -> new CudaDevice(calls, ordinal)).toList();
    }
  }

  /**
   * Opens this machine's driver.
   *
   * @throws EnvironmentException when there is none, or it does not start; a machine without a
   *     device may be either
   */
  public static CudaDriver open() {
    return open(library());
  }

  /**
   * Opens the driver behind a library.
   *
   * @param library a name for the system's loader, or a path
   * @throws EnvironmentException see {@link #open()}
   */
  public static CudaDriver open(String library) {
    return new CudaDriver(library);
  }

  /** The library of this machine's driver. */
  public static String library() {
    boolean isWindows =
        System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows");
    return System.getProperty(LIBRARY_PROPERTY, isWindows ? "nvcuda.dll" : "libcuda.so.1");
  }

  /** The newest CUDA that the driver knows, such as 13.0. */
  public String version() {
    return "%d.%d".formatted(version / 1000, version % 1000 / 10);
  }

  /** The visible devices in the driver's order; maybe none. */
  public List<CudaDevice> devices() {
    return devices;
  }
}
