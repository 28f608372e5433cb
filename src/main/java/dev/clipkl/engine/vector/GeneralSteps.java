package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.largest;
import static dev.clipkl.engine.vector.FloatLanes.least;

import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Inner steps for every divergence and optimizer: a sweep for the direction, one for the new
 * masses, one for coefficients at the new policy.
 */
final class GeneralSteps implements StepSweeps {
  /**
   * Float32 rounding of the log-ratios in the surrogate's terms: with logits of 8 to 16 nats up to
   * 2^-21 nats, whatever a ratio's size.
   */
  private static final double EVALUATION_ERROR = 0x1p-21;

  private final RowScratch row;
  private final RowChunk chunk;
  private final OptimizerKind optimizer;
  private final DirectionSweep directionSweep;
  private final float[] directions;
  private Divergence divergence = Divergence.parse("reverse-kl");
  private ChunkDivergence chunkDivergence = ChunkDivergence.of(divergence);
  private boolean keepCurvature;
  private double squaredGradientNorm;

  GeneralSteps(RowScratch row, OptimizerKind optimizer) {
    this.row = row;
    this.optimizer = optimizer;
    chunk = row.chunk;
    directionSweep = DirectionSweep.of(optimizer, row.padded);
    directions = new float[row.padded];
  }

  /** Float arrays of a row's length that an instance holds. */
  static int arrays(OptimizerKind optimizer) {
    return switch (optimizer) {
      // What gradient steps keep lies in the policies.
      case GRADIENT -> 1;
      default -> 1 + 2 * optimizer.momentTables(RowTable.Precision.FLOAT32);
    };
  }

  /** The divergence that the next rows are measured by. */
  void setDivergence(Divergence newDivergence) {
    divergence = newDivergence;
    chunkDivergence = ChunkDivergence.of(newDivergence);
  }

  /** The divergence on chunks of a row. */
  ChunkDivergence chunkDivergence() {
    return chunkDivergence;
  }

  /** Reads the optimizer's moments. */
  void loadMoments(List<RowTable> moments, int index) {
    directionSweep.load(moments, index);
  }

  /** Writes them. */
  void storeMoments(List<RowTable> moments, int index) {
    directionSweep.store(moments, index);
  }

  /** The proposal has become the current policy. */
  void accept() {
    directionSweep.accept();
  }

