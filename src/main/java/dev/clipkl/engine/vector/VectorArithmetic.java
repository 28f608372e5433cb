package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import dev.clipkl.engine.ActorState;
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
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
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
  private double largestMove;
  private float lambda;
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
    for (int i = 0; i < padded; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, logReference, i)).intoArray(reference, i);
    }
    clearPadding(reference);
    current.normalize(largest(current.logits), columns);
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
    return largest(actionValue) - least(actionValue);
  }

  @Override
  public void anchor() {
    FloatVector logNormalizer = broadcast((float) current.logNormalizer);
    DoubleVector mean = zeroSum();
    for (int i = 0; i < padded; i += LANES) {
      FloatVector prob =
          FloatVector.fromArray(SPECIES, current.mass, i).mul(current.inverseNormalizer);
      prob.intoArray(oldProb, i);
      FloatVector.fromArray(SPECIES, current.logits, i).sub(logNormalizer).intoArray(oldLogProb, i);
      mean = accumulate(mean, prob.mul(FloatVector.fromArray(SPECIES, actionValue, i)));
    }
    meanActionValue = (float) total(mean);
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
    point.bindingMass = 0.0;
    point.bindingActions = 0;
    point.outsideMass = 0.0;
    point.evaluationError = 0.0;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      fillChunk(policy, start);
      chunkDivergence.measure(chunk);
      addChunk(policy, start, point);
    }
    double lambdaExact = lambda;
    point.meanCoefficient -= lambdaExact * chunk.meanDerivative;
    point.surrogate -= lambdaExact * chunk.divergence;
    point.evaluationError = EVALUATION_ERROR * (lambdaExact + point.evaluationError);
  }

  /** Probabilities and log-ratios of one chunk of the row. */
  private void fillChunk(PolicyScratch policy, int start) {
    chunk.length = Math.min(RowChunk.CAPACITY, padded - start);
    FloatVector logNormalizer = broadcast((float) policy.logNormalizer);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, policy.mass, start + i)
          .mul(policy.inverseNormalizer)
          .intoArray(chunk.prob, i);
      FloatVector.fromArray(SPECIES, reference, start + i).intoArray(chunk.reference, i);
      FloatVector.fromArray(SPECIES, policy.logits, start + i)
          .sub(logNormalizer)
          .sub(FloatVector.fromArray(SPECIES, logReference, start + i))
          .intoArray(chunk.logRatio, i);
    }
  }

  /** The advantage side of the surrogate, and {@code G = A 1[clip inactive] - lambda f'}. */
  private void addChunk(PolicyScratch policy, int start, SurrogatePoint point) {
    FloatVector logNormalizer = broadcast((float) policy.logNormalizer);
    FloatVector upperRatio = broadcast((float) (1.0 + clip.clipEpsilon()));
    FloatVector lowerRatio = broadcast((float) (1.0 - clip.clipEpsilon()));
    float logUpper = (float) clip.logUpper();
    float logLower = (float) clip.logLower();
    DoubleVector surrogate = zeroSum();
    DoubleVector weightedAdvantage = zeroSum();
    DoubleVector absoluteAdvantage = zeroSum();
    DoubleVector binding = zeroSum();
    DoubleVector outside = zeroSum();
    int bindingActions = 0;
    for (int i = 0; i < chunk.length; i += LANES) {
      int at = start + i;
      FloatVector prob = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector old = FloatVector.fromArray(SPECIES, oldProb, at);
      FloatVector advantage = FloatVector.fromArray(SPECIES, actionValue, at).sub(meanActionValue);
      FloatVector logProbRatio =
          FloatVector.fromArray(SPECIES, policy.logits, at)
              .sub(logNormalizer)
              .sub(FloatVector.fromArray(SPECIES, oldLogProb, at));
      VectorMask<Float> positive = advantage.compare(VectorOperators.GE, 0f);
      VectorMask<Float> above = logProbRatio.compare(VectorOperators.GT, logUpper);
      VectorMask<Float> below = logProbRatio.lt(logLower);
      VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
      FloatVector bound = lowerRatio.blend(upperRatio, positive).mul(old);
      surrogate = accumulate(surrogate, prob.blend(bound, clipped).mul(advantage));
      absoluteAdvantage = accumulate(absoluteAdvantage, old.mul(advantage.abs()));
      binding = accumulate(binding, broadcast(0f).blend(old, clipped));
      outside = accumulate(outside, broadcast(0f).blend(old, above.or(below)));
      FloatVector kept = advantage.blend(0f, clipped);
      weightedAdvantage = accumulate(weightedAdvantage, prob.mul(kept));
      FloatVector derivative = FloatVector.fromArray(SPECIES, chunk.derivative, i);
      derivative.fma(broadcast(-lambda), kept).intoArray(policy.coefficient, at);
      FloatVector.fromArray(SPECIES, chunk.curvature, i).intoArray(policy.curvature, at);
      bindingActions +=
          at + LANES <= columns
              ? clipped.trueCount()
              : clipped.and(SPECIES.indexInRange(at, columns)).trueCount();
    }
    point.surrogate += total(surrogate);
    point.meanCoefficient += total(weightedAdvantage);
    point.evaluationError += total(absoluteAdvantage);
    point.bindingMass += total(binding);
    point.outsideMass += total(outside);
    point.bindingActions += bindingActions;
  }

  @Override
  public void direction(SurrogatePoint point, int momentumSteps, AscentDirection result) {
    directionSweep.run(
        current,
        point,
        momentumSteps,
        lambda,
        (float) divergence.curvatureAtReference(),
        directions,
        result);
    float least = least(directions);
    float largest = largest(directions);
    result.span = (double) largest - least;
    largestMove = Math.max(Math.abs((double) least), Math.abs((double) largest));
    result.coefficientSpan = (double) largest(current.coefficient) - least(current.coefficient);
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    if (optimizer == OptimizerKind.NESTEROV) {
      directionSweep.moveWithMomentum(
          current.logits, directions, step, momentum, nextMomentum, proposed.logits);
      proposed.normalize(largest(proposed.logits), columns);
    } else {
      float length = (float) step;
      for (int i = 0; i < padded; i += LANES) {
        FloatVector.fromArray(SPECIES, directions, i)
            .fma(broadcast(length), FloatVector.fromArray(SPECIES, current.logits, i))
            .intoArray(proposed.logits, i);
      }
      boolean isSafe = step * largestMove < SAFE_MOVE;
      proposed.normalize(isSafe ? current.logNormalizer : largest(proposed.logits), columns);
    }
    measure(proposed, point);
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
      broadcast(largest)
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

  private static float largest(float[] array) {
    FloatVector largest = broadcast(Float.NEGATIVE_INFINITY);
    for (int i = 0; i < array.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, array, i);
      largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
    }
    return FloatLanes.largest(largest);
  }

  private static float least(float[] array) {
    FloatVector least = broadcast(Float.POSITIVE_INFINITY);
    for (int i = 0; i < array.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, array, i);
      least = least.blend(x, x.lt(least));
    }
    return FloatLanes.least(least);
  }
}
