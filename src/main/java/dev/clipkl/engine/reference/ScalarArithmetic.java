package dev.clipkl.engine.reference;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.AdamMoments;
import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowArithmetic;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Row sweeps in scalar float64, each written as its equation, one action at a time in order.
 *
 * <p>Cost: about 50 ns per action and sweep. It exists to be read and to be right.
 */
final class ScalarArithmetic implements RowArithmetic {
  /** Relative rounding of a sum of products in float64, with room for the exponentials. */
  private static final double EVALUATION_ERROR = 0x1p-48;

  private final int columns;
  private final OptimizerKind optimizer;
  private final double[] logReference;
  private final double[] actionValue;
  private final double[] advantage;
  private final double[] oldLogProb;
  private final double[] direction;
  private final double[] moment1;
  private final double[] moment2;
  private double[] logits;
  private double[] coefficient;
  private double[] proposedLogits;
  private double[] proposedCoefficient;
  private double[] velocity;
  private double[] proposedVelocity;
  private double logNormalizer;
  private double proposedLogNormalizer;
  private double meanCoefficient;
  private double proposedMeanCoefficient;
  private double squaredGradientNorm;
  private double lambda;
  private Divergence divergence = Divergence.parse("reverse-kl");
  private ClippedSurrogate clip = ClippedSurrogate.of(0.2);

  ScalarArithmetic(int columns, OptimizerKind optimizer) {
    this.columns = columns;
    this.optimizer = optimizer;
    logReference = new double[columns];
    actionValue = new double[columns];
    advantage = new double[columns];
    oldLogProb = new double[columns];
    direction = new double[columns];
    logits = new double[columns];
    coefficient = new double[columns];
    proposedLogits = new double[columns];
    proposedCoefficient = new double[columns];
    moment1 = new double[optimizer == OptimizerKind.ADAM ? columns : 0];
    moment2 = new double[moment1.length];
    velocity = new double[optimizer == OptimizerKind.NESTEROV ? columns : 0];
    proposedVelocity = new double[velocity.length];
  }

  /** Double arrays of one action's length that this class holds. */
  static int arrays(OptimizerKind optimizer) {
    return 9 + 2 * optimizer.momentTables(RowTable.Precision.FLOAT64);
  }

  @Override
  public void load(RowBlock block, RowProgram program, int row) {
    divergence = program.divergence();
    lambda = program.lambda();
    clip = program.clip();
    ActorState actor = block.actor();
    actor.logits().readRow(row, logits);
    block.reference().readRow(row, logReference);
    block.actionValues().readRow(row, actionValue);
    if (optimizer == OptimizerKind.NESTEROV) {
      actor.moments().get(0).readRow(row, velocity);
    } else if (optimizer == OptimizerKind.ADAM) {
      actor.moments().get(0).readRow(row, moment1);
      actor.moments().get(1).readRow(row, moment2);
    }
    logNormalizer = logSumExp(logits);
  }

  @Override
  public void store(RowBlock block, int row) {
    ActorState actor = block.actor();
    actor.logits().writeRow(row, logits);
    if (optimizer == OptimizerKind.NESTEROV) {
      actor.moments().get(0).writeRow(row, velocity);
    } else if (optimizer == OptimizerKind.ADAM) {
      actor.moments().get(0).writeRow(row, moment1);
      actor.moments().get(1).writeRow(row, moment2);
    }
  }

  @Override
  public double actionValueSpan() {
    return Arrays.stream(actionValue).max().orElseThrow()
        - Arrays.stream(actionValue).min().orElseThrow();
  }

  @Override
  public void anchor() {
    double mean = 0.0;
    for (int a = 0; a < columns; a++) {
      oldLogProb[a] = logits[a] - logNormalizer;
      mean += Math.exp(oldLogProb[a]) * actionValue[a];
    }
    for (int a = 0; a < columns; a++) {
      advantage[a] = actionValue[a] - mean;
    }
  }

  @Override
  public void measure(SurrogatePoint point) {
    meanCoefficient = measure(logits, logNormalizer, coefficient, point);
  }

