package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaDevice;
import dev.clipkl.driver.CudaKernel;
import dev.clipkl.driver.DriverException;
import dev.clipkl.engine.RowProgram;

/**
 * A kernel and how it is launched on rows of one length.
 *
 * @param kernel run, evaluate or gradient
 * @param clusterBlocks blocks that share a row
 * @param sharedBytes of each block
 * @param mostBlocks blocks that the device runs at a time; each takes row after row
 * @param arrays working arrays on the chip: all, or 0
 * @param scratchBytesPerBlock of device memory for those that are not
 */
record LaunchPlan(
    CudaKernel kernel,
    int clusterBlocks,
    int sharedBytes,
    int mostBlocks,
    int arrays,
    long scratchBytesPerBlock) {
  private static final int LARGEST_CLUSTER = 16;

  /** What the driver takes of a multiprocessor's shared memory for each block. */
  private static final int BLOCK_SHARED_BYTES = 1 << 10;

  /**
   * A row program on the fewest blocks per row that hold it on the chip, else on one block with its
   * working arrays in device memory.
   *
   * @param converted how many of reference and action values are no plain float32 numbers
   * @param oneStep whether a launch takes a single fixed step that nobody measures: then a row is
   *     hardly longer on the chip than it takes to read, and two blocks share a multiprocessor if
   *     they can, so that one reads while the other computes
   */
  static LaunchPlan run(
      KernelLibrary kernels,
      CudaDevice device,
      RowProgram program,
      int columns,
      int converted,
      boolean oneStep) {
    String name =
        oneStep && KernelLibrary.hasStepKernel(program.divergence(), program.optimizer())
            ? "step_rows"
            : "run_rows";
    int arrays =
        KernelConstants.arraysOnChip(program.optimizer(), program.stepRule()) - (oneStep ? 1 : 0);
    int mostShared = device.attribute(CudaDevice.Attribute.MOST_SHARED_BYTES);
    CudaKernel onBlocks = kernels.blocks(program.divergence()).kernel(name);
    int largest = kernels.hasClusters() ? LARGEST_CLUSTER : 1;
    for (int together = oneStep ? 2 : 1; together >= 1; together--) {
      for (int cluster = 1; cluster <= largest; cluster *= 2) {
        long shared =
            KernelConstants.REDUCTION_BYTES
                + (long) arrays * Float.BYTES * KernelConstants.partLength(columns, cluster);
        if (together * (shared + BLOCK_SHARED_BYTES) - BLOCK_SHARED_BYTES <= mostShared) {
          LaunchPlan plan =
              cluster == 1
                  ? onBlocks(onBlocks, device, (int) shared, arrays, 0)
                  : onClusters(
                      kernels.clusters(program.divergence()).kernel(name + "_cluster"),
                      device,
                      cluster,
                      (int) shared,
                      arrays);
          if (plan.mostBlocks > 0) {
            return plan;
          }
        }
      }
    }
    int inScratch =
        KernelConstants.arraysInScratch(program.optimizer(), program.stepRule(), converted);
    return onBlocks(
        onBlocks, device, KernelConstants.REDUCTION_BYTES, 0, inScratch * arrayBytes(columns));
  }

  /** A kernel that only reads rows: its working arrays are tables that have to be converted. */
  static LaunchPlan sweep(
      KernelLibrary kernels,
      CudaDevice device,
      RowProgram program,
      String kernel,
      int columns,
      int converted) {
    return onBlocks(
        kernels.blocks(program.divergence()).kernel(kernel),
        device,
        KernelConstants.REDUCTION_BYTES,
        0,
        converted * arrayBytes(columns));
  }

  private static long arrayBytes(int columns) {
    return (long) Float.BYTES * KernelConstants.partLength(columns, 1);
  }

  private static LaunchPlan onBlocks(
      CudaKernel kernel, CudaDevice device, int shared, int arrays, long scratch) {
    kernel.allow(device.attribute(CudaDevice.Attribute.MOST_SHARED_BYTES), 1);
    int blocks =
        kernel.activeBlocks(KernelConstants.THREADS, shared)
            * device.attribute(CudaDevice.Attribute.MULTIPROCESSORS);
    return new LaunchPlan(kernel, 1, shared, blocks, arrays, scratch);
  }

  /** With no blocks where the device, or what is left of it, cannot run such a cluster. */
  private static LaunchPlan onClusters(
      CudaKernel kernel, CudaDevice device, int cluster, int shared, int arrays) {
    int clusters;
    try {
      kernel.allow(device.attribute(CudaDevice.Attribute.MOST_SHARED_BYTES), cluster);
      clusters =
          kernel.activeClusters(
              new CudaKernel.Shape(cluster, KernelConstants.THREADS, cluster, shared));
    } catch (DriverException e) {
      clusters = 0;
    }
    return new LaunchPlan(kernel, cluster, shared, clusters * cluster, arrays, 0);
  }

  /** The launch for a number of rows. */
  CudaKernel.Shape shape(int rows) {
    long blocks = Math.min((long) rows * clusterBlocks, mostBlocks);
    return new CudaKernel.Shape((int) blocks, KernelConstants.THREADS, clusterBlocks, sharedBytes);
  }

  /** Bytes of device memory for a launch's working arrays. */
  long scratchBytes(int rows) {
    return shape(rows).blocks() * scratchBytesPerBlock;
  }
}
