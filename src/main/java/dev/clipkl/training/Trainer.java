package dev.clipkl.training;

import dev.clipkl.config.Mode;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.MetricSink;
import dev.clipkl.problem.Problem;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The training loop: freezes the sampling policy, runs the inner steps on every row, looks at the
 * exact gap, and again.
 *
 * <p>Where rows never meet, a visit to a row runs a block of outer iterations while it is in cache.
 * The block's length depends only on the problem's size: results never depend on time.
 */
public final class Trainer {
  /** Entry updates between two looks at the clock: a second or so on two cores. */
  private static final long BLOCK_ENTRIES = 1L << 29;

  private static final int LONGEST_BLOCK = 16;

  private final Problem problem;
  private final Engine engine;
  private final RowProgram program;
  private final RowCoupling coupling;
  private final RowBlock block;
  private final TrainingLimits limits;
  private final MetricSink sink;
  private final TrainingListener listener;
  private final RowResults results;
  private final MetricAverages averages;
  private final PhaseClock clock;
  private final Mode mode;
  private final int blockLength;

  /**
   * A loop over one run's problem.
   *
   * @param run with the actor where training starts; changed in place
   */
  public Trainer(LoadedRun run, TrainingLimits limits, MetricSink sink, TrainingListener listener) {
    this.limits = limits;
    this.sink = sink;
    this.listener = listener;
    problem = run.problem();
    engine = run.engine();
    program = run.program();
    coupling = run.coupling();
    clock = run.clock();
    mode = run.config().mode();
    block = coupling.block();
    blockLength = coupling.rowsMeet() ? 1 : blockLength(problem, program);
    results = new RowResults(blockLength, problem.states(), program.innerSteps());
    averages = new MetricAverages(coupling);
  }

  private static int blockLength(Problem problem, RowProgram program) {
    long entriesPerIteration = (long) problem.states() * problem.actions() * program.innerSteps();
    return Math.clamp(BLOCK_ENTRIES / entriesPerIteration, 1, LONGEST_BLOCK);
  }

  /**
   * Trains until a limit is reached.
   *
   * @param from what the actor has behind it; at the start its metrics are written first
   * @throws InputException when a step has led to a policy that is no longer finite
   */
  public TrainingResult run(Checkpoint from) {
    if (!coupling.canBeKept()) {
      return loop(from);
    }
    clock.during(Phase.LOADING, () -> engine.keep(block, program));
    try {
      TrainingResult result = loop(from);
      clock.during(Phase.WRITING, () -> engine.fetch(block));
      return result;
    } finally {
      engine.release(block);
    }
  }

  private TrainingResult loop(Checkpoint from) {
    long start = System.nanoTime();
    clock.during(Phase.VALUES, coupling::update);
    if (from.isStart() || coupling.rowsMeet()) {
      evaluate();
    } else {
      restore(from.rowMetrics());
    }
    MetricRecord first = clock.during(Phase.METRICS, () -> firstMetrics(from));
    TrainingProgress progress =
        progress(from.outerIteration(), from.seconds(), first, from.stalled());
    while (true) {
      StopReason reason = stopReason(progress);
      if (reason != null) {
        return new TrainingResult(reason, progress, first, clock.seconds());
      }
      progress = runBlock(progress, from.seconds(), start);
      listener.afterBlock(progress);
    }
  }

  private void evaluate() {
    clock.during(Phase.ROW_PROGRAMS, () -> coupling.evaluate(engine, program, results));
  }

  /** Those of the policy that it begins with; written unless they were before. */
  private MetricRecord firstMetrics(Checkpoint from) {
    MetricRecord first =
        averages.record(
            from.outerIteration(),
            results::latest,
            Double.NaN,
            rowsFinished(),
            from.seconds(),
            Double.NaN);
    if (from.isStart()) {
      sink.write(first);
    }
    return first;
  }

  private void restore(double[][] rowMetrics) {
    for (RowMetric metric : RowMetric.values()) {
      double[] rows = results.latest(metric);
      System.arraycopy(rowMetrics[metric.ordinal()], 0, rows, 0, rows.length);
    }
  }

