#include "oracle_divergence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace oracle {

namespace {

constexpr double INFINITE = std::numeric_limits<double>::infinity();

double span(const std::vector<double>& x) {
  return *std::max_element(x.begin(), x.end()) - *std::min_element(x.begin(), x.end());
}

std::vector<double> logSoftmax(const std::vector<double>& logits) {
  double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (double x : logits) sum += std::exp(x - largest);
  std::vector<double> result = logits;
  for (double& x : result) x -= largest + std::log(sum);
  return result;
}

struct Point {
  double surrogate = 0.0;
  double error = 0.0;
  double mean = 0.0;
  double bindingMass = 0.0;
  double outsideMass = 0.0;
  int bindingActions = 0;
  std::vector<double> coefficient;
};

class Loop {
 public:
  Loop(const Program& theProgram, Row& theRow)
      : program(theProgram), row(theRow), divergence{theProgram} {}

  void run() {
    remembered = row.stepSize;
    momentumSteps = row.momentumSteps;
    size_t n = row.logits.size();
    if (row.moment1.empty()) row.moment1.assign(n, 0.0);
    if (row.moment2.empty()) row.moment2.assign(n, 0.0);
    constant = 0.5 * program.lambda * divergence.curvature(0.0) +
               span(row.actionValues) / (3.0 * std::sqrt(3.0));
    int done = 0;
    while (done < program.outerIterations && !row.finished) {
      outerIteration();
      row.finished = row.metrics.back()[6] <= program.tolerance;
      done++;
    }
    for (; done < program.outerIterations; done++) {
      std::vector<double> last = row.metrics.back();
      std::fill(last.begin() + 8, last.end(), 0.0);
      row.metrics.push_back(last);
      row.clippedActions.push_back(std::vector<int>(program.innerSteps, 0));
    }
    row.stepSize = remembered;
    row.momentumSteps = momentumSteps;
  }

  void anchor() {
    oldLogProb = logSoftmax(row.logits);
    double mean = 0.0;
    for (size_t a = 0; a < oldLogProb.size(); a++) {
      mean += std::exp(oldLogProb[a]) * row.actionValues[a];
    }
    advantage = row.actionValues;
    for (double& x : advantage) x -= mean;
  }

  Point measure(const std::vector<double>& logits) const {
    std::vector<double> logProb = logSoftmax(logits);
    Point point;
    point.coefficient.resize(logits.size());
    double deviation = 0.0;
    double upper = std::log1p(program.clipEpsilon);
    double lower = std::log1p(-program.clipEpsilon);
    for (size_t a = 0; a < logits.size(); a++) {
      double move = logProb[a] - oldLogProb[a];
      if (logits[a] == row.logits[a] && isAnchor) move = 0.0;
      double ratio = std::exp(move);
      double l = logProb[a] - row.logReference[a];
      double oldProb = std::exp(oldLogProb[a]);
      bool active = advantage[a] >= 0.0 ? !(move <= upper) : !(move >= lower);
      double clamped = std::clamp(ratio, 1.0 - program.clipEpsilon, 1.0 + program.clipEpsilon);
      point.coefficient[a] =
          (active ? 0.0 : advantage[a]) - program.lambda * divergence.derivative(l);
      point.mean += std::exp(logProb[a]) * point.coefficient[a];
      point.surrogate += oldProb * std::min(ratio * advantage[a], clamped * advantage[a]) -
                         program.lambda * std::exp(row.logReference[a]) * divergence.value(l);
      deviation += oldProb * std::abs(advantage[a]);
      if (active) {
        point.bindingActions++;
        point.bindingMass += oldProb;
      }
      if (move > upper || move < lower) point.outsideMass += oldProb;
    }
    point.error = std::ldexp(program.lambda + deviation, program.errorExponent);
    return point;
  }

  std::vector<double> gradientAt(const Point& point) const {
    std::vector<double> result = logSoftmax(row.logits);
    for (size_t a = 0; a < result.size(); a++) {
      result[a] = std::exp(result[a]) * (point.coefficient[a] - point.mean);
    }
    return result;
  }

