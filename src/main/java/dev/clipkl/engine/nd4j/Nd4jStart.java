package dev.clipkl.engine.nd4j;

import dev.clipkl.driver.VisibleDevices;
import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Properties;
import org.nd4j.common.config.ND4JClassLoading;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Finds ND4J and starts it, once per JVM.
 *
 * @param version of ND4J
 * @param choice of the backend
 */
public record Nd4jStart(String version, BackendChoice choice) {

  /**
   * Looks at the class path and, where the CUDA backend is on it, at the driver; loads no class of
   * ND4J.
   *
   * @throws EnvironmentException when there is no machine code for this host
   */
  public static Nd4jStart find() {
    ClassLoader loader = Nd4jStart.class.getClassLoader();
    String version = version(loader);
    String platform = platform();
    String bindings = "org/nd4j/linalg/cpu/nativecpu/bindings/" + platform + "/";
    if (loader.getResource(bindings + System.mapLibraryName("nd4jcpu")) == null) {
      throw new EnvironmentException(
          "the engine nd4j needs nd4j-native for %s, which ND4J %s has for linux-x86_64 and macosx-x86_64 only: set run.engine to auto"
              .formatted(platform, version));
    }
    return new Nd4jStart(
        version,
        HiddenCuda.isIn(loader)
            ? BackendChoice.of(VisibleDevices.ask(), CudaLibraries.missing())
            : BackendChoice.withoutCuda());
  }

  /** The version that the library's own metadata name. */
  private static String version(ClassLoader loader) {
    try (InputStream in =
        loader.getResourceAsStream("META-INF/maven/org.nd4j/nd4j-native/pom.properties")) {
      if (in == null) {
        throw new EnvironmentException(
            "the engine nd4j needs nd4j-native, which is not on the class path: start clipkl by"
                + " run.sh, or set run.engine to auto");
      }
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version", "unknown");
    } catch (IOException e) {
      throw new EnvironmentException("the engine nd4j cannot read its version: " + e, e);
    }
  }

  /** The host in JavaCPP's words. */
  private static String platform() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String architecture = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    String name =
        system.startsWith("mac")
            ? "macosx"
            : system.startsWith("windows") ? "windows" : system.replace(' ', '-');
    return name
        + "-"
        + switch (architecture) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64" -> "arm64";
          default -> architecture;
        };
  }

  /** One line: ND4J's version, the backend, and why it is not CUDA where that was wanted. */
  public String description() {
    String backend = choice.useCuda() ? "nd4j-cuda-11.6" : "nd4j-native";
    return choice.reason().isEmpty()
        ? "%s %s".formatted(backend, version)
        : "%s %s (the CUDA backend is hidden: %s)".formatted(backend, version, choice.reason());
  }

  /**
   * Starts ND4J; takes half a second or more, and unpacks its machine code (320 MB) into the user's
   * cache the first time.
   *
   * @throws EnvironmentException when it does not start
   */
  public void start(int threads) {
    // Off-heap limits that JavaCPP would take from the Java heap's: a batch has its own budget, and
    // tables beside it may fill the machine. 0 is no limit.
    setUnlessSet("org.bytedeco.javacpp.maxbytes", "0");
    setUnlessSet("org.bytedeco.javacpp.maxphysicalbytes", "0");
    setUnlessSet("org.nd4j.log.initialization", "false");
    try {
      if (!choice.useCuda()) {
        ND4JClassLoading.setNd4jClassloader(new HiddenCuda(Nd4jStart.class.getClassLoader()));
      }
      Nd4j.getEnvironment().setMaxMasterThreads(threads);
      Nd4j.getEnvironment().setMaxThreads(threads);
    } catch (RuntimeException | LinkageError e) {
      Throwable root = e;
      while (root.getCause() != null) {
        root = root.getCause();
      }
      throw new EnvironmentException(
          "the engine nd4j does not start (%s: %s): set run.engine to auto, or see --debug"
              .formatted(description(), String.valueOf(root).lines().findFirst().orElse("")),
          e);
    }
  }

  private static void setUnlessSet(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
