// Row programs in plain float64, one action at a time: what the kernels are held against.
//
// Written from the equations, as the Java oracle is, and apart from the kernels.
#pragma once

#include <string>
#include <vector>

namespace oracle {

enum class Optimizer { GRADIENT, NATURAL, NEWTON, PRECONDITIONED, NESTEROV, ADAM };
enum class StepRule { BACKTRACKING, SAFE, FIXED };

struct Program {
  std::string divergence;
  double alpha = 0.0;
  double lambda = 0.3;
  double clipEpsilon = 0.2;
  Optimizer optimizer = Optimizer::GRADIENT;
  StepRule stepRule = StepRule::FIXED;
  double stepSize = 0.5;
  int innerSteps = 2;
  int outerIterations = 2;
  double tolerance = 0.0;

  /// A surrogate's allowance for rounding is 2^this (lambda + E|A|): that of the kernels, so that
  /// steps are judged alike.
  int errorExponent = -21;
};

/// One row: its inputs, and what a run leaves.
struct Row {
  std::vector<double> logits;
  std::vector<double> logReference;
  std::vector<double> actionValues;
  double largestActionValue = 0.0;
  double offset = 0.1;

  std::vector<double> moment1;
  std::vector<double> moment2;
  double stepSize;
  int momentumSteps = 0;
  bool finished = false;
  std::vector<std::vector<double>> metrics;     ///< [outer iteration][RowMetric]
  std::vector<std::vector<int>> clippedActions;  ///< [outer iteration][inner step]
};

void run(const Program& program, Row& row);

/// The metrics of the policy as it stands.
std::vector<double> evaluate(const Program& program, const Row& row);

std::vector<double> gradient(const Program& program, const Row& row);

std::vector<double> softmax(const std::vector<double>& logits);

}  // namespace oracle
