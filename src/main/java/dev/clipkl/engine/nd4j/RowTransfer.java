package dev.clipkl.engine.nd4j;

import dev.clipkl.table.RowTable;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Rows between tables and slots, one at a time, whichever memory the backend's arrays lie in. */
final class RowTransfer implements AutoCloseable {
  private final RowLayout layout;
  private final float[] numbers;
  private final INDArray staged;

  /** Whether arrays lie in memory that this process reads; it is the faster way by ten times. */
  private final boolean onHost = Nd4j.getEnvironment().isCPU();

  RowTransfer(RowLayout layout) {
    this.layout = layout;
    numbers = new float[layout.padded()];
    staged = Nd4j.create(DataType.FLOAT, 1, layout.padded());
  }

  /** Reads the rows {@code firstRow + slot}; padding repeats the last action. */
  void read(RowTable table, int firstRow, SlotArray array, int first, int end) {
    for (int slot = first; slot < end; slot++) {
      table.readRow(firstRow + slot, numbers);
      Arrays.fill(numbers, layout.columns(), numbers.length, numbers[layout.columns() - 1]);
      upload(array, slot);
    }
  }

  /** Writes the rows {@code firstRow + slot}. */
  void write(SlotArray array, int first, int end, RowTable table, int firstRow) {
    for (int slot = first; slot < end; slot++) {
      table.writeRow(firstRow + slot, read(array, slot));
    }
  }

  /** One row's numbers, padding included; the next call may overwrite them. */
  float[] read(SlotArray array, int slot) {
    staged.assign(array.rows(slot, slot + 1));
    if (!onHost) {
      return staged.data().asFloat();
    }
    ((FloatPointer) staged.data().pointer()).get(numbers);
    return numbers;
  }

  /** 1 for an action, 0 for padding, in all slots. */
  void markActions(SlotArray array, int slots) {
    Arrays.fill(numbers, 0f);
    Arrays.fill(numbers, 0, layout.columns(), 1f);
    for (int slot = 0; slot < slots; slot++) {
      upload(array, slot);
    }
  }

  private void upload(SlotArray array, int slot) {
    if (onHost) {
      ((FloatPointer) staged.data().pointer()).put(numbers);
    } else {
      staged.data().setData(numbers);
    }
    array.rows(slot, slot + 1).assign(staged);
  }

  @Override
  public void close() {
    staged.close();
  }
}
