package dev.clipkl.table;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A table whose rows are computed when they are read. */
final class ComputedRowTable extends RowTable {
  private final RowFunction function;

  ComputedRowTable(long rows, int columns, RowFunction function) {
    super(Precision.FLOAT32, rows, columns);
    this.function = function;
  }

  @Override
  public boolean isBroadcast() {
    return false;
  }

  @Override
  public long bytes() {
    return 0;
  }

  @Override
  public void readRow(long row, float[] destination) {
    requireRow(row);
    function.compute(row, destination);
  }

  @Override
  public void readPiece(long row, float[] destination, int start, int length) {
    if (start == 0) {
      readRow(row, destination);
    }
  }

  @Override
  public @Nullable MemorySegment floats(long row) {
    return null;
  }

  @Override
  public @Nullable MemorySegment writableFloats(long row) {
    return null;
  }

  @Override
  public long version(long row) {
    requireRow(row);
    return 0L;
  }

  @Override
  public void readRow(long row, double[] destination) {
    float[] values = new float[columns()];
    readRow(row, values);
    for (int a = 0; a < values.length; a++) {
      destination[a] = values[a];
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
    float[] values = new float[columns()];
    readRow(row, values);
    MemorySegment.copy(values, 0, destination, Tensor.FLOAT, 0, values.length);
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
    float[] values = new float[columns()];
    readRow(row, values);
    return values[column];
  }
}