  private TrainingProgress progress(
      int outerIteration, double seconds, MetricRecord latest, boolean stalled) {
    double[][] rowMetrics =
        Arrays.stream(RowMetric.values()).map(results::latest).toArray(double[][]::new);
    return new TrainingProgress(outerIteration, seconds, latest, stalled, rowMetrics, this::actor);
  }

  private ActorState actor() {
    engine.fetch(block);
    return block.actor();
  }

  private TrainingProgress runBlock(TrainingProgress before, double secondsBefore, long start) {
    int length = Math.min(blockLength, limits.outerIterations() - before.outerIteration());
    long blockStart = System.nanoTime();
    clock.during(Phase.ROW_PROGRAMS, () -> engine.run(block, program, length, results));
    if (coupling.rowsMeet()) {
      clock.during(Phase.VALUES, coupling::update);
      evaluate();
    }
    long now = System.nanoTime();
    MetricRecord latest =
        clock.during(
            Phase.METRICS,
            () ->
                writeMetrics(
                    before,
                    length,
                    secondsBefore + (blockStart - start) * 1e-9,
                    (now - blockStart) * 1e-9));
    // A last iteration without a step would be repeated for ever: row programs are deterministic.
    boolean stalled = MetricAverages.sum(results.metric(length - 1, RowMetric.STEPS_TAKEN)) == 0.0;
    return progress(
        before.outerIteration() + length, secondsBefore + (now - start) * 1e-9, latest, stalled);
  }

  /** Writes a block's lines; the last of them. */
  private MetricRecord writeMetrics(
      TrainingProgress before, int length, double secondsAtStart, double blockSeconds) {
    double steps = 0.0;
    for (int n = 0; n < length; n++) {
      steps += MetricAverages.sum(results.metric(n, RowMetric.STEPS_TAKEN));
    }
    double entriesPerSecond = steps * problem.actions() / blockSeconds;
    MetricRecord latest = before.latest();
    for (int n = 0; n < length; n++) {
      int iteration = n;
      latest =
          averages.record(
              before.outerIteration() + n + 1,
              metric -> rowMetric(iteration, metric),
              latest.get(MetricNames.GAP),
              rowsWithin(results.metric(n, RowMetric.GAP)),
              secondsAtStart + blockSeconds * (n + 1) / length,
              entriesPerSecond);
      requireFinite(latest);
      sink.write(latest);
    }
    return latest;
  }

  /** Where rows meet, what describes the policy is known only after the update. */
  private double[] rowMetric(int iteration, RowMetric metric) {
    return coupling.rowsMeet() && metric.describesPolicy()
        ? results.latest(metric)
        : results.metric(iteration, metric);
  }

  /** A step rule without trials can throw the logits out of range: no policy is left then. */
  private void requireFinite(MetricRecord metrics) {
    double gap = metrics.get(MetricNames.GAP);
    if (!Double.isFinite(gap)) {
      throw new InputException(
          "optimizer.step-size %s is too large for step-rule %s: after outer iteration %d the policy"
                  .formatted(
                      program.stepSize(),
                      program.stepRule().name().toLowerCase(Locale.ROOT),
                      metrics.outerIteration())
              + " is no longer finite (%s %s); lower it or use %s"
                  .formatted(
                      MetricNames.GAP, gap, RunWarnings.otherRules(mode, program.stepRule())));
    }
  }

  private @Nullable StopReason stopReason(TrainingProgress progress) {
    if (progress.latest().get(MetricNames.GAP) <= limits.tolerance()) {
      return StopReason.CONVERGED;
    }
    if (progress.stalled()) {
      return StopReason.STALLED;
    }
    if (progress.outerIteration() >= limits.outerIterations()) {
      return StopReason.ITERATIONS;
    }
    if (progress.seconds() >= limits.seconds()) {
      return StopReason.TIME;
    }
    return listener.stopRequested() ? StopReason.INTERRUPTED : null;
  }

  private int rowsFinished() {
    return rowsWithin(results.latest(RowMetric.GAP));
  }

  private int rowsWithin(double[] gaps) {
    int within = 0;
    for (double gap : gaps) {
      if (gap <= program.tolerance()) {
        within++;
      }
    }
    return within;
  }
}
