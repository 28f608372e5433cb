package dev.clipkl.certify;

import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.exact.CurvatureBounds;
import dev.clipkl.exact.RowCertificate;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.training.LoadedRun;
import dev.clipkl.training.LogPolicy;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A bandit's rows, each certified on its own in float64. A row that is finished costs nothing: its
 * policy, and so its certificate, stays.
 */
final class BanditReplay implements Replay {
  private final RowProgram program;
  private final RowBlock block;
  private final RowOptimum[] optima;
  private final double[] start;
  private final RowOptimumSolver solver;
  private final CheckLedger ledger;
  private final RowClaims claims;
  private final RowThreads threads;
  private final List<Scratch> scratch;
  private final RowCertificate[] latest;
  private final RowSpans[] spans;
  private final double[] firstGaps;
  private final double[] firstSpans;
  private CurvatureBounds bounds = CurvatureBounds.NONE;

  private record Scratch(double[] logReference, double[] actionValues, double[] logPolicy) {
    static Scratch ofLength(int actions) {
      return new Scratch(new double[actions], new double[actions], new double[actions]);
    }
  }

  /** What of a row's tables never changes. */
  private record RowSpans(double actionValueSpan, double strongConvexity, double minLogReference) {}

  BanditReplay(LoadedRun run, CheckLedger ledger) {
    this.ledger = ledger;
    program = run.program();
    block = run.coupling().block();
    optima = Objects.requireNonNull(block.optima());
    start = run.problem().startDistribution();
    solver = new RowOptimumSolver(program.divergence(), program.lambda());
    claims = new RowClaims(program, true, run.engine().kind().precision(), ledger);
    int threadCount = run.config().run().threadCount();
    threads = new RowThreads(threadCount);
    int actions = block.columns();
    scratch = Stream.generate(() -> Scratch.ofLength(actions)).limit(threadCount).toList();
    latest = new RowCertificate[optima.length];
    spans = new RowSpans[optima.length];
    firstGaps = new double[optima.length];
    firstSpans = new double[optima.length];
    threads.visit(
        scratch,
        0,
        optima.length,
        (arrays, row) -> {
          block.reference().readRow(row, arrays.logReference);
          block.actionValues().readRow(row, arrays.actionValues);
          spans[row] = spans(arrays);
        });
  }

  @Override
  public void start() {
    certify(new boolean[optima.length]);
    for (int row = 0; row < optima.length; row++) {
      firstGaps[row] = latest[row].gap();
      firstSpans[row] = latest[row].optimumSpan();
      observePolicy(row, 0);
    }
    observeWhole(0);
  }

  @Override
  public void afterIteration(int outerIteration, RowResults results) {
    RowCertificate[] before = latest.clone();
    // Finished before this iteration, so left alone by it.
    boolean[] idle = new boolean[optima.length];
    for (int row = 0; row < idle.length; row++) {
      idle[row] = before[row].gap() <= program.tolerance() && stepsTaken(results, row) == 0.0;
    }
    certify(idle);
    for (int row = 0; row < optima.length; row++) {
      if (idle[row]) {
        continue;
      }
      RowCertificate now = latest[row];
      claims.observeMove(
          new RowClaims.Move(row, outerIteration, before[row], now.gap(), now.optimumSpan()),
          results);
      int state = row;
      ledger.observe(
          Claim.MONOTONE,
          now.gap() - before[row].gap(),
          0.0,
          claims.valueRounding(before[row]),
          () -> "row %d, outer iteration %d".formatted(state, outerIteration));
      observePolicy(row, outerIteration);
    }
    observeWhole(outerIteration);
  }

  private static double stepsTaken(RowResults results, int row) {
    return results.metric(0, RowMetric.STEPS_TAKEN)[row];
  }

  /** Measures all rows but the idle ones, on all threads. */
  private void certify(boolean[] idle) {
    threads.visit(
        scratch,
        0,
        optima.length,
        (arrays, row) -> {
          if (idle[row]) {
            return;
          }
          block.reference().readRow(row, arrays.logReference);
          block.actionValues().readRow(row, arrays.actionValues);
          block.actor().logits().readRow(row, arrays.logPolicy);
          LogPolicy.normalize(arrays.logPolicy);
          latest[row] =
              RowCertificate.measure(
                  program.divergence(),
                  program.lambda(),
                  program.optimizer(),
                  optima[row],
                  solver.logPolicy(optima[row], arrays.logReference, arrays.actionValues),
                  arrays.logPolicy,
                  arrays.logReference,
                  arrays.actionValues);
        });
  }

