package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.DriverException;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.OptimumSweepsSource;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ByteSize;
import dev.clipkl.table.RowTable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Row programs on an NVIDIA GPU: float32 with float64 sums, a row per block of threads or per
 * cluster of blocks, and as many outer iterations per launch as a call asks for.
 *
 * <p>A kept block's rows stay in device memory; those that do not fit travel there and back in
 * every call, copies beside computation. Results are the same bits wherever rows lie.
 */
public final class CudaEngine implements Engine {
  private static final int LANES = 2;

  /** The driver's own: a part of the free memory that is left alone. */
  private static final int RESERVED_PART = 32;

  /** Of each lane's numbers per row: at most this, and this part of a small memory. */
  private static final long NUMBERS_BYTES = 32L << 20;

  private static final int NUMBERS_PART = 64;

  private final CudaContext context;
  private final KernelLibrary kernels;
  private final String deviceDescription;
  private final long numbersBytes;
  private final OptimumSweepsSource optima;
  private final RowThreads threads;
  private final HostGroupMasses hostMasses;
  private final TableTransfer transfer;
  private final List<RowLane> lanes;
  private final Map<PlanKey, LaunchPlan> plans = new HashMap<>();
  private @Nullable Placed placed;

  private record PlanKey(
      String kernel, RowProgram program, int columns, int converted, boolean oneStep) {

    static PlanKey of(String kernel, RowProgram program, RowBlock block, boolean oneStep) {
      return new PlanKey(
          kernel,
          program,
          block.columns(),
          converted(block.reference(), block) + converted(block.actionValues(), block),
          oneStep);
    }

    /** 1 for a table whose stored numbers are not the float32 numbers that are computed with. */
    private static int converted(RowTable table, RowBlock block) {
      return table.isHalf() || RowNumbers.isNormalized(table, block.firstRow(), block.endRow())
          ? 1
          : 0;
    }
  }

  /** A block whose rows have their place, and those of its tables that are on the device. */
  private record Placed(
      RowBlock block, boolean gradients, RowPlacement placement, @Nullable DeviceRows resident) {

    boolean serves(RowBlock other, boolean withGradients) {
      return gradients == withGradients
          && other.actor().logits() == block.actor().logits()
          && other.reference() == block.reference()
          && other.actionValues() == block.actionValues()
          && other.firstRow() >= block.firstRow()
          && other.endRow() <= block.endRow();
    }

    int residentEnd() {
      return block.firstRow() + placement.residentRows();
    }
  }

  /**
   * An engine on the device that a probe has found; closing the engine closes the device.
   *
   * @param threads that pack rows for copies, and solve for exact optima; at least 1
   * @param optima how the CPU solves for them
   * @throws EnvironmentException with the probe's reason, where it has found none
   */
  public CudaEngine(CudaProbe probe, int threads, OptimumSweepsSource optima) {
    CudaProbe.Access access = probe.access();
    context = access.context();
    kernels = access.kernels();
    deviceDescription = probe.reason();
    this.optima = optima;
    this.threads = new RowThreads(threads);
    hostMasses = new HostGroupMasses(this.threads);
    context.makeCurrent();
    numbersBytes = Math.min(NUMBERS_BYTES, context.freeBytes() / NUMBERS_PART);
    transfer = new TableTransfer(context, this.threads);
    lanes = Stream.generate(() -> new RowLane(context, transfer)).limit(LANES).toList();
  }

  /**
   * One line: the device that an engine would use.
   *
   * @throws EnvironmentException with the reason, where it cannot run
   */
  public static String describe(int threads) {
    try (CudaProbe probe = CudaProbe.run()) {
      probe.access();
      return describe(probe.reason(), threads);
    }
  }

  private static String describe(String device, int threads) {
    return "cuda: float32 with float64 sums, %s, threads %d".formatted(device, threads);
  }

  @Override
  public EngineKind kind() {
    return EngineKind.CUDA;
  }

  @Override
  public String description() {
    return describe(deviceDescription, threads());
  }

  @Override
  public int threads() {
    return threads.threads();
  }