  /** Returns {@code E_p[G]}. */
  private double measure(
      double[] atLogits, double atLogNormalizer, double[] atCoefficient, SurrogatePoint point) {
    double surrogate = 0.0;
    double mean = 0.0;
    double meanAbsoluteAdvantage = 0.0;
    for (int a = 0; a < columns; a++) {
      double logProb = atLogits[a] - atLogNormalizer;
      double logProbRatio = logProb - oldLogProb[a];
      double logRatio = logProb - logReference[a];
      double oldProb = Math.exp(oldLogProb[a]);
      boolean hasGradient = clip.hasGradient(advantage[a], logProbRatio);
      atCoefficient[a] =
          (hasGradient ? advantage[a] : 0.0) - lambda * divergence.derivative(logRatio);
      mean += Math.exp(logProb) * atCoefficient[a];
      surrogate +=
          oldProb * clip.term(advantage[a], logProbRatio)
              - lambda * Math.exp(logReference[a]) * divergence.value(logRatio);
      meanAbsoluteAdvantage += oldProb * Math.abs(advantage[a]);
    }
    point.surrogate = surrogate;
    point.evaluationError = EVALUATION_ERROR * (lambda + meanAbsoluteAdvantage);
    return mean;
  }

  @Override
  public void countClipped(SurrogatePoint point) {
    point.bindingMass = 0.0;
    point.bindingActions = 0;
    point.outsideMass = 0.0;
    for (int a = 0; a < columns; a++) {
      double logProbRatio = logits[a] - logNormalizer - oldLogProb[a];
      double oldProb = Math.exp(oldLogProb[a]);
      if (!clip.hasGradient(advantage[a], logProbRatio)) {
        point.bindingActions++;
        point.bindingMass += oldProb;
      }
      if (clip.isOutsideBand(logProbRatio)) {
        point.outsideMass += oldProb;
      }
    }
  }

  @Override
  public void direction(int momentumSteps, AscentDirection result) {
    if (momentumSteps == 1) {
      Arrays.fill(velocity, 0.0);
      Arrays.fill(moment1, 0.0);
      Arrays.fill(moment2, 0.0);
    }
    double correction1 = AdamMoments.biasCorrection(AdamMoments.BETA1, momentumSteps);
    double correction2 = AdamMoments.biasCorrection(AdamMoments.BETA2, momentumSteps);
    double slope = 0.0;
    squaredGradientNorm = 0.0;
    double momentumSlope = 0.0;
    for (int a = 0; a < columns; a++) {
      double logProb = logits[a] - logNormalizer;
      double curvature = divergence.curvature(logProb - logReference[a]);
      double centred = coefficient[a] - meanCoefficient;
      double gradient = Math.exp(logProb) * centred;
      direction[a] =
          switch (optimizer) {
            case GRADIENT -> gradient;
            case NESTEROV -> {
              momentumSlope += gradient * velocity[a];
              yield gradient;
            }
            case NATURAL -> centred / lambda;
            case NEWTON -> centred / (lambda * curvature);
            case PRECONDITIONED ->
                centred / (lambda * Math.max(curvature, divergence.curvatureAtReference()));
            case ADAM -> {
              moment1[a] = AdamMoments.BETA1 * moment1[a] + (1.0 - AdamMoments.BETA1) * gradient;
              moment2[a] =
                  AdamMoments.BETA2 * moment2[a] + (1.0 - AdamMoments.BETA2) * gradient * gradient;
              yield moment1[a]
                  * correction1
                  / (Math.sqrt(moment2[a] * correction2) + AdamMoments.EPSILON);
            }
          };
      slope += gradient * direction[a];
      squaredGradientNorm += gradient * gradient;
    }
    result.slope = slope;
    result.momentumSlope = momentumSlope;
    result.span = span(direction);
  }

  @Override
  public double gradientNorm() {
    return Math.sqrt(squaredGradientNorm);
  }

  @Override
  public double coefficientSpan() {
    return span(coefficient);
  }

  @Override
  public double largestCurvature() {
    double largest = 0.0;
    for (int a = 0; a < columns; a++) {
      double curvature = divergence.curvature(logits[a] - logNormalizer - logReference[a]);
      double centred = coefficient[a] - meanCoefficient;
      largest = Math.max(largest, Math.abs(centred - lambda * curvature));
    }
    return largest;
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    for (int a = 0; a < columns; a++) {
      proposedLogits[a] = logits[a] + step * direction[a];
      if (optimizer == OptimizerKind.NESTEROV) {
        proposedVelocity[a] = momentum * velocity[a] + step * direction[a];
        proposedLogits[a] += nextMomentum * proposedVelocity[a];
      }
    }
    proposedLogNormalizer = logSumExp(proposedLogits);
    proposedMeanCoefficient =
        measure(proposedLogits, proposedLogNormalizer, proposedCoefficient, point);
  }

