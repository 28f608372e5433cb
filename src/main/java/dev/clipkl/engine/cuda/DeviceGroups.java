package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.driver.DeviceMemory;
import dev.clipkl.table.ColumnGroups;
import org.jspecify.annotations.Nullable;

/** The groups of columns last asked for, in device memory. */
final class DeviceGroups {
  private final CudaContext context;
  private final TableTransfer transfer;
  private @Nullable Uploaded uploaded;

  private record Uploaded(ColumnGroups groups, GroupBins bins, DeviceMemory memory) {
    long starts() {
      return memory.address() + bins.columns().length * (long) Integer.BYTES;
    }

    long groupOf() {
      return starts() + bins.starts().length * (long) Integer.BYTES;
    }
  }

  DeviceGroups(CudaContext context, TableTransfer transfer) {
    this.context = context;
    this.transfer = transfer;
  }

  /** Brings groups to the device, unless they are there. */
  void upload(CudaStream stream, ColumnGroups groups) {
    if (uploaded != null && uploaded.groups == groups) {
      return;
    }
    if (uploaded != null) {
      uploaded.memory.close();
      uploaded = null;
    }
    GroupBins bins = GroupBins.of(groups);
    long entries = (long) bins.columns().length + bins.starts().length + bins.bins();
    Uploaded now = new Uploaded(groups, bins, context.allocate(entries * Integer.BYTES));
    transfer.upload(stream, bins.columns(), now.memory.address());
    transfer.upload(stream, bins.starts(), now.starts());
    transfer.upload(stream, bins.groupOf(), now.groupOf());
    // Launches of other streams read them, too.
    stream.synchronize();
    uploaded = now;
  }

  /**
   * Asks a launch for masses.
   *
   * @param masses where they go, a device address
   */
  void set(KernelParameters parameters, long masses) {
    Uploaded now = uploaded;
    if (now == null) {
      throw new IllegalStateException("no groups were brought to the device");
    }
    parameters
        .setGroups("columns", now.memory.address())
        .setGroups("starts", now.starts())
        .setGroups("groupOf", now.groupOf())
        .setGroups("masses", masses)
        .setGroups("count", now.groups.groups())
        .setGroups("bins", now.bins.bins())
        .setGroups("blockBins", now.bins.blockBins())
        .setGroups("warpBins", now.bins.warpBins());
  }
}
