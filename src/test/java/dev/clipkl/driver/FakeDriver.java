package dev.clipkl.driver;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A {@code libcuda.so.1} without a GPU: the kernels compiled as host code, behind the driver's
 * functions. It is built once for a state of its sources, in a folder under {@code target}.
 *
 * <p>What the device pretends to be is set by environment variables, which the library reads
 * whenever it is initialised; an instance sets one and puts it back when closed.
 */
public final class FakeDriver implements AutoCloseable {
  private static final List<Path> SOURCES =
      List.of(Path.of("src", "main", "cuda"), Path.of("src", "test", "cuda"));

  private final List<Runnable> undo = new ArrayList<>();

  /** Capability of the device, such as 8.0. */
  public FakeDriver capability(String capability) {
    return set("CLIPKL_FAKE_CAPABILITY", capability);
  }

  /** Bytes of its memory. */
  public FakeDriver memory(long bytes) {
    return set("CLIPKL_FAKE_MEMORY", Long.toString(bytes));
  }

  /** How many devices there are. */
  public FakeDriver devices(int count) {
    return set("CLIPKL_FAKE_DEVICES", Integer.toString(count));
  }

  /** A function that fails, with an error's number after a colon if it is not to be 1. */
  public FakeDriver failing(String function) {
    return set("CLIPKL_FAKE_FAIL", function);
  }

  /** The order in which threads run: {@code forward}, {@code backward} or a seed. */
  public FakeDriver schedule(String schedule) {
    return set("CLIPKL_FAKE_SCHEDULE", schedule);
  }

  private FakeDriver set(String name, String value) {
    environment("setenv", name, value);
    undo.add(() -> environment("unsetenv", name, null));
    return this;
  }

  /** Makes this the machine's driver, for everything that asks for it by no path. */
  public FakeDriver asLibrary() {
    String before = System.getProperty(CudaDriver.LIBRARY_PROPERTY, CudaDriver.library());
    System.setProperty(CudaDriver.LIBRARY_PROPERTY, path());
    undo.add(() -> System.setProperty(CudaDriver.LIBRARY_PROPERTY, before));
    return this;
  }

  /** The library's path; skips the test where it cannot be built. */
  public String path() {
    return library().toString();
  }

  @Override
  public void close() {
    undo.forEach(Runnable::run);
  }

  /** Changes this process's environment, as native code sees it. */
  @SuppressWarnings("restricted") // Two functions of the C library, with their true signatures.
  private static void environment(String function, String name, @Nullable String value) {
    try (Arena arena = Arena.ofConfined()) {
      Linker linker = Linker.nativeLinker();
      MemorySegment address = linker.defaultLookup().findOrThrow(function);
      MethodHandle handle =
          linker.downcallHandle(
              address,
              value == null
                  ? FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS)
                  : FunctionDescriptor.of(
                      ValueLayout.JAVA_INT,
                      ValueLayout.ADDRESS,
                      ValueLayout.ADDRESS,
                      ValueLayout.JAVA_INT));
      MemorySegment key = arena.allocateFrom(name);
      int status =
          value == null
              ? (int) handle.invoke(key)
              : (int) handle.invoke(key, arena.allocateFrom(value), 1);
      if (status != 0) {
        throw new IllegalStateException(function + " " + name);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The library, built if it has not been; skips the test where there is no compiler, but not where
   * it fails.
   */
  public static synchronized Path library() {
    String compiler = System.getenv().getOrDefault("CXX", "g++");
    assumeTrue(
        System.getProperty("os.name").equals("Linux") && isOnPath(compiler),
        "no " + compiler + " on Linux: kernels cannot be compiled as host code");
    Path folder = Path.of("target", "cuda", digest().substring(0, 16)).toAbsolutePath();
    Path library = folder.resolve("libcuda.so.1");
    if (!Files.exists(library)) {
      build(folder);
    }
    return library;
  }

  private static void build(Path folder) {
    Path unfinished = folder.resolveSibling(folder.getFileName() + ".part");
    Path log = folder.resolveSibling(folder.getFileName() + ".log");
    try {
      Files.createDirectories(unfinished);
      int status =
          new ProcessBuilder("sh", "src/test/cuda/build.sh", unfinished.toString())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start()
              .waitFor();
      if (status != 0) {
        throw new IllegalStateException("src/test/cuda/build.sh: " + Files.readString(log));
      }
      // Last, so that a build that was interrupted is not taken for a finished one.
      Files.move(unfinished, folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static boolean isOnPath(String program) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  /** SHA-256 over names and contents of all sources. */
  private static String digest() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Path folder : SOURCES) {
        try (Stream<Path> files = Files.walk(folder)) {
          for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
            digest.update(file.toString().getBytes(StandardCharsets.UTF_8));
            digest.update(Files.readAllBytes(file));
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A function that the library exports for tests, {@code int name(arguments)}. */
  @SuppressWarnings("restricted") // The functions' true signatures.
  public static int export(String function, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      ValueLayout[] layouts = new ValueLayout[arguments.length];
      Object[] values = new Object[arguments.length];
      for (int i = 0; i < arguments.length; i++) {
        boolean isText = arguments[i] instanceof String;
        layouts[i] = isText ? ValueLayout.ADDRESS : ValueLayout.JAVA_INT;
        values[i] = isText ? arena.allocateFrom((String) arguments[i]) : arguments[i];
      }
      MemorySegment address =
          SymbolLookup.libraryLookup(library(), Arena.global()).findOrThrow(function);
      return (int)
          Linker.nativeLinker()
              .downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts))
              .invokeWithArguments(values);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
