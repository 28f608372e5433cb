package dev.clipkl.engine.nd4j;

import dev.clipkl.driver.ComputeCapability;
import dev.clipkl.driver.VisibleDevices;
import java.util.List;

/**
 * Which of ND4J's backends may run, decided before any class of ND4J loads: ND4J itself asks only
 * whether there is a device, and a backend that fails at its start cannot be replaced in that JVM.
 *
 * @param useCuda whether nd4j-cuda runs; else nd4j-native
 * @param reason why the CUDA backend is not used though it is there; else empty
 */
public record BackendChoice(boolean useCuda, String reason) {
  /** nd4j-cuda-11.6 1.0.0-M2.1 has machine code from sm_37 to sm_86, which 8.9 runs, and no PTX. */
  static final ComputeCapability LEAST = new ComputeCapability(3, 7);

  /** See {@link #LEAST}. */
  static final ComputeCapability LARGEST = new ComputeCapability(8, 9);

  /**
   * Decides.
   *
   * @param driver the driver's answer
   * @param missingLibraries those of CUDA that nd4j-cuda links to and the machine lacks
   */
  static BackendChoice of(VisibleDevices driver, List<String> missingLibraries) {
    List<ComputeCapability> devices = driver.devices();
    if (devices.isEmpty()) {
      return new BackendChoice(false, driver.problem());
    }
    for (int i = 0; i < devices.size(); i++) {
      ComputeCapability device = devices.get(i);
      if (device.compareTo(LEAST) < 0 || device.compareTo(LARGEST) > 0) {
        // ND4J opens every visible device.
        return new BackendChoice(
            false,
            "device %d has compute capability %s, nd4j-cuda-11.6 has code for %s to %s"
                .formatted(i, device, LEAST, LARGEST));
      }
    }
    return missingLibraries.isEmpty()
        ? new BackendChoice(true, "")
        : new BackendChoice(
            false, "CUDA 11.6 is not installed: no " + String.join(", ", missingLibraries));
  }

  /** The choice where nd4j-cuda is not on the class path. */
  static BackendChoice withoutCuda() {
    return new BackendChoice(false, "");
  }
}