  std::vector<double> summarize() const {
    std::vector<double> metrics(19, 0.0);
    std::vector<double> logProb = logSoftmax(row.logits);
    double leastLogProb = INFINITE;
    double leastMove = INFINITE;
    double largestMove = -INFINITE;
    for (size_t a = 0; a < logProb.size(); a++) {
      double l = logProb[a] - row.logReference[a];
      double move = logProb[a] - oldLogProb[a];
      double p = std::exp(logProb[a]);
      double q = std::exp(row.logReference[a]);
      double oldProb = std::exp(oldLogProb[a]);
      double distance =
          (row.largestActionValue - row.actionValues[a] + row.offset) / program.lambda;
      metrics[1] += p * row.actionValues[a];
      metrics[2] += q * divergence.value(l);
      metrics[3] += p * l;
      metrics[4] -= q * l;
      metrics[5] -= p * logProb[a];
      metrics[6] += program.lambda * q * divergence.fenchelYoung(l, distance);
      metrics[12] += oldProb * std::expm1(move) * std::expm1(move);
      metrics[13] -= oldProb * move;
      leastLogProb = std::min(leastLogProb, logProb[a]);
      leastMove = std::min(leastMove, move);
      largestMove = std::max(largestMove, move);
    }
    metrics[0] = metrics[1] - program.lambda * metrics[2];
    metrics[7] = leastLogProb;
    metrics[10] = leastMove;
    metrics[11] = largestMove;
    return metrics;
  }

 private:
  void outerIteration() {
    anchor();
    isAnchor = true;
    point = measure(row.logits);
    isAnchor = false;
    rejected = 0;
    double binding = 0.0;
    double outside = 0.0;
    double gradientNorm = 0.0;
    double firstStep = 0.0;
    int steps = 0;
    bool frozen = false;
    std::vector<int> clipped;
    for (int k = 0; k < program.innerSteps; k++) {
      clipped.push_back(point.bindingActions);
      binding += point.bindingMass;
      outside += point.outsideMass;
      if (frozen) continue;
      takeDirection(++momentumSteps);
      if (k == 0) {
        gradientNorm = std::sqrt(squaredNorm);
        if (gradientNorm == 0.0) {
          frozen = true;
          continue;
        }
      }
      double step = program.stepRule == StepRule::BACKTRACKING ? backtrack(k == 0) : plainStep();
      if (std::isnan(step)) {
        frozen = true;
        continue;
      }
      row.logits = proposedLogits;
      if (program.optimizer == Optimizer::NESTEROV) row.moment1 = proposedVelocity;
      point = proposal;
      steps++;
      if (k == 0) firstStep = step;
    }
    std::vector<double> metrics = summarize();
    metrics[8] = binding / program.innerSteps;
    metrics[9] = outside / program.innerSteps;
    metrics[14] = gradientNorm;
    metrics[15] = firstStep;
    metrics[16] = steps;
    metrics[17] = rejected;
    metrics[18] = frozen ? 1.0 : 0.0;
    row.metrics.push_back(metrics);
    row.clippedActions.push_back(clipped);
  }

  void takeDirection(int steps) {
    size_t n = row.logits.size();
    bool hasMoments =
        program.optimizer == Optimizer::ADAM || program.optimizer == Optimizer::NESTEROV;
    if (steps == 1 && hasMoments) {
      row.moment1.assign(n, 0.0);
      row.moment2.assign(n, 0.0);
    }
    std::vector<double> gradient = gradientAt(point);
    std::vector<double> logProb = logSoftmax(row.logits);
    direction.assign(n, 0.0);
    slope = squaredNorm = momentumSlope = largestCurvature = 0.0;
    for (size_t a = 0; a < n; a++) {
      double curvature = divergence.curvature(logProb[a] - row.logReference[a]);
      double centred = point.coefficient[a] - point.mean;
      switch (program.optimizer) {
        case Optimizer::GRADIENT:
          direction[a] = gradient[a];
          break;
        case Optimizer::NESTEROV:
          direction[a] = gradient[a];
          momentumSlope += gradient[a] * row.moment1[a];
          break;
        case Optimizer::NATURAL:
          direction[a] = centred / program.lambda;
          break;
        case Optimizer::NEWTON:
          direction[a] = centred / (program.lambda * curvature);
          break;
        case Optimizer::PRECONDITIONED:
          direction[a] =
              centred / (program.lambda * std::max(curvature, divergence.curvature(0.0)));
          break;
        case Optimizer::ADAM:
          row.moment1[a] = 0.9 * row.moment1[a] + 0.1 * gradient[a];
          row.moment2[a] = 0.999 * row.moment2[a] + 0.001 * gradient[a] * gradient[a];
          direction[a] = row.moment1[a] / (1.0 - std::pow(0.9, steps)) /
                         (std::sqrt(row.moment2[a] / (1.0 - std::pow(0.999, steps))) + 1e-8);
          break;
      }
      slope += gradient[a] * direction[a];
      squaredNorm += gradient[a] * gradient[a];
      largestCurvature =
          std::max(largestCurvature, std::abs(centred - program.lambda * curvature));
    }
  }

  void propose(double step, double momentum, double nextMomentum) {
    size_t n = row.logits.size();
    proposedLogits = row.logits;
    proposedVelocity.assign(n, 0.0);
    for (size_t a = 0; a < n; a++) {
      proposedLogits[a] += step * direction[a];
      if (program.optimizer == Optimizer::NESTEROV) {
        proposedVelocity[a] = momentum * row.moment1[a] + step * direction[a];
        proposedLogits[a] += nextMomentum * proposedVelocity[a];
      }
    }
    proposal = measure(proposedLogits);
  }

