package dev.clipkl.certify;

import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.CurvatureBounds;
import dev.clipkl.exact.RowCertificate;
import dev.clipkl.exact.RowGap;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.exact.TokenEvaluator;
import dev.clipkl.exact.TokenOptimum;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.training.LoadedRun;
import dev.clipkl.training.LogPolicy;
import dev.clipkl.training.SequenceRows;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * A token MDP's rows, which meet through V and d after every outer iteration. Values are exact in
 * float64; a row's claims are held against the action values that it was trained on, whose V may
 * have been rounded by the engine, and the difference is allowed for.
 */
final class SequenceReplay implements Replay {
  private static final double ROUNDING = 1e-6;

  private final TokenMdp mdp;
  private final RowProgram program;
  private final SequenceRows rows;
  private final TokenOptimum optimum;
  private final TokenEvaluator evaluator;
  private final RowBlock block;
  private final RowOptimumSolver solver;
  private final CheckLedger ledger;
  private final RowClaims claims;
  private final RowThreads threads;
  private final List<Scratch> scratch;

  /** {@code sum_t gamma^t} over a text's most tokens: {@code 1 / (1 - gamma)} without a horizon. */
  private final double horizon;

  private final RowCertificate[] latest;
  private final RowOptimum[] rowOptima;
  private final RowExtent[] extents;
  private final double[] gapsAfter;
  private CurvatureBounds bounds = CurvatureBounds.NONE;
  private TokenEvaluator.Evaluation exact;
  private double[] trainedValues = {};
  private double trainedError;
  private double[] firstValues = {};
  private double gap;

  private record Scratch(double[] logReference, double[] actionValues, double[] logPolicy) {
    static Scratch ofLength(int tokens) {
      return new Scratch(new double[tokens], new double[tokens], new double[tokens]);
    }
  }

  /** What a row's tables range over. */
  private record RowExtent(
      double actionValueSpan, double leastLogReference, double largestLogReference) {}

  SequenceReplay(LoadedRun run, SequenceRows rows, CheckLedger ledger) {
    this.ledger = ledger;
    this.rows = rows;
    mdp = (TokenMdp) run.problem();
    program = run.program();
    optimum = rows.tokenOptimum();
    block = rows.block();
    int threadCount = run.config().run().threadCount();
    threads = new RowThreads(threadCount);
    scratch = Stream.generate(() -> Scratch.ofLength(mdp.actions())).limit(threadCount).toList();
    evaluator = new TokenEvaluator(mdp, program.divergence(), program.lambda(), threads);
    solver = new RowOptimumSolver(program.divergence(), program.lambda());
    claims = new RowClaims(program, false, run.engine().kind().precision(), ledger);
    horizon = horizon(mdp);
    latest = new RowCertificate[mdp.states()];
    rowOptima = new RowOptimum[mdp.states()];
    extents = new RowExtent[mdp.states()];
    gapsAfter = new double[mdp.states()];
    exact = TokenEvaluator.Evaluation.NONE;
    declare();
  }

  private static double horizon(TokenMdp mdp) {
    if (mdp.horizon().isEmpty()) {
      return 1.0 / (1.0 - mdp.discount());
    }
    double sum = 0.0;
    for (int layer = 0; layer < mdp.layers(); layer++) {
      sum = 1.0 + mdp.discount() * sum;
    }
    return sum;
  }

  private void declare() {
    ledger.declare(Claim.LOJASIEWICZ, Standing.PROVEN, null);
    ledger.declare(Claim.BELLMAN_LOWER, Standing.PROVEN, null);
    ledger.declare(Claim.BELLMAN_UPPER, Standing.PROVEN, null);
    ledger.declare(Claim.OPTIMUM_BOUNDS, Standing.PROVEN, "beside the run's tolerance");
    ledger.declare(
        Claim.VALUE_CONTRACTION,
        Standing.PROVEN,
        "phi = the least part of its row gap that any row closed");
    if (mdp.discount() < 1.0) {
      ledger.declare(
          Claim.PAPER_SMOOTHNESS, Standing.MEASURED, "the suprema are those of the policies met");
    }
  }

  @Override
  public void start() {
    rows.update();
    evaluate();
    firstValues = exact.values();
    certify(0);
  }

  /** The exact values of the actor's policy, after an update of the rows. */
  private void evaluate() {
    exact = evaluator.evaluate(block.actor().logits());
    trainedValues = rows.values();
    trainedError = 0.0;
    for (int s = 0; s < trainedValues.length; s++) {
      trainedError = Math.max(trainedError, Math.abs(trainedValues[s] - exact.values()[s]));
    }
    gap = rows.gap(metric -> new double[0]);
  }

