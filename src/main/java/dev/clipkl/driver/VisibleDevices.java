package dev.clipkl.driver;

import dev.clipkl.failure.EnvironmentException;
import java.util.List;

/**
 * Which devices NVIDIA's driver shows, asked without making a context; no driver is no error.
 *
 * @param devices their capabilities, in the driver's order
 * @param problem why there are none; empty where there are some
 */
public record VisibleDevices(List<ComputeCapability> devices, String problem) {

  /** Asks the driver of this machine. */
  public static VisibleDevices ask() {
    return ask(CudaDriver.library());
  }

  /**
   * Asks the driver behind a library.
   *
   * @param library a name for the system's loader, or a path
   */
  public static VisibleDevices ask(String library) {
    try {
      List<ComputeCapability> devices =
          CudaDriver.open(library).devices().stream().map(CudaDevice::capability).toList();
      return new VisibleDevices(
          devices, devices.isEmpty() ? "the NVIDIA driver shows no device" : "");
    } catch (EnvironmentException e) {
      return new VisibleDevices(List.of(), e.getMessage());
    }
  }
}
