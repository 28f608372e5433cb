package dev.clipkl.engine.cuda;

import dev.clipkl.engine.RowBlock;
import java.util.function.IntToLongFunction;

/**
 * Where a block's rows lie during its runs.
 *
 * @param residentRows the first rows, which stay on the device
 * @param streamedRows how many of the others travel at a time, by each lane; 0 where there are none
 */
record RowPlacement(int residentRows, int streamedRows) {
  /** The part of the memory for rows that the two lanes take where not all rows fit. */
  private static final int STREAMED_PART = 4;

  private static final int LANES = 2;

  /** As much at a time keeps a GPU busy for longer than its copies' start takes. */
  private static final long STREAMED_BYTES = 256L << 20;

  /**
   * What a block's rows need on the device.
   *
   * @param rows all of them
   * @param bytes of tables for a number of rows, which need not grow by as much for each
   * @param sharedBytes besides, for what the rows of a layer share
   */
  record Demand(int rows, IntToLongFunction bytes, long sharedBytes) {
    static Demand of(RowBlock block, boolean gradients) {
      return new Demand(
          block.endRow() - block.firstRow(),
          count -> DeviceRows.bytes(block, count, gradients),
          SharedRows.bytes(block.actionValues()));
    }

    /** Bytes besides, for whatever of a plan's launches is no table of rows. */
    long besides(LaunchPlan plan) {
      return sharedBytes + LaunchLanes.scratchBytes(plan, rows);
    }

    /** Bytes of one row's tables. */
    long bytesPerRow() {
      return bytes.applyAsLong(1);
    }

    /** The most rows that can stay on the device, no more than there are. */
    int largestRows(long budget) {
      int fits = 0;
      int tooMany = rows + 1;
      while (tooMany - fits > 1) {
        int middle = (fits + tooMany) >>> 1;
        if (laneBytes(middle) <= budget) {
          fits = middle;
        } else {
          tooMany = middle;
        }
      }
      return fits;
    }

    /** Bytes of a lane that moves some rows at a time. */
    long laneBytes(int rowsAtATime) {
      return bytes.applyAsLong(rowsAtATime);
    }
  }

  /** Whether not even single rows fit. */
  boolean isImpossible() {
    return residentRows == 0 && streamedRows == 0;
  }

  /** All rows if they fit, else as many as leave room to stream the others through. */
  static RowPlacement keep(long budget, Demand demand) {
    if (demand.laneBytes(demand.rows) <= budget) {
      return new RowPlacement(demand.rows, 0);
    }
    int streamed = streamed(budget / STREAMED_PART, demand, 1);
    long left = budget - LANES * demand.laneBytes(streamed);
    if (left < 0) {
      return new RowPlacement(0, 0);
    }
    return new RowPlacement(demand.largestRows(left), streamed);
  }

  /**
   * All rows travel.
   *
   * @param least rows at a time with which the device is busy
   */
  static RowPlacement stream(long budget, Demand demand, int least) {
    int streamed = streamed(budget, demand, least);
    int lanes = streamed < demand.rows ? LANES : 1;
    return lanes * demand.laneBytes(streamed) <= budget
        ? new RowPlacement(0, streamed)
        : new RowPlacement(0, 0);
  }

  private static int streamed(long budget, Demand demand, int least) {
    long fits = demand.largestRows(budget / LANES);
    long wanted = Math.max(least, STREAMED_BYTES / demand.bytesPerRow());
    return Math.clamp(Math.min(fits, wanted), 1, Math.ceilDiv(demand.rows, LANES));
  }
}
