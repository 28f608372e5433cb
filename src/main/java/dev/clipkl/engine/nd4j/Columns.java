package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** One number per row as a column {@code [rows, 1]}, to be broadcast along the row. */
final class Columns {
  private Columns() {}

  /** Rounded to float32. */
  static INDArray floats(double[] values) {
    float[] rounded = new float[values.length];
    for (int row = 0; row < values.length; row++) {
      rounded[row] = (float) values[row];
    }
    return Nd4j.createFromArray(rounded).reshape(values.length, 1);
  }

  /** What {@link #floats} lost to rounding, as float32. */
  static INDArray lost(double[] values) {
    double[] lost = new double[values.length];
    for (int row = 0; row < values.length; row++) {
      lost[row] = values[row] - (float) values[row];
    }
    return floats(lost);
  }

  static INDArray doubles(double[] values) {
    return Nd4j.createFromArray(values).reshape(values.length, 1);
  }
}
