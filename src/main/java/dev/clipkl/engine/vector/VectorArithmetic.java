package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;

import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowArithmetic;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Row sweeps on float32 lanes: {@link FusedSteps} for the divergences and directions that allow it,
 * {@link GeneralSteps} for all others, and {@link StreamedStep} for visits of one step.
 */
final class VectorArithmetic implements RowArithmetic {
  private final OptimizerKind optimizer;
  private final RowScratch row;
  private final GeneralSteps general;
  private final CarriedRows carried;
  private final PolicySummary summary = new PolicySummary();
  private final GroupSums groupSums = new GroupSums();
  private Divergence divergence = Divergence.parse("reverse-kl");
  private float inverseLambda;
  private @Nullable FusedSteps fused;
  private @Nullable StreamedStep streamed;

  /** The way of the row in hand. */
  private StepSweeps steps;

  VectorArithmetic(int columns, OptimizerKind optimizer, CarriedRows carried) {
    this.optimizer = optimizer;
    this.carried = carried;
    row = new RowScratch(columns, optimizer);
    general = new GeneralSteps(row, optimizer);
    steps = general;
    fused = fused(divergence);
    streamed = streamed(divergence);
  }

  private @Nullable StreamedStep streamed(Divergence of) {
    StreamedSweep sweep = StreamedSweep.of(of, optimizer);
    return sweep == null ? null : new StreamedStep(row.columns, row.keepsLost, sweep, carried);
  }

  private @Nullable FusedSteps fused(Divergence of) {
    FusedSweep sweep = FusedSweep.of(of, optimizer);
    return sweep == null ? null : new FusedSteps(row, sweep, of);
  }

  /** Float arrays of a row's length that this class holds. */
  static int arrays(OptimizerKind optimizer) {
    return RowScratch.arrays(optimizer) + GeneralSteps.arrays(optimizer);
  }

  @Override
  public void load(RowBlock block, RowProgram program, int index) {
    setDivergence(program.divergence());
    row.begin(block, program, index);
    general.loadMoments(block.actor().moments(), index);
    // The safe rule needs a direction's span before the step.
    steps = fused == null || program.stepRule() == StepRuleKind.SAFE ? general : fused;
    steps.load(program);
  }

  @Override
  public void loadForOneStep(RowBlock block, RowProgram program, int index) {
    setDivergence(program.divergence());
    if (streamed != null && streamed.begin(block, program, index)) {
      row.begin(block, program, index);
      steps = streamed;
    } else {
      load(block, program, index);
    }
  }

  private void setDivergence(Divergence of) {
    if (!of.equals(divergence)) {
      divergence = of;
      general.setDivergence(of);
      fused = fused(of);
      streamed = streamed(of);
    }
  }

  @Override
  public void store(RowBlock block, int index) {
    steps.store();
    general.storeMoments(block.actor().moments(), index);
  }

  @Override
  public double actionValueSpan() {
    return steps.actionValueSpan();
  }

  @Override
  public void anchor() {
    row.anchor();
    steps.anchor();
  }

  @Override
  public void measure(SurrogatePoint point) {
    steps.measure(point);
  }

  @Override
  public void countClipped(SurrogatePoint point) {
    ClipCount count = row.countClipped();
    point.bindingMass = count.bindingMass();
    point.bindingActions = count.bindingActions();
    point.outsideMass = count.outsideMass();
  }

  @Override
  public void direction(int momentumSteps, AscentDirection direction) {
    if (momentumSteps == 1) {
      row.forgetLost();
    }
    steps.direction(momentumSteps, direction);
  }

  @Override
  public double gradientNorm() {
    return steps.gradientNorm();
  }

  @Override
  public double coefficientSpan() {
    return general.coefficientSpan();
  }

  @Override
  public double largestCurvature() {
    return general.largestCurvature();
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    steps.propose(step, momentum, nextMomentum, point);
  }

  @Override
  public void proposeLast(double step, boolean isSummarized) {
    steps.proposeLast(step, isSummarized);
  }

  @Override
  public void accept() {
    row.accept();
    general.accept();
  }

  @Override
  public void summarize(@Nullable RowOptimum optimum, double[] metrics) {
    RowChunk chunk = row.chunk;
    ChunkDivergence chunkDivergence = general.chunkDivergence();
    chunk.meanDerivative = 0.0;
    chunk.divergence = 0.0;
    double gap = 0.0;
    boolean knowsReference = row.hasReference();
    inverseLambda = 1f / row.lambda;
    boolean isKl = divergence instanceof ReverseKl || divergence instanceof ForwardKl;
    summary.begin();
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      chunk.length = RowChunk.length(start, row.padded);
      if (!knowsReference) {
        row.fillReference(start, chunk.length);
      }
      summary.add(start, row);
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
              metrics[RowMetric.KL_REFERENCE_TO_POLICY.ordinal()] + (1.0 - row.referenceSum);
          default -> chunk.divergence;
        };
    double exactLambda = row.lambda;
    metrics[RowMetric.DIVERGENCE.ordinal()] = trained;
    metrics[RowMetric.VALUE.ordinal()] =
        metrics[RowMetric.ACTION_VALUE.ordinal()] - exactLambda * trained;
    metrics[RowMetric.GAP.ordinal()] = optimum == null ? Double.NaN : exactLambda * gap;
  }

  private void fillOptimumDistance(RowOptimum optimum, int start) {
    RowChunk chunk = row.chunk;
    float largest = (float) optimum.largestActionValue();
    float offset = (float) optimum.offset();
    FloatVector inverse = FloatVector.broadcast(SPECIES, inverseLambda);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector distance =
          FloatVector.broadcast(SPECIES, largest)
              .sub(FloatVector.fromArray(SPECIES, row.actionValue, start + i))
              .add(offset);
      // The quotient to its last bit or the one before, in less than half a division's time.
      FloatVector quotient = distance.mul(inverse);
      quotient
          .neg()
          .fma(FloatVector.broadcast(SPECIES, row.lambda), distance)
          .fma(inverse, quotient)
          .intoArray(chunk.optimumDistance, i);
    }
  }

  @Override
  public void groupMasses(ColumnGroups groups, double[] masses) {
    groupSums.sum(row.current, groups, masses);
  }

  @Override
  public void writeGradient(RowTable destination, int index) {
    general.writeGradient(destination, index);
  }
}
