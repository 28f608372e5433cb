package dev.clipkl.certify;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.RowCertificate;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.table.RowTable;
import java.util.function.Supplier;

/** The claims about single rows, the same in a bandit and in an MDP. */
final class RowClaims {
  /** THEORY 4.4: up to this step times lambda, spans of {@code log p - log p*} never grow. */
  private static final double LARGEST_SPAN_STEP = 4.0;

  /** Relative rounding of certificates of gaps that {@link #isAboveRounding} lets pass. */
  private static final double ROUNDING = 1e-6;

  /** Gaps below this part of the row's scale come from coefficients without digits. */
  private static final double SMALLEST_GAP = 1e-16;

  private final RowProgram program;
  private final boolean bandit;
  private final RowTable.Precision precision;
  private final CheckLedger ledger;

  /**
   * A row's numbers before and after an outer iteration.
   *
   * @param before certificate of p_old
   * @param gapAfter gap of the policy that the iteration led to, for the same action values
   * @param optimumSpanAfter its {@code span(log p - log p*)}
   */
  record Move(
      int row,
      int outerIteration,
      RowCertificate before,
      double gapAfter,
      double optimumSpanAfter) {}

  RowClaims(RowProgram program, boolean bandit, RowTable.Precision precision, CheckLedger ledger) {
    this.program = program;
    this.bandit = bandit;
    this.precision = precision;
    this.ledger = ledger;
    declare();
  }

  private boolean isCertified() {
    return program.stepRule() == StepRuleKind.BACKTRACKING;
  }

  /** A single raw-gradient step within 1 / L, for a divergence whose L is proven. */
  private boolean isWithinSmoothness() {
    return program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() == OptimizerKind.GRADIENT
        && program.innerSteps() == 1
        && program.stepSize() <= 1.0
        && isKl();
  }

  private boolean isKl() {
    return program.divergence() instanceof ReverseKl || program.divergence() instanceof ForwardKl;
  }

  private boolean hasRowContraction() {
    return (isCertified()
            && program.optimizer() != OptimizerKind.NESTEROV
            && program.optimizer() != OptimizerKind.ADAM)
        || isWithinSmoothness();
  }

  private void declare() {
    boolean certified = isCertified() || isWithinSmoothness();
    ledger.declare(
        Claim.MONOTONE,
        certified ? Standing.PROVEN : Standing.CLAIMED,
        certified
            ? null
            : "no proof covers step-rule %s with optimizer %s, step-size %s and %d inner steps"
                .formatted(
                    program.stepRule().configName(),
                    program.optimizer().configName(),
                    program.stepSize(),
                    program.innerSteps()));
    ledger.declare(
        Claim.CONTRACTION, Standing.PROVEN, "phi = 2 sigma step kappa_h of the first inner step");
    ledger.declare(Claim.STRONG_CONCAVITY, Standing.PROVEN, null);
    ledger.declare(Claim.ROW_CURVATURE, Standing.PROVEN, null);
    ledger.declare(
        Claim.ROW_SMOOTHNESS,
        isKl() ? Standing.PROVEN : Standing.MEASURED,
        isKl() ? null : "L_s is the curvature scale at the reference, no proven bound");
    ledger.declare(Claim.ROW_LOJASIEWICZ, Standing.PROVEN, null);
    ledger.declare(Claim.GAP_CERTIFICATE, Standing.PROVEN, null);
    ledger.declare(Claim.DERIVATIVES_BOUNDED, Standing.ASSUMPTION, "finite is enough");
    ledger.declare(
        Claim.STEP_IN_RANGE,
        Standing.ASSUMPTION,
        "in unit steps of optimizer " + program.optimizer().configName());
    ledger.declare(Claim.FIRST_RATIO, Standing.PROVEN, null);
    ledger.declare(Claim.CLIP_RATIO, Standing.PROVEN, null);
    ledger.declare(Claim.SAFE_FIRST_STEP, Standing.PROVEN, null);
    ledger.declare(
        Claim.SPAN_CONTRACTION,
        Standing.PROVEN,
        "reverse-kl bandit, iterations without clipping and with step lambda <= 4");
    if (program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() != OptimizerKind.NESTEROV
        && program.optimizer() != OptimizerKind.ADAM) {
      ledger.observe(Claim.STEP_IN_RANGE, program.stepSize(), 1.0, 0.0, null);
    }
  }

