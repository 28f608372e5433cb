package dev.clipkl.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.driver.FakeDriver;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.failure.EnvironmentException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every reason why there is no engine, in one line, and the device where there is one. */
class CudaProbeTest {
  private static final String NO_DRIVER = "libno-such-driver.so.1";

  @Test
  void noDriverIsFoundOutWithinAFifthOfASecond() {
    long start = System.nanoTime();
    try (CudaProbe probe = CudaProbe.run(NO_DRIVER)) {
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(200));
      assertUnusable(probe, "no NVIDIA driver (libno-such-driver.so.1 not found)");
      assertThatThrownBy(() -> new CudaEngine(probe, 1, ScalarOptimumSweeps::new))
          .isInstanceOf(EnvironmentException.class)
          .hasMessage(
              "the engine cuda cannot run here: no NVIDIA driver (libno-such-driver.so.1 not found):"
                  + " set run.engine to auto");
    }
  }

  @Test
  void libraryThatIsNoDriverIsNamed() {
    try (CudaProbe probe = CudaProbe.run("libc.so.6")) {
      assertUnusable(
          probe,
          "the NVIDIA driver (libc.so.6) has no function cuInit: it is too old, or no driver");
    }
  }

  @Test
  void driverWithoutADeviceIsNamed() {
    try (FakeDriver driver = new FakeDriver().devices(0);
        CudaProbe probe = CudaProbe.run(driver.path())) {
      assertThat(probe.isUsable()).isFalse();
      assertThat(probe.reason())
          .isIn(
              "the NVIDIA driver shows no device",
              "the NVIDIA driver: cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)");
    }
  }

  @Test
  void tooOldADeviceIsNamedWithItsCapability() {
    try (FakeDriver driver = new FakeDriver().capability("7.5");
        CudaProbe probe = CudaProbe.run(driver.path())) {
      assertThat(probe.isUsable()).isFalse();
      assertThat(probe.reason())
          .matches("device 0 \\(.+\\) has compute capability 7\\.5, expected 8\\.0 or newer");
    }
  }

  @Test
  void fullDeviceIsNamedWithItsMemory() {
    try (FakeDriver driver = new FakeDriver().memory(3L << 20);
        CudaProbe probe = CudaProbe.run(driver.path())) {
      assertThat(probe.isUsable()).isFalse();
      assertThat(probe.reason()).contains("has only 3.0 MiB of 3.0 MiB free of memory");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "cuInit:999, cuInit: error 999",
    "cuDeviceGetCount:3, cuDeviceGetCount: CUDA_ERROR_NOT_INITIALIZED",
    "cuDeviceGetAttribute, cuDeviceGetAttribute: CUDA_ERROR_INVALID_VALUE",
    "cuDevicePrimaryCtxRetain:2, cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY",
    "cuCtxSetCurrent:201, cuCtxSetCurrent: CUDA_ERROR_INVALID_CONTEXT",
    "cuMemGetInfo_v2:719, cuMemGetInfo_v2: CUDA_ERROR_LAUNCH_FAILED",
    "cuModuleLoadDataEx:218, cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX",
    "cuModuleGetFunction:500, cuModuleGetFunction: CUDA_ERROR_NOT_FOUND",
    "cuMemAlloc_v2:2, cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY",
    "cuMemHostAlloc:2, cuMemHostAlloc: CUDA_ERROR_OUT_OF_MEMORY",
    "cuStreamCreate, cuStreamCreate: CUDA_ERROR_INVALID_VALUE",
    "cuMemcpyHtoDAsync_v2:700, cuMemcpyHtoDAsync_v2: CUDA_ERROR_ILLEGAL_ADDRESS",
    "cuLaunchKernel:719, cuLaunchKernel: CUDA_ERROR_LAUNCH_FAILED",
    "cuStreamSynchronize:719, cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED",
  })
  void everyFunctionThatFailsIsNamedWithTheDriversWords(String failing, String reason) {
    try (FakeDriver driver = new FakeDriver().failing(failing);
        CudaProbe probe = CudaProbe.run(driver.path())) {
      assertThat(probe.isUsable()).isFalse();
      assertThat(probe.reason()).startsWith("the NVIDIA driver: " + reason).hasLineCount(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"8.0", "8.6", "9.0", "10.0"})
  void deviceThatPassesIsDescribed(String capability) {
    try (FakeDriver driver = new FakeDriver().capability(capability);
        CudaProbe probe = CudaProbe.run(driver.path())) {
      assertThat(probe.isUsable()).as(probe.reason()).isTrue();
      assertThat(probe.reason())
          .contains(
              "compute capability " + capability,
              "driver for CUDA 12.8",
              "4.0 GiB of 4.0 GiB free");
    }
  }

  /** A context is given back whether the probe passes or not. */
  @Test
  void probesLeaveNothingBehind() {
    for (int i = 0; i < 3; i++) {
      try (FakeDriver driver = new FakeDriver().failing("cuStreamSynchronize:719");
          CudaProbe probe = CudaProbe.run(driver.path())) {
        assertThat(probe.isUsable()).isFalse();
      }
      try (FakeDriver driver = new FakeDriver();
          CudaProbe probe = CudaProbe.run(driver.path())) {
        assertThat(probe.reason()).contains("4.0 GiB of 4.0 GiB free");
      }
    }
  }

  private static void assertUnusable(CudaProbe probe, String reason) {
    assertThat(probe.isUsable()).isFalse();
    assertThat(probe.reason()).isEqualTo(reason);
  }
}
