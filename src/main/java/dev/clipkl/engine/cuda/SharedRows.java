package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.driver.DeviceMemory;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * What the rows of each layer of a table share, in device memory: the one part of a kept table that
 * changes from call to call, and so travels with each.
 */
final class SharedRows {
  private final CudaContext context;
  private final TableTransfer transfer;
  private @Nullable DeviceMemory memory;

  SharedRows(CudaContext context, TableTransfer transfer) {
    this.context = context;
    this.transfer = transfer;
  }

  /** Bytes of device memory that a table's shared rows take. */
  static long bytes(RowTable table) {
    return DeviceTable.sharesRows(table) ? table.shared().length * rowBytes(table) : 0;
  }

  /** From one layer's row to the next one's. */
  static long rowBytes(RowTable table) {
    return DeviceTable.rowBytes(table.columns(), Double.BYTES);
  }

  /** Bytes of device memory that are held. */
  long heldBytes() {
    return memory == null ? 0 : memory.bytes();
  }

  /** Brings a table's shared rows, if it has some; nothing reads those of the call before. */
  void upload(CudaStream stream, RowTable table) {
    long bytes = bytes(table);
    if (bytes == 0) {
      return;
    }
    if (memory == null || memory.bytes() < bytes) {
      close();
      memory = context.allocate(bytes);
    }
    for (int layer = 0; layer < table.shared().length; layer++) {
      transfer.upload(stream, table.shared()[layer], address(table, layer));
    }
    // Launches of other streams read them, too.
    stream.synchronize();
  }

  /** Where a layer's row is, or 0 where the table has none. */
  long address(RowTable table, int layer) {
    return memory == null || !DeviceTable.sharesRows(table)
        ? 0
        : memory.address() + layer * rowBytes(table);
  }

  /** Gives the memory back. */
  void close() {
    if (memory != null) {
      memory.close();
      memory = null;
    }
  }
}
