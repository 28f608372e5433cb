package dev.clipkl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/** A kernel of a module. */
public final class CudaKernel {
  private static final int MOST_DYNAMIC_SHARED_BYTES = 8;
  private static final int NON_PORTABLE_CLUSTERS = 14;
  private static final int CLUSTER_DIMENSION = 4;

  /** Cluster sizes up to this one are possible on every device that has clusters. */
  private static final int LARGEST_PORTABLE_CLUSTER = 8;

  /** {@code CUlaunchConfig}. */
  private static final StructLayout CONFIGURATION =
      MemoryLayout.structLayout(
          MemoryLayout.sequenceLayout(3, ValueLayout.JAVA_INT).withName("grid"),
          MemoryLayout.sequenceLayout(3, ValueLayout.JAVA_INT).withName("block"),
          ValueLayout.JAVA_INT.withName("sharedBytes"),
          MemoryLayout.paddingLayout(4),
          ValueLayout.ADDRESS.withName("stream"),
          ValueLayout.ADDRESS.withName("attributes"),
          ValueLayout.JAVA_INT.withName("attributeCount"),
          MemoryLayout.paddingLayout(4));

  /** {@code CUlaunchAttribute} with a cluster's dimensions; its value is a union of 64 bytes. */
  private static final StructLayout CLUSTER =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_INT.withName("id"),
          MemoryLayout.paddingLayout(4),
          MemoryLayout.sequenceLayout(3, ValueLayout.JAVA_INT).withName("size"),
          MemoryLayout.paddingLayout(52));

  private static final VarHandle GRID = dimension(CONFIGURATION, "grid");
  private static final VarHandle BLOCK = dimension(CONFIGURATION, "block");
  private static final VarHandle SHARED_BYTES = field("sharedBytes");
  private static final VarHandle STREAM = field("stream");
  private static final VarHandle ATTRIBUTES = field("attributes");
  private static final VarHandle ATTRIBUTE_COUNT = field("attributeCount");
  private static final VarHandle CLUSTER_SIZE = dimension(CLUSTER, "size");

  private final DriverCalls calls;
  private final MemorySegment handle;

  /**
   * How a kernel is launched, in one dimension.
   *
   * @param blocks in all, a multiple of the cluster's size
   * @param threads of a block
   * @param clusterBlocks blocks of a cluster; 1 for a launch without clusters
   * @param sharedBytes of dynamic shared memory per block
   */
  public record Shape(int blocks, int threads, int clusterBlocks, int sharedBytes) {}

  CudaKernel(DriverCalls calls, MemorySegment handle) {
    this.calls = calls;
    this.handle = handle;
  }

  private static VarHandle field(String name) {
    return CONFIGURATION.varHandle(PathElement.groupElement(name)).withInvokeExactBehavior();
  }

  private static VarHandle dimension(StructLayout layout, String name) {
    return layout.varHandle(PathElement.groupElement(name), PathElement.sequenceElement());
  }

  /** Lets launches ask for this much shared memory, and for the larger clusters. */
  public void allow(int sharedBytes, int clusterBlocks) {
    calls.call(
        DriverFunction.FUNCTION_SET_ATTRIBUTE, handle, MOST_DYNAMIC_SHARED_BYTES, sharedBytes);
    if (clusterBlocks > LARGEST_PORTABLE_CLUSTER) {
      calls.call(DriverFunction.FUNCTION_SET_ATTRIBUTE, handle, NON_PORTABLE_CLUSTERS, 1);
    }
  }

  /** How many blocks of a launch without clusters one multiprocessor runs at a time. */
  public int activeBlocks(int threads, int sharedBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      calls.call(DriverFunction.MOST_ACTIVE_BLOCKS, number, handle, threads, (long) sharedBytes);
      return number.get(ValueLayout.JAVA_INT, 0);
    }
  }

  /** How many clusters of a launch the device runs at a time. */
  public int activeClusters(Shape shape) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
      calls.call(
          DriverFunction.MOST_ACTIVE_CLUSTERS,
          number,
          handle,
          configuration(arena, shape, MemorySegment.NULL));
      return number.get(ValueLayout.JAVA_INT, 0);
    }
  }

  /**
   * Puts a launch into a stream.
   *
   * @param parameters one address per parameter, of its value; read before this returns
   */
  public void launch(CudaStream stream, Shape shape, MemorySegment... parameters) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointers = arena.allocate(ValueLayout.ADDRESS, parameters.length);
      for (int i = 0; i < parameters.length; i++) {
        pointers.setAtIndex(ValueLayout.ADDRESS, i, parameters[i]);
      }
      if (shape.clusterBlocks == 1) {
        // Drivers before CUDA 11.8 have no other function.
        calls.launch(
            handle, shape.blocks, shape.threads, shape.sharedBytes, stream.handle(), pointers);
      } else {
        calls.call(
            DriverFunction.LAUNCH_WITH_ATTRIBUTES,
            configuration(arena, shape, stream.handle()),
            handle,
            pointers,
            MemorySegment.NULL);
      }
    }
  }

  private static MemorySegment configuration(Arena arena, Shape shape, MemorySegment stream) {
    MemorySegment cluster = arena.allocate(CLUSTER);
    cluster.set(ValueLayout.JAVA_INT, 0, CLUSTER_DIMENSION);
    MemorySegment configuration = arena.allocate(CONFIGURATION);
    for (long d = 0; d < 3; d++) {
      CLUSTER_SIZE.set(cluster, 0L, d, d == 0 ? shape.clusterBlocks : 1);
      GRID.set(configuration, 0L, d, d == 0 ? shape.blocks : 1);
      BLOCK.set(configuration, 0L, d, d == 0 ? shape.threads : 1);
    }
    SHARED_BYTES.set(configuration, 0L, shape.sharedBytes);
    STREAM.set(configuration, 0L, stream);
    ATTRIBUTES.set(configuration, 0L, cluster);
    ATTRIBUTE_COUNT.set(configuration, 0L, 1);
    return configuration;
  }
}
