package dev.clipkl.engine;

import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One row's program: K inner steps for each outer iteration, by the step rules (THEORY 3.4, 5, 6).
 *
 * <p>It only decides; every number comes from a {@link RowArithmetic}. One loop serves one thread.
 */
final class RowLoop {
  /** Sufficient increase for raw gradient steps: {@code l(new) >= l + step |g|^2 / 2} (3.4e). */
  private static final double GRADIENT_INCREASE = 0.5;

  /** Sufficient increase for preconditioned steps: {@code l(new) >= l + step <g, d> / 4} (6). */
  private static final double DIRECTION_INCREASE = 0.25;

  /** A trial that was refused is followed by one not shorter than this part of it. */
  private static final double LEAST_REDUCTION = 0.125;

  /**
   * Reductions, by a half or more, after which a row has no useful step: 2^-40 of a unit step moves
   * no float32 logit.
   */
  private static final int MOST_REDUCTIONS = 40;

  /**
   * The same for inner steps after the first: a step at least 64 times shorter than the one before
   * it has met a kink of the clip, and the next outer iteration moves the row further than it
   * would.
   */
  private static final int MOST_REDUCTIONS_AT_KINK = 6;

  /**
   * A later inner step's first trial, as a part of what the one before would be followed by: where
   * the clip has begun to hold some actions, longer ones are mostly refused.
   */
  private static final double LATER_STEP = 0.3;

  /**
   * By how much a step grows that the surrogate tells nothing of. Doubled, steps would soon throw a
   * converged row back; kept, they would stay short after a refusal that was due to rounding.
   */
  private static final double UNTOLD_GROWTH = 1.25;

  /** Adam's unit step, nats per inner step. */
  private static final double ADAM_UNIT_STEP = 0.02;

  private final RowArithmetic arithmetic;
  private final SurrogatePoint point = new SurrogatePoint();
  private final SurrogatePoint proposal = new SurrogatePoint();
  private final AscentDirection direction = new AscentDirection();
  private final double[] metrics = new double[RowMetric.COUNT];

  /** Actions whose clip was active, per inner step. */
  private int[] clippedActions = {};

  private double constantSmoothness;
  private double rememberedStep;
  private double nextStep;
  private int momentumSteps;
  private int stepsRejected;

  RowLoop(RowArithmetic arithmetic) {
    this.arithmetic = arithmetic;
  }

  /**
   * Metrics of the row's policy as it stands; ratios are those of an unchanged policy.
   *
   * @param groups takes the row's masses by group too; null where they are not wanted
   */
  void evaluate(
      RowBlock block,
      RowProgram program,
      int row,
      RowResults results,
      @Nullable GroupMasses groups) {
    Arrays.fill(metrics, 0.0);
    arithmetic.load(block, program, row);
    arithmetic.anchor();
    arithmetic.summarize(optimum(block, row), metrics);
    results.recordLatest(row, metrics);
    if (groups != null) {
      arithmetic.groupMasses(groups.groups(), groups.masses()[row]);
    }
  }

  /** The exact gradient of the row's value with respect to its logits: {@code p (G - E_p G)}. */
  void gradient(RowBlock block, RowProgram program, int row, RowTable gradients) {
    arithmetic.load(block, program, row);
    arithmetic.anchor();
    arithmetic.writeGradient(gradients, row);
  }

  /**
   * Runs {@code outerIterations} outer iterations, or fewer when the row reaches its tolerance.
   *
   * @param results null where nobody reads the metrics: then no row is held against its tolerance
   */
  void run(
      RowBlock block,
      RowProgram program,
      int row,
      int outerIterations,
      @Nullable RowResults results) {
    ActorState actor = block.actor();
    int done = 0;
    if (!actor.finished()[row]) {
      begin(block, program, row, isOneStep(program, outerIterations, results));
      while (done < outerIterations && !actor.finished()[row]) {
        boolean isLast = done == outerIterations - 1;
        outerIteration(program, block.rowWeights()[row], results != null, isLast);
        if (results != null) {
          arithmetic.summarize(optimum(block, row), metrics);
          results.record(done, row, metrics, clippedActions);
          // A NaN gap (no optimum given) never finishes a row.
          actor.finished()[row] = metrics[RowMetric.GAP.ordinal()] <= program.tolerance();
        }
        done++;
      }
      actor.stepSizes()[row] = rememberedStep;
      actor.momentumSteps()[row] = momentumSteps;
      arithmetic.store(block, row);
    }
    for (; results != null && done < outerIterations; done++) {
      results.repeat(done, row);
    }
  }

