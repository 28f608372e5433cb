// One row's program: K inner steps for each outer iteration, by the same rules as RowLoop.
//
// Every thread runs it with the same numbers, so that the control flow is uniform.
#pragma once

#include "direction.cuh"
#include "load_row.cuh"
#include "measure_policy.cuh"
#include "summary.cuh"

namespace clipkl {

template <bool CLUSTERED>
class RowLoop {
 public:
  CLIPKL_DEVICE explicit RowLoop(const RowsParameters& launch) : parameters(launch), at(launch) {}

  /// Runs rows until none is left.
  CLIPKL_DEVICE void runAll() {
    for (int row = at.group.nextRow(parameters.nextRow); row < parameters.rows;
         row = at.group.nextRow(parameters.nextRow)) {
      run(row);
    }
  }

 private:
  /// Sufficient increase for raw gradient steps and for preconditioned ones.
  static constexpr double GRADIENT_INCREASE = 0.5;
  static constexpr double DIRECTION_INCREASE = 0.25;
  static constexpr double LEAST_REDUCTION = 0.125;
  static constexpr int MOST_REDUCTIONS = 40;
  static constexpr int MOST_REDUCTIONS_AT_KINK = 6;
  static constexpr double LATER_STEP = 0.3;
  static constexpr double UNTOLD_GROWTH = 1.25;
  static constexpr double ADAM_UNIT_STEP = 0.02;

  CLIPKL_DEVICE void run(int row) {
    bool reports = parameters.metrics != nullptr;
    bool finished = parameters.finished[row] != 0;
    int done = 0;
    if (!finished) {
      begin(row);
      while (done < parameters.outerIterations && !finished) {
        double metrics[METRICS];
        outerIteration(done, metrics);
        if (reports) {
          summarize(at, metrics);
          record(done, metrics);
          // A NaN gap (no optimum given) never finishes a row.
          finished = metrics[GAP] <= parameters.tolerance;
        }
        done++;
      }
      at.arrays.close(at.current, isWritten);
      if (at.group.isLeader()) {
        parameters.stepSizes[row] = rememberedStep;
        parameters.momentumSteps[row] = momentumSteps;
        parameters.finished[row] = finished ? 1 : 0;
      }
    }
    if (reports && at.group.isLeader()) {
#pragma unroll 1
      for (; done < parameters.outerIterations; done++) {
        repeat(done, row);
      }
    }
  }

  CLIPKL_DEVICE void begin(int row) {
    // Before the load, whose reductions keep the leader's writes at the row's end behind these reads.
    weight = parameters.rowWeights[row];
    isWritten = false;
    rememberedStep = parameters.stepSizes[row];
    momentumSteps = parameters.momentumSteps[row];
    loadRow(at, row);
    smoothness = constantSmoothness(at);
  }

  CLIPKL_DEVICE void outerIteration(int iteration, double (&metrics)[METRICS]) {
    bool reports = parameters.metrics != nullptr;
    bool isLast = iteration == parameters.outerIterations - 1;
    bool readsDirection = parameters.stepRule != FIXED || parameters.optimizer == NESTEROV ||
                          parameters.optimizer == ADAM;
    at.anchor();
    measureAnchor();
    stepsRejected = 0;
    double bindingMass = 0.0;
    double outsideMass = 0.0;
    int steps = 0;
    bool frozen = false;
    double firstStep = 0.0;
    double gradientNorm = 0.0;
    for (int k = 0; k < parameters.innerSteps; k++) {
      if (reports) {
        recordClipped(iteration, k);
        bindingMass += at.current.bindingMass;
        outsideMass += at.current.outsideMass;
      }
      if (frozen) {
        continue;
      }
      if (++momentumSteps == 1) {
        clearMoments(at);
      }
      if (readsDirection || (k == 0 && reports)) {
        advanceDirection();
      }
      if (k == 0 && reports) {
        gradientNorm = sqrt(ascent.squaredNorm);
        // A step would change nothing; a row that takes none tells that the run stands still.
        if (gradientNorm == 0.0) {
          frozen = true;
          continue;
        }
      }
      bool isUnmeasured = !reports && isLast && k == parameters.innerSteps - 1 &&
                          parameters.stepRule != BACKTRACKING && parameters.optimizer != NESTEROV;
      double step = takeStep(k == 0, isUnmeasured);
      if (isnan(step)) {
        frozen = true;
        continue;
      }
      isWritten = isUnmeasured;
      if (!isUnmeasured) {
        at.accept();
      }
      steps++;
      if (k == 0) {
        firstStep = step;
      }
    }
    metrics[CLIPFRAC_BINDING] = bindingMass / parameters.innerSteps;
    metrics[CLIPFRAC_OUTSIDE_BAND] = outsideMass / parameters.innerSteps;
    metrics[GRAD_NORM] = gradientNorm;
    metrics[STEP_SIZE] = firstStep;
    metrics[STEPS_TAKEN] = steps;
    metrics[STEPS_REJECTED] = stepsRejected;
    metrics[FROZEN] = frozen ? 1.0 : 0.0;
  }

