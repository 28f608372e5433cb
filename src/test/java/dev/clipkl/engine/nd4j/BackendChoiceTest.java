package dev.clipkl.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.driver.ComputeCapability;
import dev.clipkl.driver.VisibleDevices;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackendChoiceTest {
  @ParameterizedTest
  @CsvSource({
    "3, 0, false",
    "3, 5, false",
    "3, 7, true",
    "5, 0, true",
    "7, 5, true",
    "8, 0, true",
    "8, 6, true",
    "8, 9, true",
    "9, 0, false",
    "10, 0, false",
    "12, 0, false"
  })
  void onlyDevicesThatThereIsCodeForRunCuda(int major, int minor, boolean used) {
    BackendChoice choice =
        BackendChoice.of(devices(new ComputeCapability(major, minor)), List.of());
    assertThat(choice.useCuda()).isEqualTo(used);
    assertThat(choice.reason())
        .isEqualTo(
            used
                ? ""
                : "device 0 has compute capability %d.%d, nd4j-cuda-11.6 has code for 3.7 to 8.9"
                    .formatted(major, minor));
  }

  @Test
  void oneVisibleDeviceThatCannotRunHidesTheBackend() {
    BackendChoice choice =
        BackendChoice.of(
            devices(new ComputeCapability(8, 0), new ComputeCapability(9, 0)), List.of());
    assertThat(choice.useCuda()).isFalse();
    assertThat(choice.reason()).startsWith("device 1 has compute capability 9.0");
  }

  @Test
  void noDriverIsTheReason() {
    BackendChoice choice =
        BackendChoice.of(VisibleDevices.ask("libno-such-driver.so.1"), List.of("libcublas.so.11"));
    assertThat(choice)
        .isEqualTo(new BackendChoice(false, "no NVIDIA driver (libno-such-driver.so.1 not found)"));
  }

  @Test
  void missingLibrariesAreNamed() {
    assertThat(
            BackendChoice.of(
                devices(new ComputeCapability(8, 6)), List.of("libcublas.so.11", "libx.so")))
        .isEqualTo(
            new BackendChoice(false, "CUDA 11.6 is not installed: no libcublas.so.11, libx.so"));
  }

  @Test
  void libraryWithoutTheDriversFunctionsIsNoDriver() {
    VisibleDevices answer = VisibleDevices.ask("libc.so.6");
    assertThat(answer.devices()).isEmpty();
    assertThat(answer.problem()).isNotEmpty();
  }

  private static VisibleDevices devices(ComputeCapability... devices) {
    return new VisibleDevices(List.of(devices), "");
  }
}