  @Override
  public void proposeLast(double step, boolean isSummarized) {
    propose(step, 0.0, 0.0, new SurrogatePoint());
  }

  @Override
  public void accept() {
    double[] swap = logits;
    logits = proposedLogits;
    proposedLogits = swap;
    swap = coefficient;
    coefficient = proposedCoefficient;
    proposedCoefficient = swap;
    swap = velocity;
    velocity = proposedVelocity;
    proposedVelocity = swap;
    logNormalizer = proposedLogNormalizer;
    meanCoefficient = proposedMeanCoefficient;
  }

  @Override
  public void summarize(@Nullable RowOptimum optimum, double[] metrics) {
    boolean hasSupremum = divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
    double reward = 0.0;
    double trained = 0.0;
    double policyToReference = 0.0;
    double referenceToPolicy = 0.0;
    double entropy = 0.0;
    double gap = 0.0;
    double minLogProb = Double.POSITIVE_INFINITY;
    double minLogRatio = Double.POSITIVE_INFINITY;
    double maxLogRatio = Double.NEGATIVE_INFINITY;
    double ratioVariance = 0.0;
    double approxKl = 0.0;
    for (int a = 0; a < columns; a++) {
      double logProb = logits[a] - logNormalizer;
      double logRatio = logProb - logReference[a];
      double logProbRatio = logProb - oldLogProb[a];
      double prob = Math.exp(logProb);
      double reference = Math.exp(logReference[a]);
      double oldProb = Math.exp(oldLogProb[a]);
      reward += prob * actionValue[a];
      trained += reference * divergence.value(logRatio);
      policyToReference += prob * logRatio;
      referenceToPolicy -= reference * logRatio;
      entropy -= prob * logProb;
      if (optimum != null) {
        gap +=
            reference
                * divergence.fenchelYoung(
                    logRatio, optimum.conjugateArgument(actionValue[a], lambda, hasSupremum));
      }
      minLogProb = Math.min(minLogProb, logProb);
      minLogRatio = Math.min(minLogRatio, logProbRatio);
      maxLogRatio = Math.max(maxLogRatio, logProbRatio);
      ratioVariance += oldProb * Math.expm1(logProbRatio) * Math.expm1(logProbRatio);
      approxKl -= oldProb * logProbRatio;
    }
    metrics[RowMetric.VALUE.ordinal()] = reward - lambda * trained;
    metrics[RowMetric.ACTION_VALUE.ordinal()] = reward;
    metrics[RowMetric.DIVERGENCE.ordinal()] = trained;
    metrics[RowMetric.KL_POLICY_TO_REFERENCE.ordinal()] = policyToReference;
    metrics[RowMetric.KL_REFERENCE_TO_POLICY.ordinal()] = referenceToPolicy;
    metrics[RowMetric.ENTROPY.ordinal()] = entropy;
    metrics[RowMetric.GAP.ordinal()] = optimum == null ? Double.NaN : lambda * gap;
    metrics[RowMetric.MIN_LOG_PROB.ordinal()] = minLogProb;
    metrics[RowMetric.LOG_RATIO_MIN.ordinal()] = minLogRatio;
    metrics[RowMetric.LOG_RATIO_MAX.ordinal()] = maxLogRatio;
    metrics[RowMetric.RATIO_VARIANCE.ordinal()] = ratioVariance;
    metrics[RowMetric.APPROX_KL.ordinal()] = approxKl;
  }

  @Override
  public void groupMasses(ColumnGroups groups, double[] masses) {
    Arrays.fill(masses, 0.0);
    for (int a = 0; a < columns; a++) {
      if (groups.group(a) != ColumnGroups.NONE) {
        masses[groups.group(a)] += Math.exp(logits[a] - logNormalizer);
      }
    }
  }

  @Override
  public void writeGradient(RowTable destination, int row) {
    measure(new SurrogatePoint());
    for (int a = 0; a < columns; a++) {
      direction[a] = Math.exp(logits[a] - logNormalizer) * (coefficient[a] - meanCoefficient);
    }
    destination.writeRow(row, direction);
  }

  private double logSumExp(double[] values) {
    double largest = Arrays.stream(values).max().orElseThrow();
    double sum = 0.0;
    for (double value : values) {
      sum += Math.exp(value - largest);
    }
    return largest + Math.log(sum);
  }

  private static double span(double[] values) {
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      least = Math.min(least, value);
      largest = Math.max(largest, value);
    }
    return largest - least;
  }
}