  /// The direction at the current policy; Adam's starts anew where its moments point downhill.
  CLIPKL_DEVICE void advanceDirection() {
    bool again;
    do {
      takeDirection(at, momentumSteps, ascent);
      again = parameters.optimizer == ADAM && parameters.stepRule == BACKTRACKING &&
              !(ascent.slope > 0.0) && momentumSteps > 1;
      if (again) {
        momentumSteps = 1;
        clearMoments(at);
      }
    } while (again);
  }

  CLIPKL_DEVICE double unitStep() const {
    switch (parameters.optimizer) {
      case GRADIENT:
      case NESTEROV:
        return 1.0 / smoothness;
      case ADAM:
        return ADAM_UNIT_STEP;
      default:
        return 1.0;
    }
  }

  CLIPKL_DEVICE double safeStep() const {
    double unit = hasProposedMoment(parameters.optimizer)
                      ? 1.0 / at.divergence.smoothness(parameters.lambda, smoothness,
                                                       ascent.coefficientSpan,
                                                       ascent.largestCurvature)
                      : unitStep();
    return fmin(parameters.stepSize * unit, at.clip.exactLogUpper / ascent.span);
  }

  /// Nesterov's (t - 1) / (t + 2), t counted from 1.
  static CLIPKL_DEVICE double momentum(int steps) { return (steps - 1.0) / (steps + 2.0); }

  /// Proposes steps until one is taken.
  ///
  /// @param isUnmeasured whether nothing follows it: the policy there need not be measured
  /// @return its length, or NaN when there is none
  CLIPKL_DEVICE double takeStep(bool isFirst, bool isUnmeasured) {
    bool backtracks = parameters.stepRule == BACKTRACKING;
    double largest = parameters.optimizer == NATURAL || parameters.optimizer == NEWTON
                         ? parameters.stepSize * weight
                         : INFINITY;
    double sufficient =
        hasProposedMoment(parameters.optimizer) ? GRADIENT_INCREASE : DIRECTION_INCREASE;
    int mostReductions = isFirst ? MOST_REDUCTIONS : MOST_REDUCTIONS_AT_KINK;
    double longest = INFINITY;
    // Under backtracking, a step with momentum is tried once before those without.
    bool withMomentum =
        parameters.optimizer == NESTEROV && (!backtracks || momentumSteps > 1);
    double step = withMomentum && backtracks ? rememberedStep : firstTrial(isFirst, largest);
    for (int trial = 0;;) {
      if (isnan(step)) {
        return step;
      }
      if (withMomentum && ascent.momentumSlope < 0.0) {
        momentumSteps = 1;
      }
      tryStep(step, withMomentum ? momentum(momentumSteps) : 0.0,
              withMomentum ? momentum(momentumSteps + 1) : 0.0, isUnmeasured);
      if (!backtracks) {
        return step;
      }
      if (withMomentum) {
        if (isAtLeast(at.current.surrogate)) {
          nextStep = step;
          return step;
        }
        stepsRejected++;
        momentumSteps = 1;
        withMomentum = false;
        step = firstTrial(isFirst, largest);
        continue;
      }
      if (isAtLeast(at.current.surrogate + sufficient * step * ascent.slope)) {
        double best = fmin(bestStep(step, sufficient), longest);
        nextStep = clamp(best, 0.5 * step, 2.0 * step);
        if (isFirst) {
          rememberedStep = fmin(nextStep, largest);
        }
        return step;
      }
      stepsRejected++;
      if (trial == mostReductions) {
        return nan("");
      }
      trial++;
      longest = step;
      step = clamp(bestStep(step, sufficient), LEAST_REDUCTION * step, 0.5 * step);
    }
  }