  /** Page-locked memory for copies. */
  @Override
  public long scratchBytes(int columns, OptimizerKind optimizer) {
    return TableTransfer.hostBytes(columns) + LANES * NUMBERS_BYTES;
  }

  @Override
  public OptimumSweeps optimumSweeps(Divergence divergence, double lambda, int columns) {
    return optima.optimumSweeps(divergence, lambda, columns);
  }

  /** Bytes of device memory that tables can take, by what is free now. */
  public long tableMemory() {
    context.makeCurrent();
    return budget();
  }

  /** What is free, or held by the lanes for the same purpose, less what is not for tables. */
  private long budget() {
    long free = context.freeBytes();
    for (RowLane lane : lanes) {
      free += lane.heldBytes();
    }
    return free - free / RESERVED_PART - LANES * numbersBytes;
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results) {
    visit(new RowLaunch(sweep("evaluate_rows", block, program), block, program, 0, results, null));
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results, GroupMasses masses) {
    evaluate(block, program, results);
    fetch(block);
    hostMasses.fill(block, masses);
  }

  @Override
  public void run(
      RowBlock block, RowProgram program, int outerIterations, @Nullable RowResults results) {
    LaunchPlan plan = run(block, program, isOneStep(program, outerIterations, results));
    visit(new RowLaunch(plan, block, program, outerIterations, results, null));
  }

  @Override
  public void gradient(RowBlock block, RowProgram program, RowTable gradients) {
    RowLaunch launch =
        new RowLaunch(sweep("gradient_rows", block, program), block, program, 0, null, gradients);
    Placed kept = placed;
    if (kept == null || kept.resident == null) {
      visit(launch);
      return;
    }
    // Gradients need room that kept rows may have taken.
    fetch(kept.block);
    release(kept.block);
    visit(launch);
    keep(kept.block, program);
  }

  /** The plan of runs; {@code oneStep} as for {@link LaunchPlan#run}. */
  LaunchPlan run(RowBlock block, RowProgram program, boolean oneStep) {
    context.makeCurrent();
    return plans.computeIfAbsent(
        PlanKey.of("run", program, block, oneStep),
        key ->
            LaunchPlan.run(
                kernels, context.device(), program, key.columns, key.converted, key.oneStep));
  }

  private static boolean isOneStep(
      RowProgram program, int outerIterations, @Nullable RowResults results) {
    return results == null
        && outerIterations == 1
        && program.innerSteps() == 1
        && program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() != OptimizerKind.NESTEROV
        && program.optimizer() != OptimizerKind.ADAM;
  }

  private LaunchPlan sweep(String kernel, RowBlock block, RowProgram program) {
    context.makeCurrent();
    return plans.computeIfAbsent(
        PlanKey.of(kernel, program, block, false),
        key ->
            LaunchPlan.sweep(
                kernels, context.device(), program, kernel, key.columns, key.converted));
  }

  private void visit(RowLaunch launch) {
    Placed rows = placedFor(launch);
    RowBlock block = launch.block();
    try {
      int turn = 0;
      int count;
      for (int row = block.firstRow(); row < block.endRow(); row += count) {
        RowLane lane = lanes.get(turn++ % LANES);
        lane.finish();
        count = start(launch, rows, lane, row);
      }
      // The older launch first.
      for (int i = 0; i < LANES; i++) {
        lanes.get((turn + i) % LANES).finish();
      }
    } catch (DriverException e) {
      throw e.isOutOfMemory() ? outOfMemory(launch.block(), e) : e;
    } finally {
      lanes.forEach(RowLane::abandon);
    }
  }

  /** Starts a launch on the rows from {@code row} on; how many they are. */
  private int start(RowLaunch launch, Placed rows, RowLane lane, int row) {
    RowPlacement placement = rows.placement;
    int left = launch.block().endRow() - row;
    int most = rowsPerLaunch(launch);
    if (rows.resident != null && row < rows.residentEnd()) {
      int count = Math.min(Math.min(left, most), rows.residentEnd() - row);
      lane.reserve(launch, count, 0);
      lane.startResident(launch, rows.resident, row - rows.block.firstRow(), row, count);
      return count;
    }
    int count = Math.min(Math.min(left, most), placement.streamedRows());
    lane.reserve(launch, count, placement.streamedRows());
    lane.startStreamed(launch, row, count);
    return count;
  }

