package dev.clipkl.engine.cuda;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowResults;
import dev.clipkl.table.RowTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A launch's numbers per row: what a row program needs beside the tables, and what it reports. They
 * lie in one piece, the same on host and device, so that one copy brings all there and one copy
 * brings all back: first what is only read, then what is read and written, then what is only
 * written.
 */
final class RowNumbers {
  private static final int ALIGNMENT = 16;
  private static final int METRIC_BYTES = RowMetric.COUNT * Double.BYTES;

  private final MemorySegment host;
  private final long device;
  private final RowLaunch launch;
  private final RowBlock block;
  private final int firstRow;
  private final int rows;
  private final boolean referenceIsNormalized;
  private final boolean valuesAreNormalized;

  private final long rowWeights;
  private final long optima;
  private final long referenceNormalizers;
  private final long valueNormalizers;
  private final long stepSizes;
  private final long latest;
  private final long momentumSteps;
  private final long finished;
  private final long metrics;
  private final long clippedActions;
  private final long masses;
  private final long end;

  /**
   * The numbers of a launch on the rows {@code [firstRow, firstRow + rows)} of its block.
   *
   * @param host page-locked, {@link #bytes} of it
   * @param device address of as many bytes
   */
  RowNumbers(MemorySegment host, long device, RowLaunch launch, int firstRow, int rows) {
    this.host = host;
    this.device = device;
    this.launch = launch;
    this.firstRow = firstRow;
    this.rows = rows;
    block = launch.block();
    int reported = launch.reportedIterations();
    int endRow = firstRow + rows;
    referenceIsNormalized = DeviceTable.isNormalized(block.reference(), firstRow, endRow);
    valuesAreNormalized = DeviceTable.isNormalized(block.actionValues(), firstRow, endRow);
    // The ticket comes first, alone.
    rowWeights = ALIGNMENT;
    optima = aligned(rowWeights + (long) rows * Double.BYTES);
    referenceNormalizers = aligned(optima + (long) rows * KernelParameters.OPTIMUM_BYTES);
    valueNormalizers = aligned(referenceNormalizers + (long) rows * Double.BYTES);
    stepSizes = aligned(valueNormalizers + (long) rows * Double.BYTES);
    latest = aligned(stepSizes + (long) rows * Double.BYTES);
    momentumSteps = aligned(latest + (long) rows * METRIC_BYTES);
    finished = aligned(momentumSteps + (long) rows * Integer.BYTES);
    metrics = aligned(finished + rows);
    clippedActions = aligned(metrics + (long) reported * rows * METRIC_BYTES);
    long clipped = (long) reported * launch.program().innerSteps() * rows;
    masses = aligned(clippedActions + clipped * Integer.BYTES);
    end = aligned(masses + (long) rows * launch.groups() * Double.BYTES);
  }

  private static long aligned(long offset) {
    return Math.ceilDiv(offset, ALIGNMENT) * ALIGNMENT;
  }

  /** No less than a launch's bytes. */
  static long bytes(RowLaunch launch, int rows) {
    return 16L * ALIGNMENT + rows * bytesPerRow(launch);
  }

  /** The same for one row of many. */
  static long bytesPerRow(RowLaunch launch) {
    long perIteration = METRIC_BYTES + (long) launch.program().innerSteps() * Integer.BYTES;
    long inputs = 3L * Double.BYTES + KernelParameters.OPTIMUM_BYTES;
    long state = Double.BYTES + METRIC_BYTES + Integer.BYTES + 1L;
    long masses = (long) launch.groups() * Double.BYTES;
    return inputs + state + launch.reportedIterations() * perIteration + masses;
  }

  /** Device address of the reference's normalisers, or 0. */
  long referenceNormalizers() {
    return referenceIsNormalized ? device + referenceNormalizers : 0;
  }

  /** Device address of the action values' normalisers, or 0. */
  long valueNormalizers() {
    return valuesAreNormalized ? device + valueNormalizers : 0;
  }

  /** What travels to the device. */
  MemorySegment inputs() {
    return host.asSlice(0, metrics);
  }

  /** What travels back. */
  MemorySegment outputs() {
    return host.asSlice(stepSizes, end - stepSizes);
  }

  /** Where {@link #inputs} go. */
  long inputAddress() {
    return device;
  }

  /** Where {@link #outputs} come from. */
  long outputAddress() {
    return device + stepSizes;
  }

