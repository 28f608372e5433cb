package dev.clipkl.driver;

import dev.clipkl.driver.DriverFunction.Shape;
import dev.clipkl.failure.EnvironmentException;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Calls of the driver's functions: the one place where they are bound.
 *
 * <p>A method handle belongs to a {@link Shape}, not to a function, so that handles are constants
 * for the JIT compiler while several libraries can be open. Functions are looked up when they are
 * first called: an old driver lacks some that only newer devices need.
 */
final class DriverCalls {
  private static final int LONGEST_WORDS = 512;

  private static final MethodHandle INT = handle(Shape.INT);
  private static final MethodHandle LONG = handle(Shape.LONG);
  private static final MethodHandle ADDRESS = handle(Shape.ADDRESS);
  private static final MethodHandle INT_ADDRESS = handle(Shape.INT_ADDRESS);
  private static final MethodHandle ADDRESS_INT = handle(Shape.ADDRESS_INT);
  private static final MethodHandle ADDRESS_LONG = handle(Shape.ADDRESS_LONG);
  private static final MethodHandle ADDRESS_ADDRESS = handle(Shape.ADDRESS_ADDRESS);
  private static final MethodHandle ADDRESS_INT_INT = handle(Shape.ADDRESS_INT_INT);
  private static final MethodHandle ADDRESS_LONG_INT = handle(Shape.ADDRESS_LONG_INT);
  private static final MethodHandle ADDRESS_ADDRESS_INT = handle(Shape.ADDRESS_ADDRESS_INT);
  private static final MethodHandle ADDRESS_ADDRESS_ADDRESS = handle(Shape.ADDRESS_ADDRESS_ADDRESS);
  private static final MethodHandle ADDRESS_ADDRESS_INT_LONG =
      handle(Shape.ADDRESS_ADDRESS_INT_LONG);
  private static final MethodHandle ADDRESS_ADDRESS_ADDRESS_ADDRESS =
      handle(Shape.ADDRESS_ADDRESS_ADDRESS_ADDRESS);
  private static final MethodHandle LONG_ADDRESS_LONG_ADDRESS =
      handle(Shape.LONG_ADDRESS_LONG_ADDRESS);
  private static final MethodHandle ADDRESS_LONG_LONG_ADDRESS =
      handle(Shape.ADDRESS_LONG_LONG_ADDRESS);
  private static final MethodHandle ADDRESS_ADDRESS_INT_ADDRESS_ADDRESS =
      handle(Shape.ADDRESS_ADDRESS_INT_ADDRESS_ADDRESS);
  private static final MethodHandle LAUNCH = handle(Shape.LAUNCH_PARAMETERS);

  private final String library;
  private final SymbolLookup lookup;
  private final Map<DriverFunction, MemorySegment> addresses = new ConcurrentHashMap<>();