  @Override
  public void afterIteration(int outerIteration, RowResults results) {
    TokenEvaluator.Evaluation before = exact;
    RowCertificate[] certificates = latest.clone();
    double rounding = valueRounding(certificates) + 2.0 * mdp.discount() * trainedError * horizon;
    // The action values are still those that the rows were trained on.
    measureGapsAfter();
    rows.update();
    evaluate();
    rounding += exact.errorBound() + before.errorBound();
    for (int s = 0; s < mdp.states(); s++) {
      int state = s;
      ledger.observe(
          Claim.MONOTONE,
          before.values()[s] - exact.values()[s],
          0.0,
          rounding,
          () -> "state %d, outer iteration %d".formatted(state, outerIteration));
      claims.observeMove(
          new RowClaims.Move(s, outerIteration, certificates[s], gapsAfter[s], Double.NaN),
          results);
    }
    observeContraction(outerIteration, before, certificates, rounding);
    certify(outerIteration);
  }

  private void measureGapsAfter() {
    threads.visit(
        scratch,
        0,
        mdp.states(),
        (arrays, state) -> {
          read(arrays, state);
          gapsAfter[state] =
              RowGap.of(
                  program.divergence(),
                  program.lambda(),
                  rowOptima[state],
                  arrays.logPolicy,
                  arrays.logReference,
                  arrays.actionValues);
        });
  }

  private void read(Scratch arrays, int state) {
    block.reference().readRow(state, arrays.logReference);
    block.actionValues().readRow(state, arrays.actionValues);
    block.actor().logits().readRow(state, arrays.logPolicy);
    LogPolicy.normalize(arrays.logPolicy);
  }

  /**
   * {@code |V* - V'| <= (1 - (1 - gamma) phi) |V* - V|} in the largest norm, {@code phi} the least
   * part of its row gap that any row has closed, at most 1 (THEORY 4.3).
   */
  private void observeContraction(
      int outerIteration,
      TokenEvaluator.Evaluation before,
      RowCertificate[] certificates,
      double rounding) {
    double part = 1.0;
    double distanceBefore = 0.0;
    double distance = 0.0;
    for (int s = 0; s < mdp.states(); s++) {
      double rowGap = certificates[s].gap();
      part = Math.min(part, rowGap > 0.0 ? (rowGap - gapsAfter[s]) / rowGap : 1.0);
      distanceBefore = Math.max(distanceBefore, optimum.upper()[s] - before.values()[s]);
      distance = Math.max(distance, optimum.lower()[s] - exact.values()[s]);
    }
    ledger.observe(
        Claim.VALUE_CONTRACTION,
        distance,
        (1.0 - (1.0 - mdp.discount()) * part) * distanceBefore,
        rounding + optimum.width(),
        () -> "outer iteration " + outerIteration);
  }

  private double valueRounding(RowCertificate[] certificates) {
    double rounding = 0x1p-48 * Math.abs(exact.values()[0]);
    if (program.stepRule() == StepRuleKind.BACKTRACKING) {
      double largest = 0.0;
      for (RowCertificate certificate : certificates) {
        largest = Math.max(largest, claims.valueRounding(certificate));
      }
      rounding += largest * horizon;
    }
    return rounding;
  }

  /** Certifies the policy of the latest evaluation. */
  private void certify(int outerIteration) {
    threads.visit(scratch, 0, mdp.states(), (arrays, state) -> certify(arrays, state));
    CurvatureBounds here = CurvatureBounds.NONE;
    for (int s = 0; s < mdp.states(); s++) {
      here = here.largest(latest[s].bounds());
      claims.observePolicy(
          s,
          outerIteration,
          latest[s],
          extents[s].actionValueSpan,
          program
              .divergence()
              .strongConvexity(extents[s].leastLogReference, extents[s].largestLogReference));
    }
    bounds = bounds.largest(here);
    observeWhole(outerIteration);
  }

  private void certify(Scratch arrays, int state) {
    read(arrays, state);
    RowOptimum rowOptimum = solver.solve(arrays.logReference, arrays.actionValues);
    rowOptima[state] = rowOptimum;
    latest[state] =
        RowCertificate.measure(
            program.divergence(),
            program.lambda(),
            program.optimizer(),
            rowOptimum,
            solver.logPolicy(rowOptimum, arrays.logReference, arrays.actionValues),
            arrays.logPolicy,
            arrays.logReference,
            arrays.actionValues);
    extents[state] =
        new RowExtent(
            Arrays.stream(arrays.actionValues).max().orElseThrow()
                - Arrays.stream(arrays.actionValues).min().orElseThrow(),
            Arrays.stream(arrays.logReference).min().orElseThrow(),
            Arrays.stream(arrays.logReference).max().orElseThrow());
  }