  /** Whether the visit is one step, whose length is known before the row is. */
  private static boolean isOneStep(
      RowProgram program, int outerIterations, @Nullable RowResults results) {
    return outerIterations * (long) program.innerSteps() == 1L
        && results == null
        && program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() != OptimizerKind.NESTEROV;
  }

  private void begin(RowBlock block, RowProgram program, int row, boolean isOneStep) {
    if (isOneStep) {
      arithmetic.loadForOneStep(block, program, row);
    } else {
      arithmetic.load(block, program, row);
    }
    rememberedStep = block.actor().stepSizes()[row];
    momentumSteps = block.actor().momentumSteps()[row];
    constantSmoothness = smoothness(program);
    if (clippedActions.length != program.innerSteps()) {
      clippedActions = new int[program.innerSteps()];
    }
  }

  /** NaN where no step depends on it. */
  private double smoothness(RowProgram program) {
    boolean isRead =
        switch (program.optimizer()) {
          case GRADIENT, NESTEROV -> true;
          case ADAM, NATURAL, NEWTON, PRECONDITIONED -> false;
        };
    return isRead && Double.isNaN(program.smoothness())
        ? RowSmoothness.constant(
            program.divergence(), program.lambda(), arithmetic.actionValueSpan())
        : program.smoothness();
  }

  private static @Nullable RowOptimum optimum(RowBlock block, int row) {
    RowOptimum[] optima = block.optima();
    return optima == null ? null : optima[row];
  }

  /**
   * K inner steps.
   *
   * @param reports whether anyone reads the metrics
   * @param isLast whether no outer iteration follows
   */
  private void outerIteration(RowProgram program, double weight, boolean reports, boolean isLast) {
    Arrays.fill(metrics, 0.0);
    arithmetic.anchor();
    arithmetic.measure(point);
    stepsRejected = 0;
    double bindingMass = 0.0;
    double outsideMass = 0.0;
    int steps = 0;
    boolean frozen = false;
    double firstStep = 0.0;
    double gradientNorm = 0.0;
    for (int k = 0; k < program.innerSteps(); k++) {
      if (reports) {
        arithmetic.countClipped(point);
        clippedActions[k] = point.bindingActions;
        bindingMass += point.bindingMass;
        outsideMass += point.outsideMass;
      }
      if (frozen) {
        continue;
      }
      arithmetic.direction(++momentumSteps, direction);
      if (k == 0 && reports) {
        gradientNorm = arithmetic.gradientNorm();
        // A step would change nothing; a row that takes none tells that the run stands still.
        if (gradientNorm == 0.0) {
          frozen = true;
          continue;
        }
      }
      double remembered = rememberedStep;
      int rejected = stepsRejected;
      boolean isLastStep = isLast && k == program.innerSteps() - 1;
      double step =
          switch (program.stepRule()) {
            case FIXED ->
                propose(
                    program, program.stepSize() * unitStep(program) * weight, isLastStep, reports);
            case SAFE -> propose(program, safeStep(program) * weight, isLastStep, reports);
            case BACKTRACKING -> backtrack(program, weight, k == 0);
          };
      if (Double.isNaN(gradientNorm)) {
        gradientNorm = arithmetic.gradientNorm();
        if (gradientNorm == 0.0) {
          rememberedStep = remembered;
          stepsRejected = rejected;
          frozen = true;
          continue;
        }
      }
      if (Double.isNaN(step)) {
        frozen = true;
        continue;
      }
      arithmetic.accept();
      point.set(proposal);
      steps++;
      if (k == 0) {
        firstStep = step;
      }
    }
    metrics[RowMetric.CLIPFRAC_BINDING.ordinal()] = bindingMass / program.innerSteps();
    metrics[RowMetric.CLIPFRAC_OUTSIDE_BAND.ordinal()] = outsideMass / program.innerSteps();
    metrics[RowMetric.GRAD_NORM.ordinal()] = gradientNorm;
    metrics[RowMetric.STEP_SIZE.ordinal()] = firstStep;
    metrics[RowMetric.STEPS_TAKEN.ordinal()] = steps;
    metrics[RowMetric.STEPS_REJECTED.ordinal()] = stepsRejected;
    metrics[RowMetric.FROZEN.ordinal()] = frozen ? 1.0 : 0.0;
  }

  private double unitStep(RowProgram program) {
    return switch (program.optimizer()) {
      case GRADIENT, NESTEROV -> 1.0 / constantSmoothness;
      case ADAM -> ADAM_UNIT_STEP;
      case NATURAL, NEWTON, PRECONDITIONED -> 1.0;
    };
  }

