package dev.clipkl.engine.nd4j;

import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A preallocated array {@code [slots, padded]} and its views of ranges of slots. */
final class SlotArray implements AutoCloseable {
  /** Views kept: a view costs some microseconds to make, and ranges repeat. */
  private static final int MOST_VIEWS = 128;

  private final INDArray all;
  private final int slots;
  private final Map<Long, INDArray> views = new HashMap<>();

  SlotArray(DataType type, int slots, RowLayout layout) {
    this.slots = slots;
    all = Nd4j.create(type, slots, layout.padded());
  }

  /** Slots {@code [first, end)}: a view {@code [end - first, padded]} that shares memory. */
  INDArray rows(int first, int end) {
    if (end - first == slots) {
      return all;
    }
    if (views.size() >= MOST_VIEWS) {
      views.clear();
    }
    return views.computeIfAbsent(
        (long) first << Integer.SIZE | end,
        range -> all.get(NDArrayIndex.interval(first, end), NDArrayIndex.all()));
  }

  @Override
  public void close() {
    views.clear();
    all.close();
  }
}