  CLIPKL_DEVICE void measureAnchor() {
#ifdef CLIPKL_FUSES
    if (at.isFused) {
      anchorFused(at);
      return;
    }
#endif
    measurePolicy(at, at.current, true);
  }

  CLIPKL_DEVICE void tryStep(double step, double momentum, double nextMomentum,
                             bool isUnmeasured) {
#ifdef CLIPKL_FUSES
    if (at.isFused) {
      proposeFused(at, step, isUnmeasured);
      return;
    }
#endif
    propose(at, step, momentum, nextMomentum, isUnmeasured);
    if (!isUnmeasured) {
      measurePolicy(at, at.proposed, false);
    }
  }

  CLIPKL_DEVICE double firstTrial(bool isFirst, double largest) const {
    switch (parameters.stepRule) {
      case FIXED:
        return parameters.stepSize * unitStep() * weight;
      case SAFE:
        return safeStep() * weight;
      default:
        if (!isFirst) {
          return LATER_STEP * nextStep;
        }
        return isnan(rememberedStep) ? parameters.stepSize * unitStep() * weight
                                     : fmin(rememberedStep, largest);
    }
  }

  /// Where a parabola through the surrogate, its slope and its value at a trial has its maximum, or,
  /// if that is nearer, where the rise along it is just sufficient with a fifth to spare. Infinite
  /// where the trial's curve does not bend down, or bends by no more than rounding. Where even its
  /// rise is within rounding, the surrogate tells nothing: a little longer until the unit step.
  CLIPKL_DEVICE double bestStep(double trial, double sufficient) const {
    double shortfall = trial * ascent.slope - (at.proposed.surrogate - at.current.surrogate);
    if (isnan(shortfall)) {
      return 0.0;
    }
    double rounding = 2.0 * at.evaluationError;
    if (shortfall <= rounding) {
      if (trial * ascent.slope > rounding) {
        return INFINITY;
      }
      double unit = parameters.stepSize * unitStep() * weight;
      return fmax(trial, fmin(UNTOLD_GROWTH * trial, unit));
    }
    double maximum = 0.5 * trial * trial * ascent.slope / shortfall;
    // An infinite slope, where a curvature underflows, tells no more than NaN.
    return isnan(maximum) ? 0.0 : maximum * fmin(1.0, 1.6 * (1.0 - sufficient));
  }

  /// Written so that a NaN surrogate is refused.
  CLIPKL_DEVICE bool isAtLeast(double target) const {
    return at.proposed.surrogate + 2.0 * at.evaluationError >= target;
  }

  static CLIPKL_DEVICE double clamp(double x, double least, double largest) {
    return x < least ? least : x > largest ? largest : x;
  }

  CLIPKL_DEVICE void recordClipped(int iteration, int k) const {
    if (at.group.isLeader()) {
      long long index = (long long)iteration * parameters.innerSteps + k;
      parameters.clippedActions[index * parameters.rows + at.arrays.row] = at.current.bindingActions;
    }
  }

  CLIPKL_DEVICE void record(int iteration, const double (&metrics)[METRICS]) const {
    if (at.group.isLeader()) {
#pragma unroll 1
      for (int m = 0; m < METRICS; m++) {
        parameters.latest[(long long)m * parameters.rows + at.arrays.row] = metrics[m];
        parameters.metrics[((long long)iteration * METRICS + m) * parameters.rows + at.arrays.row] =
            metrics[m];
      }
    }
  }

  /// Shows a finished row in an iteration that leaves it alone: ratios of 1, no steps.
  CLIPKL_DEVICE void repeat(int iteration, int row) const {
#pragma unroll 1
    for (int m = 0; m < METRICS; m++) {
      parameters.metrics[((long long)iteration * METRICS + m) * parameters.rows + row] =
          m <= MIN_LOG_PROB ? parameters.latest[(long long)m * parameters.rows + row] : 0.0;
    }
#pragma unroll 1
    for (int k = 0; k < parameters.innerSteps; k++) {
      long long index = (long long)iteration * parameters.innerSteps + k;
      parameters.clippedActions[index * parameters.rows + row] = 0;
    }
  }

  const RowsParameters& parameters;
  Row<CLUSTERED> at;
  Ascent ascent = {};
  double weight = 1.0;
  double smoothness = 0.0;
  double rememberedStep = 0.0;
  double nextStep = 0.0;
  int momentumSteps = 0;
  int stepsRejected = 0;
  bool isWritten = false;
};

}  // namespace clipkl
