package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaEvent;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.driver.PinnedMemory;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.table.RowTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Copies tables between host and device through two pieces of page-locked memory, taken in turn:
 * while one travels, threads fill or empty the other.
 */
final class TableTransfer implements AutoCloseable {
  /** Long enough that a copy's start costs nothing, short enough to fill at once. */
  static final long PIECE_BYTES = 16L << 20;

  private static final int PIECES = 2;

  private final CudaContext context;
  private final RowThreads threads;
  private final List<Converter> converters;
  private final List<Piece> pieces;
  private int turn;

  TableTransfer(CudaContext context, RowThreads threads) {
    this.context = context;
    this.threads = threads;
    converters = Stream.generate(Converter::new).limit(threads.threads()).toList();
    pieces = Stream.generate(Piece::new).limit(PIECES).toList();
  }

  /** Page-locked bytes for tables of this many columns. */
  static long hostBytes(int columns) {
    return PIECES * Math.max(PIECE_BYTES, DeviceTable.rowBytes(columns, Float.BYTES));
  }

  /** A thread's array for rows that change their type on the way. */
  private static final class Converter {
    private float[] row = {};

    float[] row(int columns) {
      if (row.length < columns) {
        row = new float[columns];
      }
      return row;
    }
  }

  private final class Piece implements AutoCloseable {
    private @Nullable PinnedMemory memory;
    private @Nullable CudaEvent done;

    /** The piece's memory, once nothing travels to or from it. */
    MemorySegment await(long bytes) {
      if (done != null) {
        done.synchronize();
      }
      if (memory == null || memory.segment().byteSize() < bytes) {
        if (memory != null) {
          memory.close();
        }
        memory = context.allocatePinned(Math.max(bytes, PIECE_BYTES));
      }
      return memory.segment();
    }

    void record(CudaStream stream) {
      if (done == null) {
        done = context.createEvent();
      }
      stream.record(done);
    }

    @Override
    public void close() {
      if (memory != null) {
        memory.close();
      }
      if (done != null) {
        done.close();
      }
    }
  }

  private Piece next() {
    turn = (turn + 1) % PIECES;
    return pieces.get(turn);
  }

  private static int rowsPerPiece(long rowBytes) {
    return Math.clamp(PIECE_BYTES / rowBytes, 1, Integer.MAX_VALUE);
  }

  /**
   * Copies host rows {@code [firstRow, firstRow + rows)} into a device table's first ones, as many
   * as it stores of them.
   */
  void upload(CudaStream stream, RowTable table, int firstRow, int rows, DeviceTable destination) {
    RowTable source = DeviceTable.stored(table);
    long rowBytes = DeviceTable.rowBytes(table);
    int count = DeviceTable.storedRows(table, rows);
    int step = rowsPerPiece(rowBytes);
    for (int done = 0; done < count; done += step) {
      int piece = Math.min(step, count - done);
      Piece turn = next();
      MemorySegment memory = turn.await(piece * rowBytes);
      long first = (long) firstRow + done;
      forEachRow(
          piece,
          (converter, row) ->
              pack(
                  source,
                  DeviceTable.storedRow(table, first + row),
                  memory.asSlice(row * rowBytes, rowBytes),
                  converter));
      stream.copyToDevice(memory.asSlice(0, piece * rowBytes), destination.address(done));
      turn.record(stream);
    }
  }

  private static void pack(RowTable source, long row, MemorySegment packed, Converter converter) {
    if (source.isDouble()) {
      float[] values = converter.row(source.columns());
      source.readRow(row, values);
      MemorySegment.copy(values, 0, packed, ValueLayout.JAVA_FLOAT, 0, source.columns());
    } else {
      source.readStored(row, packed);
    }
  }

  /** Copies numbers to a device address. */
  void upload(CudaStream stream, double[] source, long address) {
    upload(stream, MemorySegment.ofArray(source), address);
  }

  /** The same for integers. */
  void upload(CudaStream stream, int[] source, long address) {
    upload(stream, MemorySegment.ofArray(source), address);
  }

  private void upload(CudaStream stream, MemorySegment source, long address) {
    for (long done = 0; done < source.byteSize(); done += PIECE_BYTES) {
      long bytes = Math.min(PIECE_BYTES, source.byteSize() - done);
      Piece turn = next();
      MemorySegment memory = turn.await(bytes).asSlice(0, bytes);
      MemorySegment.copy(source, done, memory, 0, bytes);
      stream.copyToDevice(memory, address + done);
      turn.record(stream);
    }
  }

  /** Copies a device table's first rows to host rows {@code [firstRow, firstRow + rows)}. */
  void download(
      CudaStream stream, DeviceTable source, RowTable destination, int firstRow, int rows) {
    long rowBytes = source.rowBytes();
    int step = rowsPerPiece(rowBytes);
    Runnable unpack = () -> {};
    for (int done = 0; done < rows; done += step) {
      int piece = Math.min(step, rows - done);
      Piece turn = next();
      MemorySegment memory = turn.await(piece * rowBytes).asSlice(0, piece * rowBytes);
      stream.copyToHost(source.address(done), memory);
      turn.record(stream);
      unpack.run();
      int first = firstRow + done;
      unpack =
          () -> {
            turn.await(piece * rowBytes);
            unpack(memory, rowBytes, destination, first, piece);
          };
    }
    unpack.run();
  }

  private void unpack(
      MemorySegment memory, long rowBytes, RowTable destination, int firstRow, int rows) {
    forEachRow(
        rows,
        (converter, row) -> {
          MemorySegment packed = memory.asSlice(row * rowBytes, rowBytes);
          if (destination.isDouble()) {
            float[] values = converter.row(destination.columns());
            MemorySegment.copy(packed, ValueLayout.JAVA_FLOAT, 0, values, 0, destination.columns());
            destination.writeRow(firstRow + row, values);
          } else {
            destination.writeStored(firstRow + row, packed);
          }
        });
  }

  private void forEachRow(int rows, RowThreads.RowTask<Converter> task) {
    if (rows == 1) {
      task.visit(converters.getFirst(), 0);
    } else {
      threads.visit(converters, 0, rows, task);
    }
  }

  @Override
  public void close() {
    pieces.forEach(Piece::close);
  }
}
