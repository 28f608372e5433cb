package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.largest;
import static dev.clipkl.engine.vector.FloatLanes.least;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowArithmetic;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Row sweeps on float32 lanes. The row is copied into scratch arrays once per visit and stays in
 * cache for all its inner steps.
 *
 * <p>Arrays are padded to the vector width. Padding repeats the row's last action, so that it
 * changes no minimum or maximum, and has probabilities of 0, so that it changes no sum.
 */
final class VectorArithmetic implements RowArithmetic {
  /** Float32 rounding of log-probabilities and probabilities within the surrogate's sum. */
  private static final double EVALUATION_ERROR = 0x1p-23;

  /** A carried normaliser is safe while no logit has moved further than this, nats. */
  private static final double SAFE_MOVE = 30.0;

  private final int columns;
  private final int padded;
  private final OptimizerKind optimizer;
  private final RowChunk chunk = new RowChunk();
  private final float[] logReference;
  private final float[] reference;
  private final float[] actionValue;
  private final float[] oldLogProb;
  private final float[] oldProb;
  private final float[] directions;
  private final DirectionSweep directionSweep;
  private PolicyScratch current;
  private PolicyScratch proposed;

  private float meanActionValue;
  private double meanAbsoluteAdvantage;
  private double largestMove;
  private float lambda;
  private boolean keepCurvature;
  private ClippedSurrogate clip = ClippedSurrogate.of(0.2);
  private Divergence divergence = Divergence.parse("reverse-kl");
  private ChunkDivergence chunkDivergence = ChunkDivergence.of(divergence);

  VectorArithmetic(int columns, OptimizerKind optimizer) {
    this.columns = columns;
    this.padded = Math.ceilDiv(columns, LANES) * LANES;
    this.optimizer = optimizer;
    logReference = new float[padded];
    reference = new float[padded];
    actionValue = new float[padded];
    oldLogProb = new float[padded];
    oldProb = new float[padded];
    directions = new float[padded];
    current = new PolicyScratch(padded);
    proposed = new PolicyScratch(padded);
    directionSweep = DirectionSweep.of(optimizer, padded);
  }

  /** Float arrays of a row's length that this class holds. */
  static int arrays(OptimizerKind optimizer) {
    return 6 + 2 * PolicyScratch.ARRAYS + 2 * optimizer.momentTables();
  }

  @Override
  public void load(RowBlock block, RowProgram program, int row) {
    lambda = (float) program.lambda();
    clip = program.clip();
    keepCurvature = program.stepRule() == StepRuleKind.SAFE || directionSweep.readsCurvature();
    if (!program.divergence().equals(divergence)) {
      divergence = program.divergence();
      chunkDivergence = ChunkDivergence.of(divergence);
    }
    ActorState actor = block.actor();
    actor.logits().readRow(row, current.logits);
    block.reference().readRow(row, logReference);
    block.actionValues().readRow(row, actionValue);
    directionSweep.load(actor.moments(), row);
    pad(current.logits);
    pad(logReference);
    pad(actionValue);
    FloatLanes.exp(logReference, 1f, reference, padded);
    clearPadding(reference);
    renormalize();
  }

  @Override
  public void renormalize() {
    current.normalize(chunk, largest(current.logits, 0, padded), columns);
  }

  private void pad(float[] array) {
    Arrays.fill(array, columns, padded, array[columns - 1]);
  }

  private void clearPadding(float[] array) {
    Arrays.fill(array, columns, padded, 0f);
  }

  @Override
  public void store(RowBlock block, int row) {
    block.actor().logits().writeRow(row, current.logits);
    directionSweep.store(block.actor().moments(), row);
  }

  @Override
  public double actionValueSpan() {
    return largest(actionValue, 0, padded) - least(actionValue, 0, padded);
  }