  /**
   * Opens the driver's library; it stays open, as the driver has threads of its own.
   *
   * @param library a name for the system's loader, or a path
   * @throws EnvironmentException when it is not there
   */
  @SuppressWarnings("restricted") // The manifest grants native access.
  DriverCalls(String library) {
    this.library = library;
    try {
      lookup = SymbolLookup.libraryLookup(library, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new EnvironmentException("no NVIDIA driver (%s not found)".formatted(library), e);
    }
  }

  @SuppressWarnings("restricted") // The functions' true signatures.
  private static MethodHandle handle(Shape shape) {
    return Linker.nativeLinker().downcallHandle(shape.descriptor());
  }

  private MemorySegment address(DriverFunction function, Shape shape) {
    if (function.shape() != shape) {
      throw new IllegalArgumentException(
          "%s takes %s, got %s".formatted(function, function.shape(), shape));
    }
    return addresses.computeIfAbsent(
        function,
        f ->
            lookup
                .find(f.symbol())
                .orElseThrow(() ->
                    new EnvironmentException(
                        "the NVIDIA driver (%s) has no function %s: it is too old, or no driver"
                            .formatted(library, f.symbol()))));
  }

  private void check(DriverFunction function, int status) {
    if (status != 0) {
      throw new DriverException(
          function.symbol(),
          status,
          describe(DriverFunction.ERROR_NAME, status, "error " + status),
          describe(DriverFunction.ERROR_WORDS, status, "unknown to the driver"));
    }
  }

  /** The driver's name or words for an error. */
  @SuppressWarnings("restricted") // A pointer to a constant string of the driver.
  private String describe(DriverFunction function, int error, String otherwise) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(ValueLayout.ADDRESS);
      MemorySegment address = address(function, Shape.INT_ADDRESS);
      if ((int) INT_ADDRESS.invokeExact(address, error, text) != 0) {
        return otherwise;
      }
      return text.get(ValueLayout.ADDRESS, 0).reinterpret(LONGEST_WORDS).getString(0);
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  /** Only the linker's own failures come here: driver functions throw nothing. */
  private static RuntimeException unexpected(DriverFunction function, Throwable e) {
    return switch (e) {
      case RuntimeException runtime -> runtime;
      case Error error -> throw error;
      default -> new IllegalStateException(function.symbol(), e);
    };
  }

  void call(DriverFunction function, int first) {
    MemorySegment address = address(function, Shape.INT);
    try {
      check(function, (int) INT.invokeExact(address, first));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, long first) {
    MemorySegment address = address(function, Shape.LONG);
    try {
      check(function, (int) LONG.invokeExact(address, first));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first) {
    MemorySegment address = address(function, Shape.ADDRESS);
    try {
      check(function, (int) ADDRESS.invokeExact(address, first));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first, int second) {
    MemorySegment address = address(function, Shape.ADDRESS_INT);
    try {
      check(function, (int) ADDRESS_INT.invokeExact(address, first, second));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first, long second) {
    MemorySegment address = address(function, Shape.ADDRESS_LONG);
    try {
      check(function, (int) ADDRESS_LONG.invokeExact(address, first, second));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first, MemorySegment second) {
    MemorySegment address = address(function, Shape.ADDRESS_ADDRESS);
    try {
      check(function, (int) ADDRESS_ADDRESS.invokeExact(address, first, second));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first, int second, int third) {
    MemorySegment address = address(function, Shape.ADDRESS_INT_INT);
    try {
      check(function, (int) ADDRESS_INT_INT.invokeExact(address, first, second, third));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first, long second, int third) {
    MemorySegment address = address(function, Shape.ADDRESS_LONG_INT);
    try {
      check(function, (int) ADDRESS_LONG_INT.invokeExact(address, first, second, third));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(DriverFunction function, MemorySegment first, MemorySegment second, int third) {
    MemorySegment address = address(function, Shape.ADDRESS_ADDRESS_INT);
    try {
      check(function, (int) ADDRESS_ADDRESS_INT.invokeExact(address, first, second, third));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(
      DriverFunction function, MemorySegment first, MemorySegment second, MemorySegment third) {
    MemorySegment address = address(function, Shape.ADDRESS_ADDRESS_ADDRESS);
    try {
      check(function, (int) ADDRESS_ADDRESS_ADDRESS.invokeExact(address, first, second, third));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(
      DriverFunction function, MemorySegment first, MemorySegment second, int third, long fourth) {
    MemorySegment address = address(function, Shape.ADDRESS_ADDRESS_INT_LONG);
    try {
      check(
          function,
          (int) ADDRESS_ADDRESS_INT_LONG.invokeExact(address, first, second, third, fourth));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(
      DriverFunction function,
      MemorySegment first,
      MemorySegment second,
      MemorySegment third,
      MemorySegment fourth) {
    MemorySegment address = address(function, Shape.ADDRESS_ADDRESS_ADDRESS_ADDRESS);
    try {
      check(
          function,
          (int) ADDRESS_ADDRESS_ADDRESS_ADDRESS.invokeExact(address, first, second, third, fourth));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(
      DriverFunction function, long first, MemorySegment second, long third, MemorySegment fourth) {
    MemorySegment address = address(function, Shape.LONG_ADDRESS_LONG_ADDRESS);
    try {
      check(
          function,
          (int) LONG_ADDRESS_LONG_ADDRESS.invokeExact(address, first, second, third, fourth));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(
      DriverFunction function, MemorySegment first, long second, long third, MemorySegment fourth) {
    MemorySegment address = address(function, Shape.ADDRESS_LONG_LONG_ADDRESS);
    try {
      check(
          function,
          (int) ADDRESS_LONG_LONG_ADDRESS.invokeExact(address, first, second, third, fourth));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  void call(
      DriverFunction function,
      MemorySegment first,
      MemorySegment second,
      int third,
      MemorySegment fourth,
      MemorySegment fifth) {
    MemorySegment address = address(function, Shape.ADDRESS_ADDRESS_INT_ADDRESS_ADDRESS);
    try {
      check(
          function,
          (int)
              ADDRESS_ADDRESS_INT_ADDRESS_ADDRESS.invokeExact(
                  address, first, second, third, fourth, fifth));
    } catch (Throwable e) {
      throw unexpected(function, e);
    }
  }

  /** {@code cuLaunchKernel} with one-dimensional grid and block. */
  void launch(
      MemorySegment kernel,
      int grid,
      int block,
      int sharedBytes,
      MemorySegment stream,
      MemorySegment parameters) {
    MemorySegment address = address(DriverFunction.LAUNCH, Shape.LAUNCH_PARAMETERS);
    try {
      check(
          DriverFunction.LAUNCH,
          (int)
              LAUNCH.invokeExact(
                  address,
                  kernel,
                  grid,
                  1,
                  1,
                  block,
                  1,
                  1,
                  sharedBytes,
                  stream,
                  parameters,
                  MemorySegment.NULL));
    } catch (Throwable e) {
      throw unexpected(DriverFunction.LAUNCH, e);
    }
  }
}
