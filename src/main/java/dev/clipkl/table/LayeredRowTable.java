package dev.clipkl.table;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The rows of another table, once for each layer, with a row of numbers added that a layer's rows
 * share: entry {@code [layer * rows + row, column]} is {@code base[row, column] + shared[layer,
 * column]}. It takes no memory of its own but for the shared rows, which may change between reads.
 */
final class LayeredRowTable extends RowTable {
  private final RowTable base;
  private final double[][] shared;

  LayeredRowTable(RowTable base, double[][] shared) {
    super(
        base.isDouble() ? Precision.FLOAT64 : Precision.FLOAT32,
        Math.multiplyExact(base.rows(), (long) shared.length),
        base.columns());
    this.base = base;
    this.shared = shared;
  }

  @Override
  public RowTable base() {
    return base;
  }

  @Override
  public double[][] shared() {
    return shared;
  }

  @Override
  public boolean isBroadcast() {
    return false;
  }

  @Override
  public long bytes() {
    return 0;
  }

  private double[] sharedOf(long row) {
    requireRow(row);
    return shared[Math.toIntExact(row / base.rows())];
  }

  @Override
  public void readRow(long row, float[] destination) {
    if (base.isDouble()) {
      double[] exact = new double[columns()];
      readRow(row, exact);
      for (int a = 0; a < exact.length; a++) {
        destination[a] = (float) exact[a];
      }
    } else {
      readPiece(row, destination, 0, columns());
    }
  }

  @Override
  public void readPiece(long row, float[] destination, int start, int length) {
    if (base.isDouble()) {
      if (start == 0) {
        readRow(row, destination);
      }
      return;
    }
    double[] add = sharedOf(row);
    base.readPiece(row % base.rows(), destination, start, length);
    if (add.length > 0) {
      for (int a = start; a < start + length; a++) {
        destination[a] = (float) (destination[a] + add[a]);
      }
    }
  }

  @Override
  public @Nullable MemorySegment floats(long row) {
    return sharedOf(row).length > 0 ? null : base.floats(row % base.rows());
  }

  @Override
  public @Nullable MemorySegment writableFloats(long row) {
    return null;
  }

  @Override
  public long version(long row) {
    return sharedOf(row).length > 0 ? UNKNOWN_VERSION : base.version(row % base.rows());
  }

  @Override
  public void readRow(long row, double[] destination) {
    double[] add = sharedOf(row);
    base.readRow(row % base.rows(), destination);
    for (int a = 0; a < add.length; a++) {
      destination[a] += add[a];
    }
  }

  @Override
  public void writeRow(long row, float[] source) {
    throw notStored();
  }

  @Override
  public void writeRow(long row, double[] source) {
    throw notStored();
  }

  @Override
  public void readStored(long row, MemorySegment destination) {
    if (isDouble()) {
      double[] values = new double[columns()];
      readRow(row, values);
      MemorySegment.copy(values, 0, destination, Tensor.DOUBLE, 0, values.length);
    } else {
      float[] values = new float[columns()];
      readRow(row, values);
      MemorySegment.copy(values, 0, destination, Tensor.FLOAT, 0, values.length);
    }
  }

  @Override
  public void writeStored(long row, MemorySegment source) {
    throw notStored();
  }

  @Override
  public double logNormalizer(long row) {
    requireRow(row);
    return 0.0;
  }

  @Override
  public void setLogNormalizer(long row, double logNormalizer) {
    throw notStored();
  }

  private static IllegalStateException notStored() {
    return new IllegalStateException("the rows of this table are computed and cannot be changed");
  }

  @Override
  public double get(long row, int column) {
    double[] add = sharedOf(row);
    double entry = base.get(row % base.rows(), column) + (add.length > 0 ? add[column] : 0.0);
    return isDouble() ? entry : (float) entry;
  }
}
