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
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Row sweeps on float32 lanes. The row is copied into scratch arrays once per visit and stays in
 * cache for all its inner steps.
 *
 * <p>Two ways through an inner step give the same policy. The general one serves every divergence
 * and optimizer: a sweep for the direction, one for the new masses, one for coefficients at the new
 * policy. {@link FusedSweep} does all of it in one sweep, for the divergences and directions that
 * allow it; only chunks in which a clip is active are then measured again.
 *
 * <p>Arrays are padded to {@link FloatLanes#WIDTH}. Padding repeats the row's last action, so that
 * it changes no minimum or maximum, and has probabilities of 0, so that it changes no sum.
 */
final class VectorArithmetic implements RowArithmetic {
  /** Float32 rounding within the surrogate's sum, in its terms' own units. */
  private static final double EVALUATION_ERROR = 0x1p-23;

  /**
   * The same where terms are functions of a log-ratio: with logits of 8 to 16 nats its rounding is
   * up to 2^-21 nats, whatever its size.
   */
  private static final double GENERAL_EVALUATION_ERROR = 0x1p-21;

  private final int columns;
  private final int padded;
  private final OptimizerKind optimizer;
  private final RowChunk chunk = new RowChunk();
  private final ClipSweep clipSweep = new ClipSweep(chunk);
  private final float[] logReference;
  private final float[] reference;
  private final float[] actionValue;
  private final float[] directions;
  private final DirectionSweep directionSweep;

  /** Whether what rounding takes from the logits is kept. */
  private final boolean keepsLost;

  /** p_old; the same object as {@link #current} until a step is accepted. */
  private PolicyScratch old;

  private PolicyScratch current;
  private PolicyScratch proposed;

  /** Neither of the three, while p_old is the current policy. */
  private PolicyScratch spare;

  private final PolicySummary summary = new PolicySummary();

  private boolean referenceReady;
  private double referenceSum;

  /** Whether steps are judged by the surrogate. */
  private boolean judgesSteps;

  private boolean meanReady;
  private float meanActionValue;
  private double meanAbsoluteAdvantage;
  private float center;
  private double squaredGradientNorm;
  private float lambda;
  private boolean keepCurvature;
  private ClippedSurrogate clip = ClippedSurrogate.of(0.2);
  private Divergence divergence = Divergence.parse("reverse-kl");
  private ChunkDivergence chunkDivergence = ChunkDivergence.of(divergence);
  private @Nullable FusedSweep fusedSweep;

  /** The fused sweep of the row in hand, or null where it takes the general way. */
  private @Nullable FusedSweep fused;

  /** Filled by the fused sweep's proposals. */
  private AscentDirection direction = new AscentDirection();

  VectorArithmetic(int columns, OptimizerKind optimizer) {
    this.columns = columns;
    this.padded = FloatLanes.padded(columns);
    this.optimizer = optimizer;
    logReference = new float[padded];
    reference = new float[padded];
    actionValue = new float[padded];
    directions = new float[padded];
    keepsLost = optimizer == OptimizerKind.GRADIENT;
    current = new PolicyScratch(columns, keepsLost);
    proposed = new PolicyScratch(columns, keepsLost);
    spare = new PolicyScratch(columns, keepsLost);
    old = current;
    directionSweep = DirectionSweep.of(optimizer, padded);
    fusedSweep = FusedSweep.of(divergence, optimizer);
  }

  /** Float arrays of a row's length that this class holds. */
  static int arrays(OptimizerKind optimizer) {
    int moments = optimizer.momentTables(RowTable.Precision.FLOAT32);
    return 4 + 3 * PolicyScratch.ARRAYS + (optimizer == OptimizerKind.GRADIENT ? 3 : 2) * moments;
  }

  @Override
  public void load(RowBlock block, RowProgram program, int row) {
    lambda = (float) program.lambda();
    clip = program.clip();
    keepCurvature = program.stepRule() == StepRuleKind.SAFE || directionSweep.readsCurvature();
    if (!program.divergence().equals(divergence)) {
      divergence = program.divergence();
      chunkDivergence = ChunkDivergence.of(divergence);
      fusedSweep = FusedSweep.of(divergence, optimizer);
    }
    ActorState actor = block.actor();
    actor.logits().readRow(row, current.logits);
    block.reference().readRow(row, logReference);
    block.actionValues().readRow(row, actionValue);
    directionSweep.load(actor.moments(), row);
    if (keepsLost) {
      actor.moments().getFirst().readRow(row, current.lost);
    }
    current.padLogits(0, padded);
    Arrays.fill(logReference, columns, padded, logReference[columns - 1]);
    Arrays.fill(actionValue, columns, padded, actionValue[columns - 1]);
    referenceReady = false;
    Arrays.fill(current.clippedChunks, false);
    // The safe rule needs a direction's span before the step.
    fused = program.stepRule() == StepRuleKind.SAFE ? null : fusedSweep;
    judgesSteps = program.stepRule() == StepRuleKind.BACKTRACKING;
    if (fused == null || divergence instanceof ForwardKl) {
      provideReference();
    }
    if (fused != null) {
      fused.logReference = logReference;
      fused.reference = reference;
      fused.referenceSum = referenceSum;
      fused.lambda = lambda;
      fused.sumsSlope = judgesSteps;
    }
    if (fused == null || judgesSteps) {
      current.normalize();
    } else {
      // Fixed steps need no bound on the surrogate's error, so that any centre within the action
      // values will do: the same one for as long as the row is in hand.
      center = actionValue[0];
      normalizeAndSum(fused);
    }
  }

  /** The current policy's masses and the fused sweep's sums, while each piece is in cache. */
  private void normalizeAndSum(FusedSweep sweep) {
    current.begin();
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, padded);
      current.addMass(start, length);
      sweep.measure(current, actionValue, center, start, length);
    }
    if (current.finish()) {
      finishSums(sweep, current);
    }
  }

  /** Reverse KL reads q for its metrics alone. */
  private void provideReference() {
    if (!referenceReady) {
      FloatLanes.exp(logReference, 1f, reference, padded);
      Arrays.fill(reference, columns, padded, 0f);
      referenceSum = chunk.sum(reference, 0, padded);
      referenceReady = true;
    }
  }

  @Override
  public void store(RowBlock block, int row) {
    block.actor().logits().writeRow(row, current.logits);
    directionSweep.store(block.actor().moments(), row);
    if (keepsLost) {
      block.actor().moments().getFirst().writeRow(row, current.lost);
    }
  }

  @Override
  public double actionValueSpan() {
    return largest(actionValue, 0, padded) - least(actionValue, 0, padded);
  }

  @Override
  public void anchor() {
    if (old != current) {
      spare = old;
      old = current;
    }
    current.becomeAnchor();
    clipSweep.anchor(current);
    meanReady = false;
    if (fused == null || judgesSteps) {
      provideMeanActionValue();
      meanAbsoluteAdvantage = meanAbsoluteAdvantage();
      center = center(meanActionValue, meanAbsoluteAdvantage);
    }
    if (fused != null) {
      releaseClipped(fused);
    }
  }

  /** No clip is active at p_old: the chunks where one was are measured again. */
  private void releaseClipped(FusedSweep sweep) {
    boolean hasSums = current.center == center;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int index = start / RowChunk.CAPACITY;
      if (current.clippedChunks[index]) {
        current.clippedChunks[index] = false;
        if (hasSums) {
          sweep.measure(current, actionValue, center, start, RowChunk.length(start, padded));
        }
      }
    }
    if (hasSums) {
      finishSums(sweep, current);
    }
  }

  /** Fixed steps read the advantages' baseline only where a clip may be active. */
  private void provideMeanActionValue() {
    if (!meanReady) {
      meanActionValue = (float) (chunk.dot(old.mass, 0, actionValue, 0, padded) / old.normalizer);
      meanReady = true;
    }
  }

  private double meanAbsoluteAdvantage() {
    double sum = 0.0;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      chunk.length = RowChunk.length(start, padded);
      for (int i = 0; i < chunk.length; i += LANES) {
        FloatVector.fromArray(SPECIES, actionValue, start + i)
            .sub(meanActionValue)
            .abs()
            .intoArray(chunk.terms, i);
      }
      sum += chunk.dot(current.mass, start, chunk.terms, 0, chunk.length);
    }
    return sum / current.normalizer;
  }

  /**
   * Within a quarter of the mean absolute advantage of the mean action value, on a grid, so that it
   * stays the same for many outer iterations and sums about it can be kept.
   */
  private static float center(float mean, double deviation) {
    if (!(deviation > Float.MIN_NORMAL)) {
      return mean;
    }
    double grid = Math.scalb(0.5, Math.getExponent(deviation));
    return (float) (Math.rint(mean / grid) * grid);
  }

  @Override
  public void measure(SurrogatePoint point) {
    if (fused == null) {
      measure(current, point);
      return;
    }
    if (current.center != center) {
      sum(fused, current);
    }
    fillPoint(current, point);
  }

  /** The fused sweep's second half over a whole row. */
  private void sum(FusedSweep sweep, PolicyScratch policy) {
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      sweep.measure(policy, values(policy, start), center, start, RowChunk.length(start, padded));
    }
    finishSums(sweep, policy);
  }

  private void finishSums(FusedSweep sweep, PolicyScratch policy) {
    policy.clippedObjective = sweep.finish(policy, center);
    policy.center = center;
  }

  /** The action values that a policy sees in the chunk that begins at {@code start}. */
  private float[] values(PolicyScratch policy, int start) {
    return policy.clippedChunks[start / RowChunk.CAPACITY] ? policy.clippedValue : actionValue;
  }

  private void fillPoint(PolicyScratch policy, SurrogatePoint point) {
    if (judgesSteps) {
      point.surrogate = policy.clippedObjective - meanActionValue + policy.clippedSurrogate;
      point.evaluationError = evaluationError();
    }
  }

  private double evaluationError() {
    return (fused == null ? GENERAL_EVALUATION_ERROR : EVALUATION_ERROR)
        * (lambda + meanAbsoluteAdvantage);
  }

  private void measure(PolicyScratch policy, SurrogatePoint point) {
    chunk.meanDerivative = 0.0;
    chunk.divergence = 0.0;
    point.surrogate = 0.0;
    policy.mean = 0.0;
    clipSweep.begin(policy, clip);
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      fillChunk(policy, start);
      chunkDivergence.measure(chunk);
      clipSweep.keepAdvantages(policy, actionValue, meanActionValue, start);
      fillCoefficients(policy, start);
      policy.mean += chunk.dot(chunk.prob, 0, chunk.keptAdvantage, 0, chunk.length);
      point.surrogate += chunk.dot(old.mass, start, chunk.terms, 0, chunk.length);
    }
    double exactLambda = lambda;
    point.surrogate =
        point.surrogate / old.normalizer + policy.mean - exactLambda * chunk.divergence;
    policy.mean -= exactLambda * chunk.meanDerivative;
    point.evaluationError = evaluationError();
  }

  /** Probabilities and log-ratios of one chunk of the row. */
  private void fillChunk(PolicyScratch policy, int start) {
    chunk.length = RowChunk.length(start, padded);
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
          .sub(FloatVector.fromArray(SPECIES, logReference, start + i))
          .sub(logNormalizer)
          .sub(lost)
          .intoArray(chunk.logRatio, i);
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
    clipSweep.begin(current, clip);
    if (clipSweep.mayClip(current)) {
      provideMeanActionValue();
      clipSweep.count(current, actionValue, meanActionValue, columns, point);
    } else {
      point.bindingMass = 0.0;
      point.bindingActions = 0;
      point.outsideMass = 0.0;
    }
  }

  @Override
  public void direction(int momentumSteps, AscentDirection result) {
    direction = result;
    if (momentumSteps == 1) {
      Arrays.fill(current.lost, 0f);
    }
    if (fused == null) {
      generalDirection(momentumSteps, result);
    }
  }

  private void generalDirection(int momentumSteps, AscentDirection result) {
    float mean = (float) current.mean;
    directionSweep.begin(mean, lambda, (float) divergence.curvatureAtReference(), momentumSteps);
    result.slope = 0.0;
    result.momentumSlope = 0.0;
    squaredGradientNorm = 0.0;
    float least = Float.POSITIVE_INFINITY;
    float largest = Float.NEGATIVE_INFINITY;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, padded);
      fillGradient(mean, start, length);
      float[] gradient = chunk.scratch;
      directionSweep.run(current, gradient, start, length, directions);
      result.slope += chunk.dot(gradient, 0, directions, start, length);
      squaredGradientNorm += chunk.dot(gradient, 0, gradient, 0, length);
      result.momentumSlope += directionSweep.momentumSlope(chunk, gradient, start, length);
      least = Math.min(least, least(directions, start, length));
      largest = Math.max(largest, largest(directions, start, length));
    }
    result.span = (double) largest - least;
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
  public double gradientNorm() {
    if (fused != null) {
      fused.beginMove();
      for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
        fused.addSquaredGradient(
            current, values(current, start), start, RowChunk.length(start, padded));
      }
      squaredGradientNorm = fused.slope.total();
    }
    return Math.sqrt(squaredGradientNorm);
  }

  @Override
  public double coefficientSpan() {
    return (double) largest(current.coefficient, 0, padded) - least(current.coefficient, 0, padded);
  }

  @Override
  public double largestCurvature() {
    float mean = (float) current.mean;
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
    if (fused != null) {
      proposeFused(fused, (float) step);
      fillPoint(proposed, point);
      return;
    }
    if (optimizer == OptimizerKind.NESTEROV) {
      directionSweep.moveWithMomentum(
          current.logits, directions, step, momentum, nextMomentum, proposed.logits);
      proposed.padLogits(0, padded);
      proposed.normalize();
    } else {
      proposed.begin();
      for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
        int length = RowChunk.length(start, padded);
        move((float) step, start, length);
        proposed.padLogits(start, length);
        proposed.addMass(start, length);
      }
      proposed.finish();
    }
    proposed.forgetMoves();
    measure(proposed, point);
  }

  private void move(float step, int start, int length) {
    if (keepsLost) {
      moveCompensated(step, start, length);
      return;
    }
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector.fromArray(SPECIES, directions, i)
          .fma(stepLanes, FloatVector.fromArray(SPECIES, current.logits, i))
          .intoArray(proposed.logits, i);
    }
  }

  private void moveCompensated(float step, int start, int length) {
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector logit = FloatVector.fromArray(SPECIES, current.logits, i);
      FloatVector increment =
          FloatVector.fromArray(SPECIES, directions, i)
              .fma(stepLanes, FloatVector.fromArray(SPECIES, current.lost, i));
      FloatVector moved = logit.add(increment);
      moved.intoArray(proposed.logits, i);
      increment.sub(moved.sub(logit)).intoArray(proposed.lost, i);
    }
  }

  private void proposeFused(FusedSweep sweep, float step) {
    PolicyScratch to = proposed;
    sweep.beginMove();
    to.begin();
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, padded);
      sweep.move(current, to, old.logits, values(current, start), step, start, length);
      to.padLogits(start, length);
      to.addMass(start, length);
      sweep.measure(to, actionValue, center, start, length);
    }
    boolean isMeasured = to.finish();
    direction.slope = sweep.slope(current);
    markClipped(to);
    if (isMeasured) {
      measureClipped(sweep, to);
      finishSums(sweep, to);
    } else {
      sum(sweep, to);
    }
  }

  /** Marks the chunks in which a policy's clip is active. */
  private void markClipped(PolicyScratch policy) {
    clipSweep.begin(policy, clip);
    if (clipSweep.mayClip(policy)) {
      provideMeanActionValue();
      clipSweep.clipValues(policy, actionValue, meanActionValue);
    } else {
      Arrays.fill(policy.clippedChunks, false);
      policy.clippedSurrogate = 0.0;
    }
  }

  /** Measures those chunks with the action values that they see. */
  private void measureClipped(FusedSweep sweep, PolicyScratch policy) {
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      if (policy.clippedChunks[start / RowChunk.CAPACITY]) {
        sweep.measure(policy, policy.clippedValue, center, start, RowChunk.length(start, padded));
      }
    }
  }

  @Override
  public void moveUnmeasured(double step) {
    FusedSweep sweep = fused;
    if (sweep == null) {
      propose(step, 0.0, 0.0, new SurrogatePoint());
    } else {
      sweep.beginMove();
      for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
        int length = RowChunk.length(start, padded);
        sweep.move(
            current, proposed, old.logits, values(current, start), (float) step, start, length);
      }
    }
    accept();
  }

  @Override
  public void accept() {
    PolicyScratch left = current;
    current = proposed;
    proposed = left == old ? spare : left;
    directionSweep.accept();
  }

  @Override
  public void summarize(@Nullable RowOptimum optimum, double[] metrics) {
    chunk.meanDerivative = 0.0;
    chunk.divergence = 0.0;
    double gap = 0.0;
    provideReference();
    boolean isKl = divergence instanceof ReverseKl || divergence instanceof ForwardKl;
    summary.begin();
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      chunk.length = RowChunk.length(start, padded);
      summary.add(chunk, start, current, logReference, reference, actionValue, old);
      if (!isKl) {
        chunkDivergence.measure(chunk);
      }
      if (optimum != null) {
        fillOptimumDistance(optimum, start);
        gap += chunkDivergence.gap(chunk);
      }
    }
    summary.write(metrics);
    double trained =
        switch (divergence) {
          case ReverseKl f -> metrics[RowMetric.KL_POLICY_TO_REFERENCE.ordinal()];
          // The centred divergence's q need not sum to 1 to the last bit.
          case ForwardKl f ->
              metrics[RowMetric.KL_REFERENCE_TO_POLICY.ordinal()] + (1.0 - referenceSum);
          default -> chunk.divergence;
        };
    double exactLambda = lambda;
    metrics[RowMetric.DIVERGENCE.ordinal()] = trained;
    metrics[RowMetric.VALUE.ordinal()] =
        metrics[RowMetric.ACTION_VALUE.ordinal()] - exactLambda * trained;
    metrics[RowMetric.GAP.ordinal()] = optimum == null ? Double.NaN : exactLambda * gap;
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
  public void writeGradient(RowTable destination, int row) {
    measure(current, new SurrogatePoint());
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, padded);
      fillGradient((float) current.mean, start, length);
      System.arraycopy(chunk.scratch, 0, directions, start, length);
    }
    destination.writeRow(row, directions);
  }
}