  private double safeStep(RowProgram program) {
    double unit =
        switch (program.optimizer()) {
          case GRADIENT, NESTEROV ->
              1.0
                  / RowSmoothness.current(
                      program.divergence(),
                      program.lambda(),
                      constantSmoothness,
                      arithmetic.coefficientSpan(),
                      arithmetic.largestCurvature());
          case ADAM, NATURAL, NEWTON, PRECONDITIONED -> unitStep(program);
        };
    return Math.min(program.stepSize() * unit, program.clip().logUpper() / direction.span);
  }

  /**
   * Proposes one step, with momentum where the optimizer has it.
   *
   * @param isLast whether no step follows
   * @param reports whether anyone reads the metrics
   * @return the step
   */
  private double propose(RowProgram program, double step, boolean isLast, boolean reports) {
    if (isLast && program.optimizer() != OptimizerKind.NESTEROV) {
      arithmetic.proposeLast(step, reports);
    } else if (program.optimizer() == OptimizerKind.NESTEROV) {
      if (direction.momentumSlope < 0.0) {
        momentumSteps = 1;
      }
      arithmetic.propose(step, momentum(momentumSteps), momentum(momentumSteps + 1), proposal);
    } else {
      arithmetic.propose(step, 0.0, 0.0, proposal);
    }
    return step;
  }

  /** Nesterov's {@code (t - 1) / (t + 2)}, t counted from 1. */
  private static double momentum(int steps) {
    return (steps - 1.0) / (steps + 2.0);
  }

  /** Returns the accepted step, or NaN when there is none. */
  private double backtrack(RowProgram program, double weight, boolean isFirst) {
    if (program.optimizer() == OptimizerKind.NESTEROV && momentumSteps > 1) {
      double step = rememberedStep;
      propose(program, step, false, false);
      if (isAtLeast(point.surrogate)) {
        nextStep = step;
        return step;
      }
      stepsRejected++;
      momentumSteps = 1;
    }
    if (program.optimizer() == OptimizerKind.ADAM && !(direction.slope > 0.0)) {
      momentumSteps = 1;
      arithmetic.direction(momentumSteps, direction);
    }
    double unit = program.stepSize() * unitStep(program) * weight;
    double largest = program.optimizer().isUnitStepLargest() ? unit : Double.POSITIVE_INFINITY;
    double step =
        !isFirst
            ? LATER_STEP * nextStep
            : Double.isNaN(rememberedStep) ? unit : Math.min(rememberedStep, largest);
    int mostReductions = isFirst ? MOST_REDUCTIONS : MOST_REDUCTIONS_AT_KINK;
    double sufficient =
        program.optimizer() == OptimizerKind.GRADIENT
                || program.optimizer() == OptimizerKind.NESTEROV
            ? GRADIENT_INCREASE
            : DIRECTION_INCREASE;
    double longest = Double.POSITIVE_INFINITY;
    for (int trial = 0; trial <= mostReductions; trial++) {
      arithmetic.propose(step, 0.0, 0.0, proposal);
      if (isAtLeast(point.surrogate + sufficient * step * direction.slope)) {
        double best = Math.min(bestStep(step, sufficient, unit), longest);
        nextStep = Math.clamp(best, 0.5 * step, 2.0 * step);
        if (isFirst) {
          rememberedStep = Math.min(nextStep, largest);
        }
        return step;
      }
      stepsRejected++;
      longest = step;
      step = Math.clamp(bestStep(step, sufficient, unit), LEAST_REDUCTION * step, 0.5 * step);
    }
    return Double.NaN;
  }

  /**
   * Where a parabola through the surrogate, its slope and its value at a trial has its maximum, or,
   * if that is nearer, where the rise along it is just sufficient with a fifth to spare. Infinite
   * where the trial's curve does not bend down, or bends by no more than rounding. Where even its
   * rise is within rounding, the surrogate tells nothing: a little longer until the unit step.
   */
  private double bestStep(double trial, double sufficient, double unit) {
    double shortfall = trial * direction.slope - (proposal.surrogate - point.surrogate);
    if (Double.isNaN(shortfall)) {
      return 0.0;
    }
    double rounding = proposal.evaluationError + point.evaluationError;
    if (shortfall <= rounding) {
      return trial * direction.slope <= rounding
          ? Math.max(trial, Math.min(UNTOLD_GROWTH * trial, unit))
          : Double.POSITIVE_INFINITY;
    }
    double maximum = 0.5 * trial * trial * direction.slope / shortfall;
    // An infinite slope, where a curvature underflows, tells no more than NaN.
    return Double.isNaN(maximum) ? 0.0 : maximum * Math.min(1.0, 1.6 * (1.0 - sufficient));
  }

  /** Written so that a NaN surrogate is refused. */
  private boolean isAtLeast(double target) {
    return proposal.surrogate + proposal.evaluationError + point.evaluationError >= target;
  }
}