  private RowSpans spans(Scratch arrays) {
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    double leastReference = Double.POSITIVE_INFINITY;
    double largestReference = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < arrays.actionValues.length; a++) {
      least = Math.min(least, arrays.actionValues[a]);
      largest = Math.max(largest, arrays.actionValues[a]);
      leastReference = Math.min(leastReference, arrays.logReference[a]);
      largestReference = Math.max(largestReference, arrays.logReference[a]);
    }
    return new RowSpans(
        largest - least,
        program.divergence().strongConvexity(leastReference, largestReference),
        leastReference);
  }

  private void observePolicy(int row, int outerIteration) {
    claims.observePolicy(
        row, outerIteration, latest[row], spans[row].actionValueSpan, spans[row].strongConvexity);
  }

  /** {@code |grad V|^2 >= C^2 gap}, {@code C^2 = 2 lambda min_s u(s) kappa_s} (THEORY 4.2). */
  private void observeWhole(int outerIteration) {
    double squaredNorm = 0.0;
    double least = Double.POSITIVE_INFINITY;
    for (int row = 0; row < latest.length; row++) {
      squaredNorm += start[row] * start[row] * latest[row].lojasiewicz().squaredGradientNorm();
      least = Math.min(least, start[row] * latest[row].lojasiewicz().kappa());
      bounds = bounds.largest(latest[row].bounds());
    }
    double gap = gap();
    ledger.declare(Claim.LOJASIEWICZ, Standing.PROVEN, null);
    if (gap > 0.0 && least > 0.0) {
      ledger.observe(
          Claim.LOJASIEWICZ,
          squaredNorm / (2.0 * program.lambda() * least * gap),
          1.0,
          1e-6,
          () -> "outer iteration " + outerIteration);
    }
  }

  @Override
  public double gap() {
    double sum = 0.0;
    for (int row = 0; row < latest.length; row++) {
      sum += start[row] * latest[row].gap();
    }
    return sum;
  }

  @Override
  public FinalPolicy finish(int outerIterations, boolean replayed) {
    certify(new boolean[optima.length]);
    double lower = 0.0;
    double upper = 0.0;
    double value = 0.0;
    double minLogPolicy = Double.POSITIVE_INFINITY;
    double largestReward = 0.0;
    for (int row = 0; row < optima.length; row++) {
      lower += start[row] * optima[row].lowerBound();
      value += start[row] * optima[row].value();
      upper += start[row] * optima[row].upperBound();
      minLogPolicy = Math.min(minLogPolicy, latest[row].minLogProbability());
      double largest = optima[row].largestActionValue();
      largestReward =
          Math.max(
              largestReward,
              Math.max(Math.abs(largest), Math.abs(largest - spans[row].actionValueSpan)));
      if (!replayed) {
        observePolicy(row, outerIterations);
      } else {
        observeInterior(row);
      }
    }
    observeWhole(outerIterations);
    ledger.declare(Claim.OPTIMUM_BOUNDS, Standing.PROVEN, "beside the run's tolerance");
    ledger.observe(
        Claim.OPTIMUM_BOUNDS, upper - lower, Math.max(program.tolerance(), 1e-12), 0.0, null);
    ledger.declare(
        Claim.PAPER_SMOOTHNESS, Standing.MEASURED, "the suprema are those of the policies met");
    ledger.observe(
        Claim.PAPER_SMOOTHNESS,
        bounds.localCurvature(0.0),
        bounds.paperSmoothness(0.0, largestReward, program.lambda()),
        0.0,
        null);
    double gap = gap();
    return new FinalPolicy(value - gap, lower, upper, gap, minLogPolicy);
  }

  /** THEORY 4.4: how near the boundary a row can have come. */
  private void observeInterior(int row) {
    switch (program.divergence()) {
      case ReverseKl f -> {
        ledger.declare(
            Claim.INTERIOR,
            claims.interiorStanding(),
            "min (log p - log p*) >= -span(log p_0 - log p*); proven while nothing is clipped");
        ledger.observe(
            Claim.INTERIOR,
            latest[row].minLogToOptimum(),
            -firstSpans[row],
            1e-4,
            () -> "row " + row);
      }
      case ForwardKl f -> {
        // KL(q || p) <= (max r - V_0) / lambda =: B, and by data processing p >= q e^{-1 - B / q}.
        double headroom =
            (optima[row].largestActionValue() - optima[row].value() + firstGaps[row])
                / program.lambda();
        double logReference = spans[row].minLogReference;
        ledger.declare(
            Claim.INTERIOR,
            Standing.PROVEN,
            "log p_a >= log q_a - 1 - B / q_a, for the rarest action; follows from the monotone"
                + " value");
        ledger.observe(
            Claim.INTERIOR,
            latest[row].minLogProbability(),
            logReference - 1.0 - headroom * Math.exp(-logReference),
            1e-4,
            () -> "row " + row);
      }
      default -> {}
    }
  }

  @Override
  public void close() {
    threads.close();
  }
}