  @Override
  public void load(RowProgram program) {
    keepCurvature = program.stepRule() == StepRuleKind.SAFE || directionSweep.readsCurvature();
    row.current.begin();
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, row.padded);
      row.readWithMass(start, length);
      row.addReference(start, length);
    }
    row.current.finish();
  }

  @Override
  public void anchor() {
    row.computeMeanAbsoluteAdvantage();
  }

  @Override
  public void measure(SurrogatePoint point) {
    measure(row.current, point);
  }

  private void measure(PolicyScratch policy, SurrogatePoint point) {
    PolicyScratch old = row.old;
    chunk.meanDerivative = 0.0;
    chunk.divergence = 0.0;
    point.surrogate = 0.0;
    policy.mean = 0.0;
    row.clipSweep.begin(policy, row.clip);
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      fillChunk(policy, start);
      chunkDivergence.measure(chunk);
      row.clipSweep.keepAdvantages(policy, row.actionValue, row.meanActionValue, start);
      fillCoefficients(policy, start);
      policy.mean += chunk.dot(chunk.prob, 0, chunk.keptAdvantage, 0, chunk.length);
      point.surrogate += chunk.dot(old.mass, start, chunk.terms, 0, chunk.length);
    }
    double exactLambda = row.lambda;
    point.surrogate =
        point.surrogate / old.normalizer + policy.mean - exactLambda * chunk.divergence;
    policy.mean -= exactLambda * chunk.meanDerivative;
    point.evaluationError = EVALUATION_ERROR * (row.lambda + row.meanAbsoluteAdvantage);
  }

  /** Probabilities and log-ratios of one chunk of the row. */
  private void fillChunk(PolicyScratch policy, int start) {
    chunk.length = RowChunk.length(start, row.padded);
    FloatVector logNormalizer = FloatVector.broadcast(SPECIES, (float) policy.logNormalizer);
    // Float32 loses up to 5e-7 nats of the normaliser, the same for all actions: too much for a sum
    // of log-ratios, where it would not average out.
    float lost = (float) (policy.logNormalizer - (float) policy.logNormalizer);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, policy.mass, start + i)
          .mul(policy.inverseNormalizer)
          .intoArray(chunk.prob, i);
      FloatVector.fromArray(SPECIES, row.reference, start + i).intoArray(chunk.reference, i);
      FloatVector.fromArray(SPECIES, policy.logits, start + i)
          .sub(FloatVector.fromArray(SPECIES, row.logReference, start + i))
          .sub(logNormalizer)
          .sub(lost)
          .intoArray(chunk.logRatio, i);
    }
  }

  /** {@code G = A 1[clip inactive] - lambda f'}. */
  private void fillCoefficients(PolicyScratch policy, int start) {
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -row.lambda);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, chunk.derivative, i)
          .fma(minusLambda, FloatVector.fromArray(SPECIES, chunk.keptAdvantage, i))
          .intoArray(policy.coefficient, start + i);
    }
    if (keepCurvature) {
      System.arraycopy(chunk.curvature, 0, policy.curvature, start, chunk.length);
    }
  }

  @Override
  public void direction(int momentumSteps, AscentDirection direction) {
    float mean = (float) row.current.mean;
    directionSweep.begin(
        mean, row.lambda, (float) divergence.curvatureAtReference(), momentumSteps);
    direction.slope = 0.0;
    direction.momentumSlope = 0.0;
    squaredGradientNorm = 0.0;
    float least = Float.POSITIVE_INFINITY;
    float largest = Float.NEGATIVE_INFINITY;
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, row.padded);
      fillGradient(mean, start, length);
      float[] gradient = chunk.scratch;
      directionSweep.run(row.current, gradient, start, length, directions);
      direction.slope += chunk.dot(gradient, 0, directions, start, length);
      squaredGradientNorm += chunk.dot(gradient, 0, gradient, 0, length);
      direction.momentumSlope += directionSweep.momentumSlope(chunk, gradient, start, length);
      least = Math.min(least, least(directions, start, length));
      largest = Math.max(largest, largest(directions, start, length));
    }
    direction.span = (double) largest - least;
  }

  /** {@code g = p (G - E_p G)} of one chunk to scratch. */
  private void fillGradient(float mean, int start, int length) {
    PolicyScratch current = row.current;
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
  public double gradientNorm() {
    return Math.sqrt(squaredGradientNorm);
  }

  /** {@code max G - min G} at the current policy. */
  double coefficientSpan() {
    float[] coefficient = row.current.coefficient;
    return (double) largest(coefficient, 0, row.padded) - least(coefficient, 0, row.padded);
  }

  /** {@code max_a |G_a - E_p G - lambda w_a f''(w_a)|} at the current policy. */
  double largestCurvature() {
    PolicyScratch current = row.current;
    float mean = (float) current.mean;
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -row.lambda);
    FloatVector largest = FloatVector.broadcast(SPECIES, 0f);
    for (int i = 0; i < row.padded; i += LANES) {
      FloatVector curvature =
          FloatVector.fromArray(SPECIES, current.curvature, i)
              .fma(minusLambda, FloatVector.fromArray(SPECIES, current.coefficient, i))
              .sub(mean)
              .abs();
      largest = largest.blend(curvature, curvature.compare(VectorOperators.GT, largest));
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    normalizeProposal(step, momentum, nextMomentum);
    row.proposed.forgetMoves();
    measure(row.proposed, point);
  }

  private void normalizeProposal(double step, double momentum, double nextMomentum) {
    PolicyScratch proposed = row.proposed;
    if (optimizer == OptimizerKind.NESTEROV) {
      directionSweep.moveWithMomentum(
          row.current.logits, directions, step, momentum, nextMomentum, proposed.logits);
      proposed.padLogits(0, row.padded);
      proposed.normalize();
    } else {
      proposed.begin();
      for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
        int length = RowChunk.length(start, row.padded);
        move((float) step, start, length);
        proposed.padLogits(start, length);
        proposed.addMass(start, length);
      }
      proposed.finish();
    }
  }

  @Override
  public void proposeLast(double step, boolean isSummarized) {
    if (isSummarized) {
      normalizeProposal(step, 0.0, 0.0);
      return;
    }
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      move((float) step, start, RowChunk.length(start, row.padded));
    }
  }

  @Override
  public double actionValueSpan() {
    return row.actionValueSpan();
  }

  @Override
  public void store() {
    row.store();
  }

  private void move(float step, int start, int length) {
    if (row.keepsLost) {
      moveCompensated(step, start, length);
      return;
    }
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector.fromArray(SPECIES, directions, i)
          .fma(stepLanes, FloatVector.fromArray(SPECIES, row.current.logits, i))
          .intoArray(row.proposed.logits, i);
    }
  }

  private void moveCompensated(float step, int start, int length) {
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector logit = FloatVector.fromArray(SPECIES, row.current.logits, i);
      FloatVector increment =
          FloatVector.fromArray(SPECIES, directions, i)
              .fma(stepLanes, FloatVector.fromArray(SPECIES, row.current.lost, i));
      FloatVector moved = logit.add(increment);
      moved.intoArray(row.proposed.logits, i);
      increment.sub(moved.sub(logit)).intoArray(row.proposed.lost, i);
    }
  }

  /** Writes the gradient at the current policy, p_old, into a table's row. */
  void writeGradient(RowTable destination, int index) {
    row.provideReference();
    row.provideMeanActionValue();
    measure(row.current, new SurrogatePoint());
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, row.padded);
      fillGradient((float) row.current.mean, start, length);
      System.arraycopy(chunk.scratch, 0, directions, start, length);
    }
    destination.writeRow(index, directions);
  }
}
