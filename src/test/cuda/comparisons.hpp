// Random rows, and results held against the oracle's.
#pragma once

#include <random>

#include "device_tables.hpp"

constexpr double VALUE_TOLERANCE = 1e-5;
constexpr double PROBABILITY_TOLERANCE = 1e-6;
constexpr int ROWS = 3;

inline std::vector<oracle::Row> makeRows(int columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<oracle::Row> rows(ROWS);
  for (oracle::Row& row : rows) {
    std::vector<double> logits(columns);
    for (int a = 0; a < columns; a++) {
      logits[a] = -std::log(1.0 + a) + 0.1 * normal(random);
    }
    std::shuffle(logits.begin(), logits.end(), random);
    row.logReference.resize(columns);
    std::vector<double> q = oracle::softmax(logits);
    for (int a = 0; a < columns; a++) {
      row.logReference[a] = float(std::log(q[a]));
      row.logits.push_back(float(row.logReference[a] + 0.3 * normal(random)));
      row.actionValues.push_back(float(0.5 + 0.2 * normal(random)));
    }
    row.largestActionValue = *std::max_element(row.actionValues.begin(), row.actionValues.end());
    row.stepSize = std::nan("");
  }
  return rows;
}

inline void expectClose(double got, double want, double tolerance, const std::string& what) {
  if (!(std::abs(got - want) <= tolerance) && !(std::isnan(got) && std::isnan(want))) {
    fail(what + ": expected " + std::to_string(want) + ", got " + std::to_string(got));
  }
}

/// The Euclidean norm of the error, relative to that of what is wanted.
inline void expectRelative(const std::vector<double>& got, const std::vector<double>& want,
                    double tolerance, const std::string& what) {
  double norm = 0.0;
  double error = 0.0;
  for (size_t a = 0; a < want.size(); a++) {
    norm += want[a] * want[a];
    error += (got[a] - want[a]) * (got[a] - want[a]);
  }
  if (!(std::sqrt(error / norm) <= tolerance)) {
    fail(what + ": relative error " + std::to_string(std::sqrt(error / norm) * 1e7) + "e-7");
  }
}

inline void compare(const Tables& tables, const std::vector<oracle::Row>& expected,
             const oracle::Program& program, const std::string& what) {
  int rowCount = tables.parameters.rows;
  for (int row = 0; row < rowCount; row++) {
    std::vector<double> got = oracle::softmax(tables.read(tables.parameters.logits, row));
    std::vector<double> want = oracle::softmax(expected[row].logits);
    for (size_t a = 0; a < want.size(); a++) {
      expectClose(got[a], want[a], PROBABILITY_TOLERANCE,
                  what + ", row " + std::to_string(row) + ", action " + std::to_string(a));
    }
    for (int n = 0; n < program.outerIterations; n++) {
      for (int k = 0; k < program.innerSteps; k++) {
        expectClose(tables.parameters.clippedActions[(n * program.innerSteps + k) * rowCount + row],
                    expected[row].clippedActions[n][k], 0.0, what + ", clipped actions");
      }
      for (int m = 0; m < clipkl::METRICS; m++) {
        double wanted = expected[row].metrics[n][m];
        expectClose(tables.parameters.metrics[(n * clipkl::METRICS + m) * rowCount + row], wanted,
                    VALUE_TOLERANCE * std::max(1.0, std::abs(wanted)),
                    what + ", metric " + std::to_string(m) + " of iteration " + std::to_string(n));
      }
    }
    expectClose(tables.parameters.momentumSteps[row], expected[row].momentumSteps, 0.0,
                what + ", momentum steps");
  }
}