  void proposeWithMomentum(double step) {
    if (program.optimizer != Optimizer::NESTEROV) {
      propose(step, 0.0, 0.0);
      return;
    }
    if (momentumSlope < 0.0) momentumSteps = 1;
    double t = momentumSteps;
    propose(step, (t - 1.0) / (t + 2.0), t / (t + 3.0));
  }

  double unitStep() const {
    switch (program.optimizer) {
      case Optimizer::GRADIENT:
      case Optimizer::NESTEROV:
        return 1.0 / constant;
      case Optimizer::ADAM:
        return 0.02;
      default:
        return 1.0;
    }
  }

  double plainStep() {
    double step = program.stepSize * unitStep();
    if (program.stepRule == StepRule::SAFE) {
      double unit = unitStep();
      if (program.optimizer == Optimizer::GRADIENT || program.optimizer == Optimizer::NESTEROV) {
        unit = 1.0 / divergence.smoothness(constant, span(point.coefficient), largestCurvature);
      }
      step = std::min(program.stepSize * unit, std::log1p(program.clipEpsilon) / span(direction));
    }
    proposeWithMomentum(step);
    return step;
  }

  double backtrack(bool isFirst) {
    bool isPlain =
        program.optimizer == Optimizer::GRADIENT || program.optimizer == Optimizer::NESTEROV;
    if (program.optimizer == Optimizer::NESTEROV && momentumSteps > 1) {
      double step = remembered;
      proposeWithMomentum(step);
      if (isAtLeast(point.surrogate)) {
        next = step;
        return step;
      }
      rejected++;
      momentumSteps = 1;
    }
    if (program.optimizer == Optimizer::ADAM && !(slope > 0.0)) {
      momentumSteps = 1;
      takeDirection(1);
    }
    bool isBounded =
        program.optimizer == Optimizer::NATURAL || program.optimizer == Optimizer::NEWTON;
    double largest = isBounded ? program.stepSize : INFINITE;
    double step = !isFirst                  ? 0.3 * next
                  : std::isnan(remembered) ? program.stepSize * unitStep()
                                           : std::min(remembered, largest);
    int most = isFirst ? 40 : 6;
    double sufficient = isPlain ? 0.5 : 0.25;
    double longest = INFINITE;
    for (int trial = 0; trial <= most; trial++) {
      propose(step, 0.0, 0.0);
      if (isAtLeast(point.surrogate + sufficient * step * slope)) {
        double best = std::min(bestStep(step, sufficient), longest);
        next = std::clamp(best, 0.5 * step, 2.0 * step);
        if (isFirst) remembered = std::min(next, largest);
        return step;
      }
      rejected++;
      longest = step;
      step = std::clamp(bestStep(step, sufficient), 0.125 * step, 0.5 * step);
    }
    return std::nan("");
  }

  double bestStep(double trial, double sufficient) const {
    double shortfall = trial * slope - (proposal.surrogate - point.surrogate);
    double rounding = proposal.error + point.error;
    if (std::isnan(shortfall)) return 0.0;
    if (shortfall <= rounding) return trial * slope <= rounding ? trial : INFINITE;
    return 0.5 * trial * trial * slope / shortfall * std::min(1.0, 1.6 * (1.0 - sufficient));
  }

  bool isAtLeast(double target) const {
    return proposal.surrogate + proposal.error + point.error >= target;
  }

  const Program& program;
  Row& row;
  Divergence divergence;
  std::vector<double> oldLogProb;
  std::vector<double> advantage;
  std::vector<double> direction;
  std::vector<double> proposedLogits;
  std::vector<double> proposedVelocity;
  Point point;
  Point proposal;
  bool isAnchor = false;
  double constant = 0.0;
  double remembered = 0.0;
  double next = 0.0;
  int momentumSteps = 0;
  int rejected = 0;
  double slope = 0.0;
  double squaredNorm = 0.0;
  double momentumSlope = 0.0;
  double largestCurvature = 0.0;
};

}  // namespace

void run(const Program& program, Row& row) { Loop(program, row).run(); }

std::vector<double> evaluate(const Program& program, const Row& row) {
  Row copy = row;
  Loop loop(program, copy);
  loop.anchor();
  return loop.summarize();
}

std::vector<double> gradient(const Program& program, const Row& row) {
  Row copy = row;
  Loop loop(program, copy);
  loop.anchor();
  return loop.gradientAt(loop.measure(copy.logits));
}

std::vector<double> softmax(const std::vector<double>& logits) {
  std::vector<double> result = logSoftmax(logits);
  for (double& x : result) x = std::exp(x);
  return result;
}

}  // namespace oracle
