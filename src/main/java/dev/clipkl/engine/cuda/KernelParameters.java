package dev.clipkl.engine.cuda;

import dev.clipkl.table.RowTable;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * The kernels' {@code RowsParameters}, field by field; a test compares its offsets with those of
 * the C++ structure. Fields that nobody sets are null pointers and zeros.
 */
final class KernelParameters {
  private static final StructLayout TABLE =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("data"),
          ValueLayout.JAVA_LONG.withName("rowBytes"),
          ValueLayout.JAVA_LONG.withName("logNormalizers"),
          ValueLayout.JAVA_LONG.withName("shared"),
          ValueLayout.JAVA_LONG.withName("sharedBytes"),
          ValueLayout.JAVA_INT.withName("precision"),
          ValueLayout.JAVA_INT.withName("layerRows"),
          ValueLayout.JAVA_INT.withName("firstState"),
          ValueLayout.JAVA_INT.withName("placedState"));

  private static final StructLayout GROUPS =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_LONG.withName("columns"),
          ValueLayout.JAVA_LONG.withName("starts"),
          ValueLayout.JAVA_LONG.withName("groupOf"),
          ValueLayout.JAVA_LONG.withName("masses"),
          ValueLayout.JAVA_INT.withName("count"),
          ValueLayout.JAVA_INT.withName("bins"),
          ValueLayout.JAVA_INT.withName("blockBins"),
          ValueLayout.JAVA_INT.withName("warpBins"));

  /** The structure; device pointers are longs. */
  static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
          TABLE.withName("logits"),
          TABLE.withName("reference"),
          TABLE.withName("actionValues"),
          TABLE.withName("moment1"),
          TABLE.withName("moment2"),
          TABLE.withName("gradients"),
          ValueLayout.JAVA_LONG.withName("rowWeights"),
          ValueLayout.JAVA_LONG.withName("optima"),
          ValueLayout.JAVA_LONG.withName("stepSizes"),
          ValueLayout.JAVA_LONG.withName("momentumSteps"),
          ValueLayout.JAVA_LONG.withName("finished"),
          ValueLayout.JAVA_LONG.withName("metrics"),
          ValueLayout.JAVA_LONG.withName("latest"),
          ValueLayout.JAVA_LONG.withName("clippedActions"),
          ValueLayout.JAVA_LONG.withName("nextRow"),
          ValueLayout.JAVA_LONG.withName("scratch"),
          ValueLayout.JAVA_LONG.withName("scratchBytesPerBlock"),
          ValueLayout.JAVA_INT.withName("rows"),
          ValueLayout.JAVA_INT.withName("columns"),
          ValueLayout.JAVA_INT.withName("outerIterations"),
          ValueLayout.JAVA_INT.withName("innerSteps"),
          ValueLayout.JAVA_INT.withName("optimizer"),
          ValueLayout.JAVA_INT.withName("stepRule"),
          ValueLayout.JAVA_INT.withName("arrays"),
          ValueLayout.JAVA_INT.withName("reserved"),
          ValueLayout.JAVA_DOUBLE.withName("lambda"),
          ValueLayout.JAVA_DOUBLE.withName("clipEpsilon"),
          ValueLayout.JAVA_DOUBLE.withName("stepSize"),
          ValueLayout.JAVA_DOUBLE.withName("tolerance"),
          ValueLayout.JAVA_DOUBLE.withName("smoothness"),
          ValueLayout.JAVA_DOUBLE.withName("alpha"),
          GROUPS.withName("groups"));

  /** Bytes of a {@code RowOptimumView}: the largest action value and the offset. */
  static final int OPTIMUM_BYTES = 2 * Double.BYTES;

  private final MemorySegment segment;

  KernelParameters(SegmentAllocator allocator) {
    segment = allocator.allocate(LAYOUT);
  }

  MemorySegment segment() {
    return segment;
  }

  KernelParameters set(String field, long value) {
    segment.set(ValueLayout.JAVA_LONG, offset(field), value);
    return this;
  }

  KernelParameters set(String field, int value) {
    segment.set(ValueLayout.JAVA_INT, offset(field), value);
    return this;
  }

  KernelParameters set(String field, double value) {
    segment.set(ValueLayout.JAVA_DOUBLE, offset(field), value);
    return this;
  }

  /**
   * Sets a table.
   *
   * @param data device address of the launch's first row
   * @param rowBytes from one row to the next; 0 for one row for all
   * @param logNormalizers device address, or 0
   */
  KernelParameters set(
      String field, long data, long rowBytes, RowTable.Precision precision, long logNormalizers) {
    long offset = offset(field);
    segment.set(ValueLayout.JAVA_LONG, offset + offset(TABLE, "data"), data);
    segment.set(ValueLayout.JAVA_LONG, offset + offset(TABLE, "rowBytes"), rowBytes);
    segment.set(ValueLayout.JAVA_LONG, offset + offset(TABLE, "logNormalizers"), logNormalizers);
    int number =
        switch (precision) {
          case BFLOAT16 -> 0;
          case FLOAT16 -> 1;
          case FLOAT32 -> 2;
          case FLOAT64 -> throw new IllegalArgumentException("kernels read no float64 table");
        };
    segment.set(ValueLayout.JAVA_INT, offset + offset(TABLE, "precision"), number);
    return this;
  }

  /**
   * Gives a table that has been set layers.
   *
   * @param data device address of the row {@code placedState}
   */
  KernelParameters setLayers(String field, long data, Layers layers) {
    long offset = offset(field);
    segment.set(ValueLayout.JAVA_LONG, offset + offset(TABLE, "data"), data);
    segment.set(ValueLayout.JAVA_INT, offset + offset(TABLE, "layerRows"), layers.layerRows);
    segment.set(ValueLayout.JAVA_INT, offset + offset(TABLE, "firstState"), layers.firstState);
    segment.set(ValueLayout.JAVA_INT, offset + offset(TABLE, "placedState"), layers.placedState);
    segment.set(ValueLayout.JAVA_LONG, offset + offset(TABLE, "shared"), layers.shared);
    segment.set(ValueLayout.JAVA_LONG, offset + offset(TABLE, "sharedBytes"), layers.sharedBytes);
    return this;
  }

  /**
   * Layers of a table's rows.
   *
   * @param layerRows rows of a layer
   * @param firstState the launch's first row, among the rows of all layers
   * @param placedState the first row on the device, among the rows of all layers
   * @param shared device address of what the rows of each layer share, or 0
   * @param sharedBytes from one layer's shared row to the next one's
   */
  record Layers(int layerRows, int firstState, int placedState, long shared, long sharedBytes) {}

  /** Sets a field of the groups that masses are asked of; a device address. */
  KernelParameters setGroups(String field, long value) {
    segment.set(ValueLayout.JAVA_LONG, offset("groups") + offset(GROUPS, field), value);
    return this;
  }

  /** The same for a number. */
  KernelParameters setGroups(String field, int value) {
    segment.set(ValueLayout.JAVA_INT, offset("groups") + offset(GROUPS, field), value);
    return this;
  }

  private static long offset(String field) {
    return offset(LAYOUT, field);
  }

  private static long offset(StructLayout layout, String field) {
    return layout.byteOffset(PathElement.groupElement(field));
  }
}
