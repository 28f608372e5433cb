package dev.clipkl.certify;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.CurvatureBounds;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.PolicyEvaluator;
import dev.clipkl.exact.PolicyValues;
import dev.clipkl.exact.RowCertificate;
import dev.clipkl.exact.RowGap;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.training.LoadedRun;
import dev.clipkl.training.LogPolicy;
import dev.clipkl.training.MdpRows;
import java.util.Arrays;

/** A finite MDP's rows, which meet through V and d after every outer iteration. */
final class MdpReplay implements Replay {
  /** Step of the central difference along the normalised gradient; its error is 1e-7 relative. */
  private static final double DIFFERENCE = 1e-4;

  private static final double ROUNDING = 1e-6;

  private final FiniteMdp mdp;
  private final RowProgram program;
  private final MdpRows rows;
  private final MdpOptimum optimum;
  private final PolicyEvaluator evaluator;
  private final RowOptimumSolver rowSolver;
  private final CheckLedger ledger;
  private final RowClaims claims;
  private final double[][] logReference;
  private final double[] optimalVisitation;
  private final double largestReward;
  private CurvatureBounds bounds = CurvatureBounds.NONE;
  private PolicyValues values;
  private RowCertificate[] latest = {};
  private RowOptimum[] rowOptima = {};
  private double[][] rowTargets = {};
  private double[] firstValues = {};

  MdpReplay(LoadedRun run, MdpRows rows, CheckLedger ledger) {
    this.ledger = ledger;
    this.rows = rows;
    mdp = (FiniteMdp) run.problem();
    program = run.program();
    optimum = rows.mdpOptimum();
    evaluator = rows.solver().evaluator();
    rowSolver = new RowOptimumSolver(program.divergence(), program.lambda());
    claims = new RowClaims(program, mdp.discount() == 0.0, run.engine().kind().precision(), ledger);
    logReference = new double[mdp.states()][mdp.actions()];
    double largest = 0.0;
    double[] reward = new double[mdp.actions()];
    for (int s = 0; s < mdp.states(); s++) {
      mdp.reference().readRow(s, logReference[s]);
      mdp.rewards().readRow(s, reward);
      largest = Math.max(largest, Arrays.stream(reward).map(Math::abs).max().orElseThrow());
    }
    largestReward = largest;
    optimalVisitation = evaluator.evaluate(optimum.logPolicy()).visitation();
    values = rows.values();
    declare();
  }

  private void declare() {
    ledger.declare(Claim.LOJASIEWICZ, Standing.PROVEN, null);
    ledger.declare(Claim.BELLMAN_LOWER, Standing.PROVEN, null);
    ledger.declare(Claim.BELLMAN_UPPER, Standing.PROVEN, null);
    ledger.declare(
        Claim.VALUE_CURVATURE, Standing.PROVEN, "by central differences of the exact gradient");
    ledger.declare(
        Claim.PAPER_SMOOTHNESS, Standing.MEASURED, "the suprema are those of the policies met");
    ledger.declare(Claim.OPTIMUM_BOUNDS, Standing.PROVEN, "beside the run's tolerance");
  }

  @Override
  public void start() {
    rows.update();
    firstValues = rows.values().values();
    certify(0);
  }

  @Override
  public void afterIteration(int outerIteration, RowResults results) {
    PolicyValues before = values;
    RowCertificate[] certificates = latest;
    RowOptimum[] frozenOptima = rowOptima;
    double[][] frozenTargets = rowTargets;
    rows.update();
    values = rows.values();
    double rounding = valueRounding(certificates);
    double[] gapsAfter = new double[mdp.states()];
    for (int s = 0; s < mdp.states(); s++) {
      int state = s;
      ledger.observe(
          Claim.MONOTONE,
          before.values()[s] - values.values()[s],
          0.0,
          rounding,
          () -> "state %d, outer iteration %d".formatted(state, outerIteration));
      double[] logPolicy = rows.logPolicy()[s];
      gapsAfter[s] =
          RowGap.of(
              program.divergence(),
              program.lambda(),
              frozenOptima[s],
              logPolicy,
              logReference[s],
              before.actionValues()[s]);
      claims.observeMove(
          new RowClaims.Move(
              s, outerIteration, certificates[s], gapsAfter[s], span(logPolicy, frozenTargets[s])),
          results);
    }
    observeContraction(outerIteration, before, certificates, gapsAfter, rounding);
    certify(outerIteration);
  }