  /** What holds at any policy. */
  void observePolicy(
      int row,
      int outerIteration,
      RowCertificate at,
      double actionValueSpan,
      double leastConcavity) {
    Supplier<String> where = () -> where(row, outerIteration);
    double lambda = program.lambda();
    double concavity = lambda * at.leastConcavity();
    ledger.observe(
        Claim.STRONG_CONCAVITY, concavity, lambda * leastConcavity, ROUNDING * concavity, where);
    double curvatureBound = 0.5 * at.bounds().largestBracket();
    ledger.observe(
        Claim.ROW_CURVATURE, at.curvature(), curvatureBound, ROUNDING * curvatureBound, where);
    double constant = RowSmoothness.constant(program.divergence(), lambda, actionValueSpan);
    double smoothness =
        program.divergence() instanceof ReverseKl
            ? RowSmoothness.current(
                program.divergence(), lambda, constant, at.bounds().coefficientSpan(), Double.NaN)
            : constant;
    ledger.observe(Claim.ROW_SMOOTHNESS, at.curvature(), smoothness, ROUNDING * smoothness, where);
    ledger.observe(
        Claim.DERIVATIVES_BOUNDED,
        at.bounds().meanDerivative() + at.bounds().meanCurvature(),
        Double.POSITIVE_INFINITY,
        0.0,
        where);
    if (isAboveRounding(at)) {
      ledger.observe(
          Claim.ROW_LOJASIEWICZ,
          at.lojasiewicz().gapBound(lambda) / at.gap(),
          1.0,
          ROUNDING,
          where);
      ledger.observe(
          Claim.GAP_CERTIFICATE, at.gap() / at.lojasiewicz().certificate(), 1.0, ROUNDING, where);
    }
  }

  private boolean isAboveRounding(RowCertificate at) {
    return at.gap() > SMALLEST_GAP * (program.lambda() + at.meanAbsoluteAdvantage());
  }

  /**
   * What holds of one outer iteration of a row, whose action values have not changed.
   *
   * @param results of the iteration
   */
  void observeMove(Move move, RowResults results) {
    Supplier<String> where = () -> where(move.row(), move.outerIteration());
    int row = move.row();
    ledger.observe(Claim.FIRST_RATIO, results.clippedActions(0, 0)[row], 0.0, 0.0, where);
    boolean clips = false;
    for (int k = 0; k < program.innerSteps(); k++) {
      clips |= results.clippedActions(0, k)[row] > 0;
    }
    if (program.stepRule() == StepRuleKind.SAFE
        && program.optimizer() != OptimizerKind.NESTEROV
        && program.innerSteps() > 1) {
      ledger.observe(Claim.SAFE_FIRST_STEP, results.clippedActions(0, 1)[row], 0.0, 0.0, where);
    }
    double least = results.metric(0, RowMetric.LOG_RATIO_MIN)[row];
    double largest = results.metric(0, RowMetric.LOG_RATIO_MAX)[row];
    ledger.observe(
        Claim.CLIP_RATIO,
        Math.max(Math.abs(least), Math.abs(largest)),
        largest - least,
        logitRounding(move),
        where);
    double firstStep = results.metric(0, RowMetric.STEP_SIZE)[row];
    if (hasRowContraction() && firstStep > 0.0 && isAboveRounding(move.before())) {
      double kappa = Math.exp(move.before().logDirectionKappa());
      double part = Math.min(1.0, 2.0 * sufficientIncrease() * firstStep * kappa);
      ledger.observe(
          Claim.CONTRACTION,
          move.gapAfter() / move.before().gap(),
          1.0 - part,
          valueRounding(move.before()) / move.before().gap(),
          where);
    }
    if (bandit
        && program.divergence() instanceof ReverseKl
        && !clips
        && Double.isFinite(move.before().optimumSpan())
        && hasSpanContraction(firstStep)) {
      ledger.observe(
          Claim.SPAN_CONTRACTION,
          move.optimumSpanAfter(),
          move.before().optimumSpan(),
          logitRounding(move),
          where);
    }
  }

  /**
   * What stands behind the reverse-KL bandit's interior bound: a theorem while no step is clipped
   * and none is too long, a promise where they are too long, a measurement where clipping shortens
   * them in a way that no proof follows.
   */
  Standing interiorStanding() {
    boolean unclipped = program.innerSteps() == 1;
    if (!unclipped || program.stepRule() != StepRuleKind.FIXED) {
      return Standing.MEASURED;
    }
    return switch (program.optimizer()) {
      case GRADIENT, NATURAL, PRECONDITIONED, NEWTON ->
          program.stepSize() <= 1.0 ? Standing.PROVEN : Standing.CLAIMED;
      case NESTEROV, ADAM -> Standing.MEASURED;
    };
  }

  private double sufficientIncrease() {
    return program.optimizer() == OptimizerKind.GRADIENT ? 0.5 : 0.25;
  }

  private boolean hasSpanContraction(double step) {
    return switch (program.optimizer()) {
      case GRADIENT -> step * program.lambda() <= LARGEST_SPAN_STEP;
      case NATURAL, PRECONDITIONED, NEWTON -> step <= 1.0;
      case NESTEROV, ADAM -> false;
    };
  }

  /** What backtracking concedes to rounding: both evaluations' errors, in every inner step. */
  double valueRounding(RowCertificate at) {
    return 2.0
        * program.innerSteps()
        * relativeRounding()
        * (program.lambda() + at.meanAbsoluteAdvantage());
  }

  /** A few units in the last place of the largest logit, nats. */
  private double logitRounding(Move move) {
    double largest = Math.abs(move.before().minLogProbability());
    return 4.0 * relativeRounding() * (program.innerSteps() + 1.0) * (1.0 + largest);
  }

  private double relativeRounding() {
    return precision == RowTable.Precision.FLOAT64 ? 0x1p-48 : 0x1p-23;
  }

  private static String where(int row, int outerIteration) {
    return "row %d, outer iteration %d".formatted(row, outerIteration);
  }
}
