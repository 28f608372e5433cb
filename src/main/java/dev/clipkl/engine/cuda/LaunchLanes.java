package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.engine.GroupMasses;
import java.util.List;
import java.util.stream.Stream;

/** Two lanes that take a call's launches in turn, and what all launches of a call read. */
final class LaunchLanes {
  private static final int LANES = 2;

  /** Of each lane's numbers per row: at most this, and this part of a small memory. */
  private static final long NUMBERS_BYTES = 32L << 20;

  private static final int NUMBERS_PART = 64;

  private final long numbersBytes;
  private final SharedRows shared;
  private final DeviceGroups groups;
  private final List<RowLane> lanes;

  LaunchLanes(CudaContext context, TableTransfer transfer) {
    numbersBytes = Math.min(NUMBERS_BYTES, context.freeBytes() / NUMBERS_PART);
    shared = new SharedRows(context, transfer);
    groups = new DeviceGroups(context, transfer);
    lanes =
        Stream.generate(() -> new RowLane(context, transfer, shared, groups)).limit(LANES).toList();
  }

  /** Bytes of page-locked memory for numbers. */
  static long hostBytes() {
    return LANES * NUMBERS_BYTES;
  }

  /** The first lane's queue, for copies between calls. */
  CudaStream stream() {
    return lanes.getFirst().stream();
  }

  /** Bytes of device memory that are held for a block's rows. */
  long heldBytes() {
    return shared.heldBytes() + lanes.stream().mapToLong(RowLane::heldBytes).sum();
  }

  /** Bytes of device memory that the lanes need beside the tables. */
  long neededBytes() {
    return LANES * numbersBytes;
  }

  /** Bytes of working arrays of both lanes' launches. */
  static long scratchBytes(LaunchPlan plan, int rows) {
    return LANES * plan.scratchBytes(rows);
  }

  /** Launches for all rows of a block, and waits for them. */
  void visit(RowLaunch launch, PlacedRows rows) {
    try {
      shared.upload(stream(), launch.block().actionValues());
      GroupMasses masses = launch.masses();
      if (masses != null) {
        groups.upload(stream(), masses.groups());
      }
      int turn = 0;
      int count;
      for (int row = launch.block().firstRow(); row < launch.block().endRow(); row += count) {
        RowLane lane = lanes.get(turn++ % LANES);
        lane.finish();
        count = start(launch, rows, lane, row);
      }
      // The older launch first.
      for (int i = 0; i < LANES; i++) {
        lanes.get((turn + i) % LANES).finish();
      }
    } finally {
      lanes.forEach(RowLane::abandon);
    }
  }

  /** Starts a launch on the rows from {@code row} on; how many they are. */
  private int start(RowLaunch launch, PlacedRows rows, RowLane lane, int row) {
    int most = Math.min(launch.block().endRow() - row, rowsPerLaunch(launch));
    DeviceRows resident = rows.resident();
    if (resident != null && row < rows.residentEnd()) {
      int count = Math.min(most, rows.residentEnd() - row);
      lane.reserve(launch, count, 0);
      lane.startResident(launch, resident, row - rows.block().firstRow(), row, count);
      return count;
    }
    int count = Math.min(most, rows.streamedRows());
    lane.reserve(launch, count, rows.streamedRows());
    lane.startStreamed(launch, row, count);
    return count;
  }

  private int rowsPerLaunch(RowLaunch launch) {
    return Math.clamp(numbersBytes / RowNumbers.bytesPerRow(launch), 1, Integer.MAX_VALUE);
  }

  /** Gives back the room for rows that travel. */
  void closeRows() {
    lanes.forEach(RowLane::closeRows);
  }
}
