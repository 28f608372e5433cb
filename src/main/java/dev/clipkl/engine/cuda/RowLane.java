package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaStream;
import dev.clipkl.driver.DeviceMemory;
import dev.clipkl.driver.DriverException;
import dev.clipkl.driver.PinnedMemory;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * A stream with the memory that one launch needs. Two lanes take launches in turn, so that the
 * copies of one run beside the computation of the other.
 */
final class RowLane implements AutoCloseable {
  private final CudaContext context;
  private final TableTransfer transfer;
  private final SharedRows shared;
  private final DeviceGroups groups;
  private final CudaStream stream;
  private @Nullable DeviceMemory numbersOnDevice;
  private @Nullable PinnedMemory numbersOnHost;
  private @Nullable DeviceMemory scratch;
  private @Nullable DeviceRows rows;
  private @Nullable InFlight inFlight;

  /** A launch that has been started, and whose results have not been read. */
  private record InFlight(
      RowLaunch launch,
      RowNumbers numbers,
      int firstRow,
      int count,
      @Nullable DeviceRows streamed) {}

  RowLane(CudaContext context, TableTransfer transfer, SharedRows shared, DeviceGroups groups) {
    this.context = context;
    this.transfer = transfer;
    this.shared = shared;
    this.groups = groups;
    stream = context.createStream();
  }

  CudaStream stream() {
    return stream;
  }

  /** Bytes of device memory for numbers and working arrays. */
  long heldBytes() {
    return (numbersOnDevice == null ? 0 : numbersOnDevice.bytes())
        + (scratch == null ? 0 : scratch.bytes());
  }

  /**
   * Makes room for the launches of one call. Room for tables is kept until {@link #closeRows}, for
   * further calls with the same tables.
   *
   * @param most rows of a launch
   * @param streamed rows whose tables travel with a launch; 0 for none
   */
  void reserve(RowLaunch launch, int most, int streamed) {
    long bytes = RowNumbers.bytes(launch, most);
    if (numbersOnDevice == null || numbersOnDevice.bytes() < bytes) {
      closeNumbers();
      numbersOnDevice = context.allocate(bytes);
      numbersOnHost = context.allocatePinned(bytes);
    }
    long scratchBytes = launch.plan().scratchBytes(most);
    if (scratchBytes > 0 && (scratch == null || scratch.bytes() < scratchBytes)) {
      closeScratch();
      scratch = context.allocate(scratchBytes);
    }
    if (streamed > 0 && rows == null) {
      rows = new DeviceRows(context, launch.block(), streamed, launch.gradients() != null);
    }
  }

  /** Starts a launch on rows whose tables travel with it; the lane is idle. */
  void startStreamed(RowLaunch launch, int firstRow, int count) {
    DeviceRows room = required(rows);
    room.upload(transfer, stream, launch.block(), firstRow, count);
    start(launch, room, 0, firstRow, count, room);
  }

  /** Starts a launch on rows that are on the device from {@code at} on; the lane is idle. */
  void startResident(RowLaunch launch, DeviceRows resident, int at, int firstRow, int count) {
    start(launch, resident, at, firstRow, count, null);
  }

  private void start(
      RowLaunch launch,
      DeviceRows tables,
      int at,
      int firstRow,
      int count,
      @Nullable DeviceRows streamed) {
    RowNumbers numbers =
        new RowNumbers(
            required(numbersOnHost).segment(),
            required(numbersOnDevice).address(),
            launch,
            firstRow,
            count);
    numbers.pack();
    stream.copyToDevice(numbers.inputs(), numbers.inputAddress());
    try (Arena arena = Arena.ofConfined()) {
      KernelParameters parameters = new KernelParameters(arena);
      launch.set(parameters, count);
      tables.set(parameters, launch.block(), at, numbers, shared);
      numbers.set(parameters);
      if (launch.masses() != null) {
        groups.set(parameters, numbers.massAddress());
      }
      if (launch.plan().scratchBytesPerBlock() > 0) {
        parameters.set("scratch", required(scratch).address());
      }
      launch.plan().kernel().launch(stream, launch.plan().shape(count), parameters.segment());
    }
    stream.copyToHost(numbers.outputAddress(), numbers.outputs());
    inFlight = new InFlight(launch, numbers, firstRow, count, streamed);
  }

  /** Waits for the launch that is under way, if there is one, and reads what it has left. */
  void finish() {
    InFlight done = inFlight;
    if (done == null) {
      return;
    }
    inFlight = null;
    stream.synchronize();
    done.numbers.unpack();
    DeviceRows tables = done.streamed;
    if (tables == null) {
      return;
    }
    RowLaunch launch = done.launch;
    if (launch.gradients() != null) {
      tables.downloadGradients(transfer, stream, launch.gradients(), done.firstRow, done.count);
    } else if (launch.outerIterations() > 0) {
      tables.download(transfer, stream, launch.block(), done.firstRow, done.count);
    }
  }

  /** Waits for the launch that is under way and forgets it, after a failure. */
  void abandon() {
    if (inFlight != null) {
      inFlight = null;
      try {
        stream.synchronize();
      } catch (DriverException e) {
        // The failure that came first is the one to be told; a broken device tells the next call.
      }
    }
  }

  private static <T> T required(@Nullable T memory) {
    if (memory == null) {
      throw new IllegalStateException("no memory was reserved for this launch");
    }
    return memory;
  }

  /** Gives back the room for tables. */
  void closeRows() {
    if (rows != null) {
      rows.close();
      rows = null;
    }
  }

  private void closeNumbers() {
    if (numbersOnDevice != null) {
      numbersOnDevice.close();
      numbersOnDevice = null;
    }
    if (numbersOnHost != null) {
      numbersOnHost.close();
      numbersOnHost = null;
    }
  }

  private void closeScratch() {
    if (scratch != null) {
      scratch.close();
      scratch = null;
    }
  }

  @Override
  public void close() {
    closeRows();
    closeScratch();
    closeNumbers();
    stream.close();
  }
}