  @Override
  public void anchor() {
    FloatVector logNormalizer = FloatVector.broadcast(SPECIES, (float) current.logNormalizer);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector.fromArray(SPECIES, current.mass, i)
          .mul(current.inverseNormalizer)
          .intoArray(oldProb, i);
      FloatVector.fromArray(SPECIES, current.logits, i).sub(logNormalizer).intoArray(oldLogProb, i);
    }
    meanActionValue = (float) chunk.dot(oldProb, 0, actionValue, 0, padded);
    meanAbsoluteAdvantage = 0.0;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      chunk.length = Math.min(RowChunk.CAPACITY, padded - start);
      for (int i = 0; i < chunk.length; i += LANES) {
        FloatVector.fromArray(SPECIES, actionValue, start + i)
            .sub(meanActionValue)
            .abs()
            .intoArray(chunk.terms, i);
      }
      meanAbsoluteAdvantage += chunk.dot(oldProb, start, chunk.terms, 0, chunk.length);
    }
  }

  @Override
  public void measure(SurrogatePoint point) {
    measure(current, point);
  }

  private void measure(PolicyScratch policy, SurrogatePoint point) {
    chunk.meanDerivative = 0.0;
    chunk.divergence = 0.0;
    point.surrogate = 0.0;
    point.meanCoefficient = 0.0;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      fillChunk(policy, start);
      chunkDivergence.measure(chunk);
      clipAdvantages(policy, start);
      fillCoefficients(policy, start);
      double kept = chunk.dot(chunk.prob, 0, chunk.keptAdvantage, 0, chunk.length);
      point.meanCoefficient += kept;
      point.surrogate += kept + chunk.dot(oldProb, start, chunk.terms, 0, chunk.length);
    }
    double exactLambda = lambda;
    point.meanCoefficient -= exactLambda * chunk.meanDerivative;
    point.surrogate -= exactLambda * chunk.divergence;
    point.evaluationError = EVALUATION_ERROR * (exactLambda + meanAbsoluteAdvantage);
  }

  /** Probabilities and log-ratios of one chunk of the row. */
  private void fillChunk(PolicyScratch policy, int start) {
    chunk.length = Math.min(RowChunk.CAPACITY, padded - start);
    FloatVector logNormalizer = FloatVector.broadcast(SPECIES, (float) policy.logNormalizer);
    // Float32 loses up to 5e-7 nats of the normaliser, the same for all actions: too much for a sum
    // of log-ratios, where it would not average out.
    float lost = (float) (policy.logNormalizer - (float) policy.logNormalizer);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, policy.mass, start + i)
          .mul(policy.inverseNormalizer)
          .intoArray(chunk.prob, i);
      FloatVector.fromArray(SPECIES, reference, start + i).intoArray(chunk.reference, i);
      FloatVector.fromArray(SPECIES, policy.logits, start + i)
          .sub(logNormalizer)
          .sub(FloatVector.fromArray(SPECIES, logReference, start + i))
          .sub(lost)
          .intoArray(chunk.logRatio, i);
    }
  }

  /**
   * {@code A 1[clip inactive]} to keptAdvantage and {@code (1 +- eps) A 1[clip active]} to terms.
   */
  private void clipAdvantages(PolicyScratch policy, int start) {
    FloatVector logNormalizer = FloatVector.broadcast(SPECIES, (float) policy.logNormalizer);
    FloatVector upperRatio = FloatVector.broadcast(SPECIES, (float) (1.0 + clip.clipEpsilon()));
    FloatVector lowerRatio = FloatVector.broadcast(SPECIES, (float) (1.0 - clip.clipEpsilon()));
    float logUpper = (float) clip.logUpper();
    float logLower = (float) clip.logLower();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector advantage =
          FloatVector.fromArray(SPECIES, actionValue, start + i).sub(meanActionValue);
      FloatVector logProbRatio =
          FloatVector.fromArray(SPECIES, policy.logits, start + i)
              .sub(logNormalizer)
              .sub(FloatVector.fromArray(SPECIES, oldLogProb, start + i));
      VectorMask<Float> positive = advantage.compare(VectorOperators.GE, 0f);
      VectorMask<Float> above = logProbRatio.compare(VectorOperators.GT, logUpper);
      VectorMask<Float> below = logProbRatio.lt(logLower);
      VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
      advantage.blend(0f, clipped).intoArray(chunk.keptAdvantage, i);
      FloatVector bound = lowerRatio.blend(upperRatio, positive).mul(advantage);
      FloatVector.broadcast(SPECIES, 0f).blend(bound, clipped).intoArray(chunk.terms, i);
    }
  }

  /** {@code G = A 1[clip inactive] - lambda f'}. */
  private void fillCoefficients(PolicyScratch policy, int start) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, chunk.derivative, i)
          .fma(
              FloatVector.broadcast(SPECIES, -lambda),
              FloatVector.fromArray(SPECIES, chunk.keptAdvantage, i))
          .intoArray(policy.coefficient, start + i);
    }
    if (keepCurvature) {
      System.arraycopy(chunk.curvature, 0, policy.curvature, start, chunk.length);
    }
  }

  @Override
  public void countClipped(SurrogatePoint point) {
    point.bindingMass = 0.0;
    point.bindingActions = 0;
    point.outsideMass = 0.0;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = Math.min(RowChunk.CAPACITY, padded - start);
      point.bindingActions += flagClipped(start, length);
      if (start + length == padded && columns < padded) {
        // Padding repeats the last action, so it is clipped exactly when that is.
        point.bindingActions -= (padded - columns) * (int) chunk.terms[length - 1];
      }
      point.bindingMass += chunk.dot(oldProb, start, chunk.terms, 0, length);
      point.outsideMass += chunk.dot(oldProb, start, chunk.scratch, 0, length);
    }
  }

  /** 1 for a clipped action to terms, for one outside the band to scratch; counts the former. */
  private int flagClipped(int start, int length) {
    FloatVector logNormalizer = FloatVector.broadcast(SPECIES, (float) current.logNormalizer);
    FloatVector zero = FloatVector.broadcast(SPECIES, 0f);
    float logUpper = (float) clip.logUpper();
    float logLower = (float) clip.logLower();
    int count = 0;
    for (int i = 0; i < length; i += LANES) {
      FloatVector logProbRatio =
          FloatVector.fromArray(SPECIES, current.logits, start + i)
              .sub(logNormalizer)
              .sub(FloatVector.fromArray(SPECIES, oldLogProb, start + i));
      VectorMask<Float> positive =
          FloatVector.fromArray(SPECIES, actionValue, start + i)
              .sub(meanActionValue)
              .compare(VectorOperators.GE, 0f);
      VectorMask<Float> above = logProbRatio.compare(VectorOperators.GT, logUpper);
      VectorMask<Float> below = logProbRatio.lt(logLower);
      VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
      zero.blend(1f, clipped).intoArray(chunk.terms, i);
      zero.blend(1f, above.or(below)).intoArray(chunk.scratch, i);
      count += clipped.trueCount();
    }
    return count;
  }

  @Override
  public void direction(SurrogatePoint point, int momentumSteps, AscentDirection result) {
    float mean = (float) point.meanCoefficient;
    directionSweep.begin(mean, lambda, (float) divergence.curvatureAtReference(), momentumSteps);
    result.slope = 0.0;
    result.squaredGradientNorm = 0.0;
    result.momentumSlope = 0.0;
    float least = Float.POSITIVE_INFINITY;
    float largest = Float.NEGATIVE_INFINITY;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = Math.min(RowChunk.CAPACITY, padded - start);
      fillGradient(mean, start, length);
      float[] gradient = chunk.scratch;
      directionSweep.run(current, gradient, start, length, directions);
      result.slope += chunk.dot(gradient, 0, directions, start, length);
      result.squaredGradientNorm += chunk.dot(gradient, 0, gradient, 0, length);
      result.momentumSlope += directionSweep.momentumSlope(chunk, gradient, start, length);
      least = Math.min(least, least(directions, start, length));
      largest = Math.max(largest, largest(directions, start, length));
    }
    result.span = (double) largest - least;
    largestMove = Math.max(Math.abs((double) least), Math.abs((double) largest));
  }

  /** {@code g = p (G - E_p G)} of one chunk to scratch. */
  private void fillGradient(float mean, int start, int length) {
    float inverseNormalizer = current.inverseNormalizer;
    for (int i = 0; i < length; i += LANES) {
      FloatVector prob =
          FloatVector.fromArray(SPECIES, current.mass, start + i).mul(inverseNormalizer);
      FloatVector.fromArray(SPECIES, current.coefficient, start + i)
          .sub(mean)
          .mul(prob)
          .intoArray(chunk.scratch, i);
    }
  }

  @Override
  public double coefficientSpan() {
    return (double) largest(current.coefficient, 0, padded) - least(current.coefficient, 0, padded);
  }

  @Override
  public double largestCurvature(SurrogatePoint point) {
    float mean = (float) point.meanCoefficient;
    FloatVector largest = FloatVector.broadcast(SPECIES, 0f);
    for (int i = 0; i < padded; i += LANES) {
      FloatVector curvature =
          FloatVector.fromArray(SPECIES, current.curvature, i)
              .fma(
                  FloatVector.broadcast(SPECIES, -lambda),
                  FloatVector.fromArray(SPECIES, current.coefficient, i))
              .sub(mean)
              .abs();
      largest = largest.blend(curvature, curvature.compare(VectorOperators.GT, largest));
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    if (optimizer == OptimizerKind.NESTEROV) {
      directionSweep.moveWithMomentum(
          current.logits, directions, step, momentum, nextMomentum, proposed.logits);
      proposed.normalize(chunk, largest(proposed.logits, 0, padded), columns);
    } else if (step * largestMove < SAFE_MOVE) {
      proposed.begin(current.logNormalizer);
      for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
        int length = Math.min(RowChunk.CAPACITY, padded - start);
        move((float) step, start, length);
        proposed.addMass(chunk, start, length, columns);
      }
      proposed.finish();
    } else {
      move((float) step, 0, padded);
      proposed.normalize(chunk, largest(proposed.logits, 0, padded), columns);
    }
    measure(proposed, point);
  }

  private void move(float step, int start, int length) {
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector.fromArray(SPECIES, directions, i)
          .fma(stepLanes, FloatVector.fromArray(SPECIES, current.logits, i))
          .intoArray(proposed.logits, i);
    }
  }

  @Override
  public void accept() {
    PolicyScratch swap = current;
    current = proposed;
    proposed = swap;
    directionSweep.accept();
  }

  @Override
  public void summarize(@Nullable RowOptimum optimum, double[] metrics) {
    chunk.meanDerivative = 0.0;
    chunk.divergence = 0.0;
    PolicySummary summary = new PolicySummary();
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      fillChunk(current, start);
      chunkDivergence.measure(chunk);
      summary.add(chunk, start, current, actionValue, oldLogProb, oldProb);
      if (optimum != null) {
        fillOptimumDistance(optimum, start);
        summary.gap += chunkDivergence.gap(chunk);
      }
    }
    summary.write(metrics);
    double exactLambda = lambda;
    metrics[RowMetric.DIVERGENCE.ordinal()] = chunk.divergence;
    metrics[RowMetric.VALUE.ordinal()] =
        metrics[RowMetric.ACTION_VALUE.ordinal()] - exactLambda * chunk.divergence;
    metrics[RowMetric.GAP.ordinal()] = optimum == null ? Double.NaN : exactLambda * summary.gap;
  }

  private void fillOptimumDistance(RowOptimum optimum, int start) {
    float largest = (float) optimum.largestActionValue();
    float offset = (float) optimum.offset();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.broadcast(SPECIES, largest)
          .sub(FloatVector.fromArray(SPECIES, actionValue, start + i))
          .add(offset)
          .div(lambda)
          .intoArray(chunk.optimumDistance, i);
    }
  }

  @Override
  public void writeDirection(RowTable destination, int row) {
    destination.writeRow(row, directions);
  }
}