  /** Writes the rows' numbers to the host's memory. */
  void pack() {
    ActorState actor = block.actor();
    host.set(ValueLayout.JAVA_INT, 0, 0);
    write(rowWeights, block.rowWeights());
    write(stepSizes, actor.stepSizes());
    MemorySegment.copy(
        actor.momentumSteps(), firstRow, host, ValueLayout.JAVA_INT, momentumSteps, rows);
    RowOptimum[] exact = block.optima();
    for (int row = 0; row < rows; row++) {
      int state = firstRow + row;
      host.set(ValueLayout.JAVA_BYTE, finished + row, (byte) (actor.finished()[state] ? 1 : 0));
      if (exact != null) {
        long offset = optima + (long) row * KernelParameters.OPTIMUM_BYTES;
        host.set(ValueLayout.JAVA_DOUBLE, offset, exact[state].largestActionValue());
        host.set(ValueLayout.JAVA_DOUBLE, offset + Double.BYTES, exact[state].offset());
      }
      if (referenceIsNormalized) {
        writeNormalizer(block.reference(), referenceNormalizers, row);
      }
      if (valuesAreNormalized) {
        writeNormalizer(block.actionValues(), valueNormalizers, row);
      }
    }
    RowResults results = launch.results();
    if (results != null) {
      for (RowMetric metric : RowMetric.values()) {
        write(latest + metricOffset(0, metric), results.latest(metric));
      }
    }
  }

  private void writeNormalizer(RowTable table, long offset, int row) {
    host.set(
        ValueLayout.JAVA_DOUBLE,
        offset + (long) row * Double.BYTES,
        DeviceTable.logNormalizer(table, firstRow + row));
  }

  private void write(long offset, double[] states) {
    MemorySegment.copy(states, firstRow, host, ValueLayout.JAVA_DOUBLE, offset, rows);
  }

  private void read(long offset, double[] states) {
    MemorySegment.copy(host, ValueLayout.JAVA_DOUBLE, offset, states, firstRow, rows);
  }

  private long metricOffset(int outerIteration, RowMetric metric) {
    return ((long) outerIteration * RowMetric.COUNT + metric.ordinal()) * rows * Double.BYTES;
  }

  /** Sets a launch's pointers to these numbers. */
  void set(KernelParameters parameters) {
    parameters
        .set("nextRow", device)
        .set("rowWeights", device + rowWeights)
        .set("optima", block.optima() == null ? 0 : device + optima)
        .set("stepSizes", device + stepSizes)
        .set("momentumSteps", device + momentumSteps)
        .set("finished", device + finished);
    if (launch.results() != null) {
      parameters.set("latest", device + latest);
      if (launch.reportedIterations() > 0) {
        parameters.set("metrics", device + metrics).set("clippedActions", device + clippedActions);
      }
    }
  }

  /** Device address of masses by group. */
  long massAddress() {
    return device + masses;
  }

  /** Reads what has come back. */
  void unpack() {
    ActorState actor = block.actor();
    if (launch.outerIterations() > 0) {
      read(stepSizes, actor.stepSizes());
      MemorySegment.copy(
          host, ValueLayout.JAVA_INT, momentumSteps, actor.momentumSteps(), firstRow, rows);
      for (int row = 0; row < rows; row++) {
        actor.finished()[firstRow + row] = host.get(ValueLayout.JAVA_BYTE, finished + row) != 0;
      }
    }
    unpackMasses();
    unpackResults();
  }

  private void unpackMasses() {
    GroupMasses wanted = launch.masses();
    if (wanted == null) {
      return;
    }
    int groups = launch.groups();
    for (int row = 0; row < rows; row++) {
      MemorySegment.copy(
          host,
          ValueLayout.JAVA_DOUBLE,
          masses + (long) row * groups * Double.BYTES,
          wanted.masses()[firstRow + row],
          0,
          groups);
    }
  }

  private void unpackResults() {
    RowResults results = launch.results();
    if (results == null) {
      return;
    }
    int reported = launch.reportedIterations();
    int innerSteps = launch.program().innerSteps();
    for (RowMetric metric : RowMetric.values()) {
      read(latest + metricOffset(0, metric), results.latest(metric));
      for (int n = 0; n < reported; n++) {
        read(metrics + metricOffset(n, metric), results.metric(n, metric));
      }
    }
    for (int n = 0; n < reported; n++) {
      for (int k = 0; k < innerSteps; k++) {
        MemorySegment.copy(
            host,
            ValueLayout.JAVA_INT,
            clippedActions + ((long) n * innerSteps + k) * rows * Integer.BYTES,
            results.clippedActions(n, k),
            firstRow,
            rows);
      }
    }
  }
}