  /**
   * {@code |V* - V'| <= (1 - (1 - gamma) phi) |V* - V|} in the largest norm, {@code phi} the least
   * part of its row gap that any row has closed, at most 1 (THEORY 4.3).
   *
   * @param gapsAfter the new policy's row gaps for the action values before, {@code [states]}
   */
  private void observeContraction(
      int outerIteration,
      PolicyValues before,
      RowCertificate[] certificates,
      double[] gapsAfter,
      double rounding) {
    double part = 1.0;
    double distanceBefore = 0.0;
    double distance = 0.0;
    for (int s = 0; s < mdp.states(); s++) {
      double gap = certificates[s].gap();
      part = Math.min(part, gap > 0.0 ? (gap - gapsAfter[s]) / gap : 1.0);
      distanceBefore = Math.max(distanceBefore, optimum.upper()[s] - before.values()[s]);
      distance = Math.max(distance, optimum.lower()[s] - values.values()[s]);
    }
    ledger.declare(
        Claim.VALUE_CONTRACTION,
        Standing.PROVEN,
        "phi = the least part of its row gap that any row closed");
    ledger.observe(
        Claim.VALUE_CONTRACTION,
        distance,
        (1.0 - (1.0 - mdp.discount()) * part) * distanceBefore,
        rounding + optimum.width(),
        () -> "outer iteration " + outerIteration);
  }

  private double valueRounding(RowCertificate[] certificates) {
    double rounding = 2.0 * values.errorBound();
    if (program.stepRule() == StepRuleKind.BACKTRACKING) {
      double largest = 0.0;
      for (RowCertificate certificate : certificates) {
        largest = Math.max(largest, claims.valueRounding(certificate));
      }
      rounding += largest / (1.0 - mdp.discount());
    }
    return rounding + 0x1p-48 * Math.abs(values.values()[0]);
  }

