package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaDevice;
import dev.clipkl.driver.CudaDriver;
import dev.clipkl.driver.CudaKernel;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.driver.DeviceMemory;
import dev.clipkl.driver.PinnedMemory;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.ByteSize;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether the engine can run here, found out before anything depends on it: the driver's library, a
 * device that the kernels run on, free memory, a module that the driver compiles, and a kernel that
 * computes what it should. Without a driver that takes some milliseconds, with a device as long as
 * its context takes to open.
 */
public final class CudaProbe implements AutoCloseable {
  /** Less is left only where other processes have taken the rest. */
  private static final long LEAST_FREE_BYTES = 4L << 20;

  private static final int SELF_TEST_NUMBERS = 1000;

  private final @Nullable Access access;
  private final String reason;

  /** An open device that has passed. */
  record Access(CudaContext context, KernelLibrary kernels) {}

  private CudaProbe(@Nullable Access access, String reason) {
    this.access = access;
    this.reason = reason;
  }

  /** Probes this machine; never fails. */
  public static CudaProbe run() {
    return run(CudaDriver.library());
  }

  /**
   * Probes the driver behind a library; never fails.
   *
   * @param library a name for the system's loader, or a path
   */
  public static CudaProbe run(String library) {
    try {
      CudaDriver driver = CudaDriver.open(library);
      List<String> refusals = new ArrayList<>();
      for (CudaDevice device : driver.devices()) {
        String name = "device %d (%s)".formatted(device.ordinal(), device.name());
        if (device.capability().compareTo(KernelLibrary.LEAST) >= 0) {
          return open(driver, device, name);
        }
        refusals.add(
            "%s has compute capability %s, expected %s or newer"
                .formatted(name, device.capability(), KernelLibrary.LEAST));
      }
      return new CudaProbe(
          null,
          refusals.isEmpty() ? "the NVIDIA driver shows no device" : String.join("; ", refusals));
    } catch (EnvironmentException e) {
      return new CudaProbe(null, e.getMessage());
    }
  }

  @SuppressWarnings("MustBeClosed") // The context is the probe's, or closed on failure.
  private static CudaProbe open(CudaDriver driver, CudaDevice device, String name) {
    CudaContext context = device.openContext();
    try {
      long free = context.freeBytes();
      String memory =
          "%s of %s free".formatted(ByteSize.format(free), ByteSize.format(device.memoryBytes()));
      if (free < LEAST_FREE_BYTES) {
        context.close();
        return new CudaProbe(null, "%s has only %s of memory".formatted(name, memory));
      }
      KernelLibrary kernels = new KernelLibrary(context);
      if (!computesRight(context, kernels.blocks(new ReverseKl()).kernel("self_test"))) {
        context.close();
        return new CudaProbe(null, name + " computes a wrong sum in the self-test");
      }
      return new CudaProbe(
          new Access(context, kernels),
          "%s, compute capability %s, driver for CUDA %s, %s"
              .formatted(device.name(), device.capability(), driver.version(), memory));
    } catch (RuntimeException | Error e) {
      try {
        context.close();
      } catch (EnvironmentException again) {
        // A device that has failed once may refuse everything: the first failure tells why.
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  /** {@code out_i = in_i + sum in}, by one block of threads. */
  private static boolean computesRight(CudaContext context, CudaKernel kernel) {
    long bytes = (long) SELF_TEST_NUMBERS * Integer.BYTES;
    try (CudaStream stream = context.createStream();
        DeviceMemory in = context.allocate(bytes);
        DeviceMemory out = context.allocate(bytes);
        PinnedMemory host = context.allocatePinned(bytes);
        Arena arena = Arena.ofConfined()) {
      int sum = 0;
      for (int i = 0; i < SELF_TEST_NUMBERS; i++) {
        host.segment().setAtIndex(ValueLayout.JAVA_INT, i, number(i));
        sum += number(i);
      }
      stream.copyToDevice(host.segment(), in.address());
      kernel.launch(
          stream,
          new CudaKernel.Shape(1, KernelConstants.THREADS, 1, KernelConstants.REDUCTION_BYTES),
          arena.allocateFrom(ValueLayout.JAVA_LONG, in.address()),
          arena.allocateFrom(ValueLayout.JAVA_LONG, out.address()),
          arena.allocateFrom(ValueLayout.JAVA_INT, SELF_TEST_NUMBERS));
      MemorySegment result = host.segment();
      stream.copyToHost(out.address(), result);
      stream.synchronize();
      for (int i = 0; i < SELF_TEST_NUMBERS; i++) {
        if (result.getAtIndex(ValueLayout.JAVA_INT, i) != number(i) + sum) {
          return false;
        }
      }
      return true;
    }
  }

  private static int number(int i) {
    return i * i % 1009 - 400;
  }

  /** Whether the engine can run. */
  public boolean isUsable() {
    return access != null;
  }

  /** One line: the device, or why there is none. */
  public String reason() {
    return reason;
  }

  /**
   * The open device, which the caller closes from now on.
   *
   * @throws EnvironmentException where there is none
   */
  Access access() {
    if (access == null) {
      throw new EnvironmentException(
          "the engine cuda cannot run here: %s: set run.engine to auto".formatted(reason));
    }
    return access;
  }

  /** Closes the device, unless an engine has taken it. */
  @Override
  public void close() {
    if (access != null) {
      access.context().close();
    }
  }
}