  private void observeWhole(int outerIteration) {
    double[] start = mdp.startDistribution();
    double meanRowGap = 0.0;
    double largestRowGap = 0.0;
    double squaredNorm = 0.0;
    double leastKappa = Double.POSITIVE_INFINITY;
    for (int s = 0; s < latest.length; s++) {
      double squaredVisitation = exact.visitation()[s] * exact.visitation()[s];
      meanRowGap += start[s] * latest[s].gap();
      largestRowGap = Math.max(largestRowGap, latest[s].gap());
      squaredNorm += squaredVisitation * latest[s].lojasiewicz().squaredGradientNorm();
      leastKappa =
          Math.min(
              leastKappa,
              squaredVisitation * latest[s].lojasiewicz().kappa() / optimum.visitation()[s]);
    }
    double rounding = optimum.width() + exact.errorBound() + trainedError * horizon;
    ledger.observe(
        Claim.BELLMAN_LOWER, meanRowGap, gap, rounding, () -> "outer iteration " + outerIteration);
    ledger.observe(
        Claim.BELLMAN_UPPER,
        gap,
        largestRowGap * horizon,
        rounding,
        () -> "outer iteration " + outerIteration);
    if (leastKappa > 0.0 && gap > 1e3 * rounding) {
      ledger.observe(
          Claim.LOJASIEWICZ,
          squaredNorm / (2.0 * program.lambda() * leastKappa * gap),
          1.0,
          ROUNDING,
          () -> "outer iteration " + outerIteration);
    }
  }

  @Override
  public double gap() {
    return gap;
  }

  @Override
  public FinalPolicy finish(int outerIterations, boolean replayed) {
    rows.update();
    evaluate();
    certify(outerIterations);
    double[] start = mdp.startDistribution();
    double lower = optimum.lower(start);
    double upper = optimum.upper(start);
    ledger.observe(
        Claim.OPTIMUM_BOUNDS, upper - lower, Math.max(program.tolerance(), 1e-10), 0.0, null);
    double largestReward = largestReward();
    if (mdp.discount() < 1.0) {
      ledger.observe(
          Claim.PAPER_SMOOTHNESS,
          bounds.localCurvature(mdp.discount()),
          bounds.paperSmoothness(mdp.discount(), largestReward, program.lambda()),
          0.0,
          null);
    }
    if (replayed && program.divergence() instanceof ForwardKl) {
      observeInterior(largestReward);
    }
    double minLogPolicy = Double.POSITIVE_INFINITY;
    double value = 0.0;
    for (int s = 0; s < latest.length; s++) {
      minLogPolicy = Math.min(minLogPolicy, latest[s].minLogProbability());
      value += start[s] * exact.values()[s];
    }
    return new FinalPolicy(value, lower, upper, gap, minLogPolicy);
  }

  private double largestReward() {
    double[] row = new double[mdp.actions()];
    double largest = 0.0;
    for (int c = 0; c < mdp.classes(); c++) {
      mdp.classRewards().readRow(c, row);
      largest = Math.max(largest, Arrays.stream(row).map(Math::abs).max().orElseThrow());
    }
    return largest;
  }

  /**
   * {@code p_a >= q_a e^{-1 - B_s / q_a}}, {@code B_s = (r_max / (1 - gamma) - V_0(s)) / lambda}
   * (THEORY 4.4), for each row's rarest token.
   */
  private void observeInterior(double largestReward) {
    ledger.declare(
        Claim.INTERIOR,
        Standing.PROVEN,
        "log p_a >= log q_a - 1 - B / q_a, for the rarest token; follows from the monotone value");
    for (int s = 0; s < mdp.states(); s++) {
      double headroom = (largestReward * horizon - firstValues[s]) / program.lambda();
      double logReference = extents[s].leastLogReference;
      int state = s;
      ledger.observe(
          Claim.INTERIOR,
          latest[s].minLogProbability(),
          logReference - 1.0 - headroom * Math.exp(-logReference),
          1e-4,
          () -> "state " + state);
    }
  }

  @Override
  public void close() {
    threads.close();
  }
}
