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
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ByteSize;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * Row programs on an NVIDIA GPU: float32 with float64 sums, a row per block of threads or per
 * cluster of blocks, and as many outer iterations per launch as a call asks for.
 *
 * <p>A kept block's rows stay in device memory; those that do not fit travel there and back in
 * every call, copies beside computation. What the rows of a layer share travels with every call.
 * Results are the same bits wherever rows lie.
 */
public final class CudaEngine implements Engine {
  /** The driver's own: a part of the free memory that is left alone. */
  private static final int RESERVED_PART = 32;

  private final CudaContext context;
  private final LaunchPlans plans;
  private final String deviceDescription;
  private final OptimumSweepsSource optima;
  private final RowThreads threads;
  private final TableTransfer transfer;
  private final LaunchLanes lanes;
  private @Nullable PlacedRows placed;

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
    plans = new LaunchPlans(context, access.kernels());
    deviceDescription = probe.reason();
    this.optima = optima;
    this.threads = new RowThreads(threads);
    context.makeCurrent();
    transfer = new TableTransfer(context, this.threads);
    lanes = new LaunchLanes(context, transfer);
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
    return TableTransfer.hostBytes(columns) + LaunchLanes.hostBytes();
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
    long free = context.freeBytes() + lanes.heldBytes();
    return free - free / RESERVED_PART - lanes.neededBytes();
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results) {
    visit(RowLaunch.evaluation(plans.evaluation(block, program), block, program, results, null));
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results, GroupMasses masses) {
    visit(RowLaunch.evaluation(plans.evaluation(block, program), block, program, results, masses));
  }

  @Override
  public void run(
      RowBlock block, RowProgram program, int outerIterations, @Nullable RowResults results) {
    LaunchPlan plan =
        runPlan(block, program, LaunchPlans.isOneStep(program, outerIterations, results));
    visit(RowLaunch.run(plan, block, program, outerIterations, results));
  }

  /** How runs are launched; {@code oneStep} as for {@link LaunchPlan#run}. */
  LaunchPlan runPlan(RowBlock block, RowProgram program, boolean oneStep) {
    return plans.run(block, program, oneStep);
  }

  @Override
  public void gradient(RowBlock block, RowProgram program, RowTable gradients) {
    RowLaunch launch =
        RowLaunch.gradient(plans.gradient(block, program), block, program, gradients);
    PlacedRows kept = placed;
    if (kept == null || kept.resident() == null) {
      visit(launch);
      return;
    }
    // Gradients need room that kept rows may have taken.
    fetch(kept.block());
    release(kept.block());
    visit(launch);
    keep(kept.block(), program);
  }

  private void visit(RowLaunch launch) {
    PlacedRows rows = placedFor(launch);
    try {
      lanes.visit(launch, rows);
    } catch (DriverException e) {
      throw e.isOutOfMemory() ? outOfMemory(launch.block(), e) : e;
    }
  }

  private PlacedRows placedFor(RowLaunch launch) {
    boolean gradients = launch.gradients() != null;
    PlacedRows now = placed;
    if (now != null && now.serves(launch.block(), gradients)) {
      return now;
    }
    if (now != null && now.resident() != null) {
      throw new IllegalStateException("another block is kept: release it first");
    }
    lanes.closeRows();
    RowPlacement.Demand demand = RowPlacement.Demand.of(launch.block(), gradients);
    LaunchPlan plan = launch.plan();
    long budget = budget() - demand.besides(plan);
    int least = plan.mostBlocks() / plan.clusterBlocks();
    return place(launch.block(), gradients, RowPlacement.stream(budget, demand, least));
  }

  private PlacedRows place(RowBlock block, boolean gradients, RowPlacement placement) {
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
    PlacedRows now = new PlacedRows(block, gradients, placement, resident);
    placed = now;
    return now;
  }

  @Override
  public void keep(RowBlock block, RowProgram program) {
    LaunchPlan run = plans.run(block, program, false);
    LaunchPlan evaluation = plans.evaluation(block, program);
    if (placed != null) {
      release(placed.block());
    }
    if (!DeviceTable.canBeKept(block.actionValues())) {
      return;
    }
    RowPlacement.Demand demand = RowPlacement.Demand.of(block, false);
    long besides = Math.max(demand.besides(run), demand.besides(evaluation));
    RowPlacement placement = RowPlacement.keep(budget() - besides, demand);
    DeviceRows resident = place(block, false, placement).resident();
    if (resident != null) {
      resident.upload(transfer, lanes.stream(), block, block.firstRow(), placement.residentRows());
      lanes.stream().synchronize();
    }
  }

  @Override
  public void fetch(RowBlock block) {
    PlacedRows now = placed;
    if (now != null && now.resident() != null && now.serves(block, false)) {
      context.makeCurrent();
      now.resident()
          .download(
              transfer,
              lanes.stream(),
              now.block(),
              now.block().firstRow(),
              now.placement().residentRows());
    }
  }

  @Override
  public void release(RowBlock block) {
    PlacedRows now = placed;
    if (now == null) {
      return;
    }
    context.makeCurrent();
    placed = null;
    lanes.closeRows();
    if (now.resident() != null) {
      now.resident().close();
    }
  }

  /** How many rows are kept on the device. */
  int residentRows() {
    return placed == null ? 0 : placed.placement().residentRows();
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