  private int rowsPerLaunch(RowLaunch launch) {
    long bytes = RowNumbers.bytesPerRow(launch.reportedIterations(), launch.program().innerSteps());
    return Math.clamp(numbersBytes / bytes, 1, Integer.MAX_VALUE);
  }

  private Placed placedFor(RowLaunch launch) {
    boolean gradients = launch.gradients() != null;
    Placed now = placed;
    if (now != null && now.serves(launch.block(), gradients)) {
      return now;
    }
    if (now != null && now.resident != null) {
      throw new IllegalStateException("another block is kept: release it first");
    }
    lanes.forEach(RowLane::closeRows);
    RowPlacement.Demand demand = RowPlacement.Demand.of(launch.block(), gradients);
    LaunchPlan plan = launch.plan();
    RowPlacement placement =
        RowPlacement.stream(
            budget(launch.plan(), demand), demand, plan.mostBlocks() / plan.clusterBlocks());
    return place(launch.block(), gradients, placement);
  }

  private long budget(LaunchPlan plan, RowPlacement.Demand demand) {
    return budget() - LANES * plan.scratchBytes(demand.rows());
  }

  private Placed place(RowBlock block, boolean gradients, RowPlacement placement) {
    if (placement.isImpossible()) {
      throw outOfMemory(block, null);
    }
    DeviceRows resident = null;
    if (placement.residentRows() > 0) {
      try {
        resident = new DeviceRows(context, block, placement.residentRows(), false);
      } catch (DriverException e) {
        throw e.isOutOfMemory() ? outOfMemory(block, e) : e;
      }
    }
    Placed now = new Placed(block, gradients, placement, resident);
    placed = now;
    return now;
  }

  @Override
  public void keep(RowBlock block, RowProgram program) {
    LaunchPlan plan = run(block, program, false);
    if (placed != null) {
      release(placed.block);
    }
    RowPlacement.Demand demand = RowPlacement.Demand.of(block, false);
    RowPlacement placement = RowPlacement.keep(budget(plan, demand), demand);
    Placed now = place(block, false, placement);
    if (now.resident != null) {
      RowLane lane = lanes.getFirst();
      now.resident.upload(
          transfer, lane.stream(), block, block.firstRow(), placement.residentRows());
      lane.stream().synchronize();
    }
  }

  @Override
  public void fetch(RowBlock block) {
    Placed now = placed;
    if (now != null && now.resident != null && now.serves(block, false)) {
      context.makeCurrent();
      now.resident.download(
          transfer,
          lanes.getFirst().stream(),
          now.block,
          now.block.firstRow(),
          now.placement.residentRows());
    }
  }

  @Override
  public void release(RowBlock block) {
    Placed now = placed;
    if (now == null) {
      return;
    }
    context.makeCurrent();
    placed = null;
    lanes.forEach(RowLane::closeRows);
    if (now.resident != null) {
      now.resident.close();
    }
  }

  private EnvironmentException outOfMemory(RowBlock block, @Nullable DriverException cause) {
    RowPlacement.Demand demand = RowPlacement.Demand.of(block, false);
    long free = context.freeBytes();
    String message =
        "the engine cuda: a row of %d actions needs %s of device memory, %d rows need %s; %s are free (%s): the largest N that fits is %d; use fewer prompts, a smaller vocabulary, or run.engine vector"
            .formatted(
                block.columns(),
                ByteSize.format(demand.bytesPerRow()),
                demand.rows(),
                ByteSize.format(demand.laneBytes(demand.rows())),
                ByteSize.format(free),
                deviceDescription,
                demand.largestRows(budget()));
    return cause == null
        ? new EnvironmentException(message)
        : new EnvironmentException(message, cause);
  }

  @Override
  public void close() {
    threads.close();
    try {
      context.close();
    } catch (DriverException e) {
      // A device that has failed refuses to give back as well; its failure has been told.
    }
  }
}
