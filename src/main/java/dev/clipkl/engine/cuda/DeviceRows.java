package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.driver.DeviceMemory;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.table.RowTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Room in device memory for some rows of a block's tables. */
final class DeviceRows implements AutoCloseable {
  private final DeviceMemory memory;
  private final int capacity;
  private final DeviceTable logits;
  private final DeviceTable reference;
  private final DeviceTable actionValues;
  private final List<DeviceTable> moments = new ArrayList<>();
  private final @Nullable DeviceTable gradients;
  private long next;

  /** The row of the block that is the first one here. */
  private int placedState;

  /**
   * Room for as many rows as are asked for.
   *
   * @param gradients whether there is a table of gradients as well
   * @throws dev.clipkl.driver.DriverException when there is not enough memory
   */
  DeviceRows(CudaContext context, RowBlock block, int capacity, boolean gradients) {
    this.capacity = capacity;
    memory = context.allocate(bytes(block, capacity, gradients));
    next = memory.address();
    logits = place(block.actor().logits());
    reference = place(block.reference());
    actionValues = place(block.actionValues());
    for (RowTable moment : block.actor().moments()) {
      moments.add(place(moment));
    }
    this.gradients = gradients ? place(block.actor().logits()) : null;
  }

  private DeviceTable place(RowTable table) {
    long bytes = DeviceTable.rowBytes(table);
    boolean isOneRow = DeviceTable.stored(table).isBroadcast();
    DeviceTable placed = new DeviceTable(next, isOneRow ? 0 : bytes, DeviceTable.precision(table));
    next += bytes * DeviceTable.storedRows(table, capacity);
    return placed;
  }

  /** Bytes of device memory for some rows of a block. */
  static long bytes(RowBlock block, int rows, boolean gradients) {
    long bytes = gradients ? DeviceTable.rowBytes(block.actor().logits()) * rows : 0;
    for (RowTable table : tables(block)) {
      bytes += DeviceTable.rowBytes(table) * DeviceTable.storedRows(table, rows);
    }
    return bytes;
  }

  private static List<RowTable> tables(RowBlock block) {
    List<RowTable> tables = new ArrayList<>(block.actor().moments());
    tables.add(block.actor().logits());
    tables.add(block.reference());
    tables.add(block.actionValues());
    return tables;
  }

  /** Copies the host's rows {@code [firstRow, firstRow + rows)} into the first ones here. */
  void upload(TableTransfer transfer, CudaStream stream, RowBlock block, int firstRow, int rows) {
    placedState = firstRow;
    transfer.upload(stream, block.actor().logits(), firstRow, rows, logits);
    transfer.upload(stream, block.reference(), firstRow, rows, reference);
    transfer.upload(stream, block.actionValues(), firstRow, rows, actionValues);
    for (int m = 0; m < moments.size(); m++) {
      transfer.upload(stream, block.actor().moments().get(m), firstRow, rows, moments.get(m));
    }
  }

  /** Copies what row programs change back. */
  void download(TableTransfer transfer, CudaStream stream, RowBlock block, int firstRow, int rows) {
    transfer.download(stream, logits, block.actor().logits(), firstRow, rows);
    for (int m = 0; m < moments.size(); m++) {
      transfer.download(stream, moments.get(m), block.actor().moments().get(m), firstRow, rows);
    }
  }

  /** Copies gradients to a host table. */
  void downloadGradients(
      TableTransfer transfer, CudaStream stream, RowTable table, int firstRow, int rows) {
    if (gradients == null) {
      throw new IllegalStateException("no room for gradients was made");
    }
    transfer.download(stream, gradients, table, firstRow, rows);
  }

  /**
   * Sets a launch's tables.
   *
   * @param block of the launch, with the tables that rows were placed for, or others that share
   *     their stored rows
   * @param row the launch's first row, counted from the first one here
   */
  void set(
      KernelParameters parameters, RowBlock block, int row, RowNumbers numbers, SharedRows shared) {
    set(parameters, "logits", logits, row, 0);
    set(parameters, "reference", reference, row, numbers.referenceNormalizers());
    setLayers(parameters, "reference", reference, block.reference(), row, shared);
    set(parameters, "actionValues", actionValues, row, numbers.valueNormalizers());
    setLayers(parameters, "actionValues", actionValues, block.actionValues(), row, shared);
    for (int m = 0; m < moments.size(); m++) {
      set(parameters, "moment" + (m + 1), moments.get(m), row, 0);
    }
    if (gradients != null) {
      set(parameters, "gradients", gradients, row, 0);
    }
  }

  private static void set(
      KernelParameters parameters, String field, DeviceTable table, int row, long normalizers) {
    parameters.set(field, table.address(row), table.rowBytes(), table.precision(), normalizers);
  }

  /** The kernels find a layer's rows themselves, from the first one that is here. */
  private void setLayers(
      KernelParameters parameters,
      String field,
      DeviceTable placed,
      RowTable table,
      int row,
      SharedRows shared) {
    if (!DeviceTable.hasLayers(table)) {
      return;
    }
    parameters.setLayers(
        field,
        placed.address(),
        new KernelParameters.Layers(
            Math.toIntExact(table.base().rows()),
            placedState + row,
            placedState,
            shared.address(table, 0),
            SharedRows.rowBytes(table)));
  }

  @Override
  public void close() {
    memory.close();
  }
}