  private static double span(double[] logPolicy, double[] logTarget) {
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < logPolicy.length; a++) {
      least = Math.min(least, logPolicy[a] - logTarget[a]);
      largest = Math.max(largest, logPolicy[a] - logTarget[a]);
    }
    return largest - least;
  }

  /** Certifies the policy of the latest update. */
  private void certify(int outerIteration) {
    int states = mdp.states();
    double[][] logPolicy = rows.logPolicy();
    values = rows.values();
    latest = new RowCertificate[states];
    rowOptima = new RowOptimum[states];
    rowTargets = new double[states][];
    CurvatureBounds here = CurvatureBounds.NONE;
    double meanRowGap = 0.0;
    double largestRowGap = 0.0;
    double[] start = mdp.startDistribution();
    double leastKappa = Double.POSITIVE_INFINITY;
    for (int s = 0; s < states; s++) {
      double[] actionValues = values.actionValues()[s];
      rowOptima[s] = rowSolver.solve(logReference[s], actionValues);
      rowTargets[s] = rowSolver.logPolicy(rowOptima[s], logReference[s], actionValues);
      latest[s] =
          RowCertificate.measure(
              program.divergence(),
              program.lambda(),
              program.optimizer(),
              rowOptima[s],
              rowTargets[s],
              logPolicy[s],
              logReference[s],
              actionValues);
      here = here.largest(latest[s].bounds());
      meanRowGap += start[s] * latest[s].gap();
      largestRowGap = Math.max(largestRowGap, latest[s].gap());
      double visitation = values.visitation()[s];
      leastKappa =
          Math.min(
              leastKappa,
              visitation * visitation * latest[s].lojasiewicz().kappa() / optimalVisitation[s]);
      double least = Arrays.stream(logReference[s]).min().orElseThrow();
      double largest = Arrays.stream(logReference[s]).max().orElseThrow();
      claims.observePolicy(
          s,
          outerIteration,
          latest[s],
          Arrays.stream(actionValues).max().orElseThrow()
              - Arrays.stream(actionValues).min().orElseThrow(),
          program.divergence().strongConvexity(least, largest));
    }
    bounds = bounds.largest(here);
    observeWhole(outerIteration, here, meanRowGap, largestRowGap, leastKappa);
  }

  private void observeWhole(
      int outerIteration,
      CurvatureBounds here,
      double meanRowGap,
      double largestRowGap,
      double leastKappa) {
    double gap = gap();
    double rounding = optimum.width() + values.errorBound();
    ledger.observe(
        Claim.BELLMAN_LOWER, meanRowGap, gap, rounding, () -> "outer iteration " + outerIteration);
    ledger.observe(
        Claim.BELLMAN_UPPER,
        gap,
        largestRowGap / (1.0 - mdp.discount()),
        rounding,
        () -> "outer iteration " + outerIteration);
    double[][] logPolicy = rows.logPolicy();
    double[][] gradient = evaluator.gradient(logPolicy, values);
    double norm = norm(gradient);
    if (leastKappa > 0.0 && gap > 1e3 * rounding) {
      ledger.observe(
          Claim.LOJASIEWICZ,
          norm * norm / (2.0 * program.lambda() * leastKappa * gap),
          1.0,
          ROUNDING,
          () -> "outer iteration " + outerIteration);
    }
    if (norm > 1e-9) {
      double bound = here.localCurvature(mdp.discount());
      ledger.observe(
          Claim.VALUE_CURVATURE,
          curvature(logPolicy, gradient, norm),
          bound,
          ROUNDING * bound,
          () -> "outer iteration " + outerIteration);
    }
  }

  /** {@code |grad^2 V v|} for the normalised gradient v, by central differences. */
  private double curvature(double[][] logPolicy, double[][] gradient, double norm) {
    double[][] above = gradientAt(logPolicy, gradient, DIFFERENCE / norm);
    double[][] below = gradientAt(logPolicy, gradient, -DIFFERENCE / norm);
    for (int s = 0; s < above.length; s++) {
      for (int a = 0; a < above[s].length; a++) {
        above[s][a] = (above[s][a] - below[s][a]) / (2.0 * DIFFERENCE);
      }
    }
    return norm(above);
  }

  private double[][] gradientAt(double[][] logPolicy, double[][] direction, double step) {
    double[][] moved = new double[logPolicy.length][];
    for (int s = 0; s < moved.length; s++) {
      moved[s] = logPolicy[s].clone();
      for (int a = 0; a < moved[s].length; a++) {
        moved[s][a] += step * direction[s][a];
      }
      LogPolicy.normalize(moved[s]);
    }
    return evaluator.gradient(moved, evaluator.evaluate(moved));
  }

  private static double norm(double[][] rows) {
    double sum = 0.0;
    for (double[] row : rows) {
      for (double x : row) {
        sum += x * x;
      }
    }
    return Math.sqrt(sum);
  }

  @Override
  public double gap() {
    return rows.solver().gap(optimum, rows.logPolicy(), values.visitation());
  }

  @Override
  public FinalPolicy finish(int outerIterations, boolean replayed) {
    rows.update();
    certify(outerIterations);
    double[] start = mdp.startDistribution();
    double lower = optimum.lower(start);
    double upper = optimum.upper(start);
    ledger.observe(
        Claim.OPTIMUM_BOUNDS, upper - lower, Math.max(program.tolerance(), 1e-10), 0.0, null);
    ledger.observe(
        Claim.PAPER_SMOOTHNESS,
        bounds.localCurvature(mdp.discount()),
        bounds.paperSmoothness(mdp.discount(), largestReward, program.lambda()),
        0.0,
        null);
    if (replayed && program.divergence() instanceof ForwardKl) {
      observeInterior();
    }
    double minLogPolicy = Double.POSITIVE_INFINITY;
    for (RowCertificate certificate : latest) {
      minLogPolicy = Math.min(minLogPolicy, certificate.minLogProbability());
    }
    return new FinalPolicy(values.average(start), lower, upper, gap(), minLogPolicy);
  }

  /**
   * {@code p_a >= q_a e^{-1 - B_s / q_a}}, {@code B_s = (r_max / (1 - gamma) - V_0(s)) / lambda}.
   */
  private void observeInterior() {
    ledger.declare(
        Claim.INTERIOR,
        Standing.PROVEN,
        "log p_a >= log q_a - 1 - B / q_a (forward KL); follows from the monotone value");
    for (int s = 0; s < mdp.states(); s++) {
      double headroom =
          (largestReward / (1.0 - mdp.discount()) - firstValues[s]) / program.lambda();
      for (int a = 0; a < mdp.actions(); a++) {
        double logQ = logReference[s][a];
        int state = s;
        ledger.observe(
            Claim.INTERIOR,
            rows.logPolicy()[s][a],
            logQ - 1.0 - headroom * Math.exp(-logQ),
            1e-9,
            () -> "state " + state);
      }
    }
  }
}
