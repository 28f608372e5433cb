// Holds the kernels, run by the shim, against the oracle: every divergence, optimizer and step rule,
// rows of awkward lengths, every placement, and several schedules, whose bits must be the same.
//
//   check_kernels [--quick] [DIVERGENCE...]     exit code 1 on the first failure
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "group_checks.hpp"

namespace {

using clipkl::METRICS;
using shim::Order;
using shim::Schedule;

const Shape SHAPES[] = {{"on the chip", 2, 1, true},
                        {"in scratch", 2, 1, false},
                        {"cluster of 2", 4, 2, true},
                        {"cluster of 5", 5, 5, true}};

const Schedule SCHEDULES[] = {{Order::BACKWARD, 0}, {Order::RANDOM, 1}, {Order::RANDOM, 2}};

const shim::Kernel& kernelOf(const shim::Module& module, const char* name) {
  for (const shim::Kernel& kernel : module) {
    if (kernel.name == name) {
      return kernel;
    }
  }
  fail(std::string("no kernel ") + name);
}

std::string describe(const oracle::Program& program, int columns) {
  return program.divergence + "(" + std::to_string(program.alpha) + "), optimizer " +
         std::to_string(int(program.optimizer)) + ", rule " +
         std::to_string(int(program.stepRule)) + ", " + std::to_string(columns) + " columns";
}

void checkRun(const shim::Module& module, const oracle::Program& program, int columns) {
  std::vector<oracle::Row> rows = makeRows(columns, 20251);
  std::vector<oracle::Row> expected = rows;
  for (oracle::Row& row : expected) {
    oracle::run(program, row);
  }
  std::string bits;
  for (const Shape& shape : SHAPES) {
    const shim::Kernel& kernel =
        kernelOf(module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows");
    std::string what = describe(program, columns) + ", " + shape.name;
    Tables tables(rows, program);
    tables.launch(kernel, shape, {});
    compare(tables, expected, program, what);
    std::string first = tables.results();
    if (shape.ranks == 1 && !bits.empty() && bits != first) {
      fail(what + ": other bits than on the chip");
    }
    bits = first;
    for (const Schedule& schedule : SCHEDULES) {
      Tables again(rows, program);
      again.launch(kernel, shape, schedule);
      if (again.results() != first) {
        fail(what + ": other bits under schedule " + std::to_string(int(schedule.order)) +
             ", seed " + std::to_string(schedule.seed));
      }
    }
  }
}

/// Where nobody reads the metrics, sweeps are left out; the policy's bits must not show it.
void checkUnreported(const shim::Module& module, const oracle::Program& program, int columns) {
  std::vector<oracle::Row> rows = makeRows(columns, 20251);
  for (const Shape& shape : SHAPES) {
    const shim::Kernel& kernel =
        kernelOf(module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows");
    Tables reported(rows, program);
    reported.launch(kernel, shape, {});
    Tables unreported(rows, program);
    unreported.parameters.metrics = nullptr;
    unreported.parameters.clippedActions = nullptr;
    unreported.launch(kernel, shape, {Order::RANDOM, 3});
    if (reported.actor() != unreported.actor()) {
      fail(describe(program, columns) + ", " + shape.name + ": other bits without metrics");
    }
  }
}

/// One step that nothing follows: by the general kernel and, where there is one, by that for one
/// step, which must give the bits of a reported one.
void checkOneStep(const shim::Module& module, oracle::Program program, int columns) {
  program.stepRule = oracle::StepRule::FIXED;
  program.innerSteps = 1;
  program.outerIterations = 1;
  std::vector<oracle::Row> rows = makeRows(columns, 41);
  for (const Shape& shape : SHAPES) {
    std::string suffix = shape.ranks > 1 ? "_cluster" : "";
    for (oracle::Optimizer optimizer :
         {oracle::Optimizer::GRADIENT, oracle::Optimizer::PRECONDITIONED}) {
      program.optimizer = optimizer;
      Tables reported(rows, program);
      reported.launch(kernelOf(module, ("run_rows" + suffix).c_str()), shape, {});
      for (const char* prefix : {"run_rows", "step_rows"}) {
        std::string name = prefix + suffix;
        bool exists = std::any_of(module.begin(), module.end(),
                                  [&](const shim::Kernel& kernel) { return kernel.name == name; });
        if (exists) {
          Tables silent(rows, program);
          silent.parameters.metrics = nullptr;
          silent.parameters.clippedActions = nullptr;
          silent.launch(kernelOf(module, name.c_str()), shape, {Order::RANDOM, 5});
          if (reported.actor() != silent.actor()) {
            fail(describe(program, columns) + ", " + shape.name + ": other bits by " + name);
          }
        }
      }
    }
  }
}

/// Two launches of one outer iteration leave the bits of one launch of two.
void checkContinued(const shim::Module& module, const oracle::Program& program, int columns) {
  std::vector<oracle::Row> rows = makeRows(columns, 61);
  for (const Shape& shape : SHAPES) {
    const shim::Kernel& kernel =
        kernelOf(module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows");
    for (bool isReported : {true, false}) {
      Tables together(rows, program);
      Tables apart(rows, program);
      for (Tables* tables : {&together, &apart}) {
        if (!isReported) {
          tables->parameters.metrics = nullptr;
          tables->parameters.clippedActions = nullptr;
        }
      }
      together.launch(kernel, shape, {});
      apart.parameters.outerIterations = 1;
      for (int n = 0; n < program.outerIterations; n++) {
        apart.launch(kernel, shape, {Order::RANDOM, 6});
      }
      if (together.actor() != apart.actor()) {
        fail(describe(program, columns) + ", " + shape.name + ": other bits one by one");
      }
    }
  }
}

/// Rows that are finished, or become so: they are left alone, and go on showing their last metrics.
void checkFinished(const shim::Module& module, oracle::Program program, int columns) {
  program.optimizer = oracle::Optimizer::NATURAL;
  program.stepRule = oracle::StepRule::BACKTRACKING;
  program.outerIterations = 6;
  std::vector<oracle::Row> rows = makeRows(columns, 51);
  while (rows.size() < 9) {
    rows.push_back(rows[rows.size() % 3]);
  }
  std::vector<oracle::Row> expected = rows;
  for (oracle::Row& row : expected) {
    oracle::run(program, row);
  }
  // What the second row's gap is after two of the iterations ends it there, and others elsewhere.
  program.tolerance = expected[1].metrics[2][6] * 1.01;
  expected = rows;
  for (size_t row = 0; row < rows.size(); row++) {
    if (row % 3 == 0) {
      expected[row].finished = true;
      std::vector<double> last = oracle::evaluate(program, rows[row]);
      std::fill(last.begin() + 8, last.end(), 0.0);
      expected[row].metrics.assign(program.outerIterations, last);
      expected[row].clippedActions.assign(program.outerIterations,
                                          std::vector<int>(program.innerSteps, 0));
    } else {
      oracle::run(program, expected[row]);
    }
  }
  for (const Shape& shape : SHAPES) {
    for (const Schedule& schedule : SCHEDULES) {
      Tables tables(rows, program);
      Shape evaluation = {"", 2, 1, false};
      tables.launch(kernelOf(module, "evaluate_rows"), evaluation, {});
      for (size_t row = 0; row < rows.size(); row++) {
        tables.parameters.finished[row] = row % 3 == 0 ? 1 : 0;
      }
      tables.launch(kernelOf(module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows"), shape,
                    schedule);
      std::string what = describe(program, columns) + ", finished rows, " + shape.name;
      compare(tables, expected, program, what);
      for (size_t row = 0; row < rows.size(); row++) {
        expectClose(tables.parameters.finished[row], expected[row].finished, 0.0,
                    what + ", finished");
      }
    }
  }
}

/// Gradients and steps at the size of an LLM's vocabulary, where log-probabilities are up to 60 nats
/// apart: the relative error of the whole row is a few float32 roundings.
void checkAccuracy(const shim::Module& module, oracle::Program program) {
  constexpr int COLUMNS = 128256;
  constexpr double LARGEST_ERROR = 5e-7;
  program.lambda = 0.2;
  program.stepSize = 4.0;
  program.optimizer = oracle::Optimizer::GRADIENT;
  program.stepRule = oracle::StepRule::FIXED;
  program.innerSteps = 1;
  program.outerIterations = 1;
  std::mt19937 random(31);
  std::uniform_real_distribution<double> uniform;
  std::normal_distribution<double> normal;
  std::vector<oracle::Row> rows = makeRows(COLUMNS, 31);
  rows.resize(1);
  std::vector<double> depths(COLUMNS);
  for (int a = 0; a < COLUMNS; a++) {
    depths[a] = -60.0 * (a < 2 ? a : uniform(random) * uniform(random));
  }
  std::vector<double> others = depths;
  for (double& x : others) {
    x += 0.5 * normal(random);
  }
  std::vector<double> p = oracle::softmax(depths);
  std::vector<double> q = oracle::softmax(others);
  for (int a = 0; a < COLUMNS; a++) {
    rows[0].logits[a] = float(std::log(p[a]));
    rows[0].logReference[a] = float(std::log(q[a]));
  }
  Tables tables(rows, program);
  tables.launch(kernelOf(module, "gradient_rows"), {"", 1, 1, false}, {});
  std::vector<double> want = oracle::gradient(program, rows[0]);
  std::vector<double> got = tables.read(tables.parameters.gradients, 0);
  expectRelative(got, want, LARGEST_ERROR, describe(program, COLUMNS) + ", gradient");
  std::vector<oracle::Row> moved = rows;
  oracle::run(program, moved[0]);
  for (const Shape& shape : {Shape{"in scratch", 1, 1, false}, Shape{"cluster of 16", 16, 16, true}}) {
    Tables run(rows, program);
    run.parameters.metrics = nullptr;
    run.parameters.clippedActions = nullptr;
    run.launch(kernelOf(module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows"), shape, {});
    // The logit and what rounding has taken from it.
    std::vector<double> logits = run.read(run.parameters.logits, 0);
    std::vector<double> lost = run.read(run.parameters.moment1, 0);
    std::vector<double> wanted(COLUMNS);
    for (int a = 0; a < COLUMNS; a++) {
      logits[a] += lost[a] - rows[0].logits[a];
      wanted[a] = moved[0].logits[a] - rows[0].logits[a];
    }
    expectRelative(logits, wanted, LARGEST_ERROR,
                   describe(program, COLUMNS) + ", step, " + shape.name);
  }
}

/// Narrow tables, normalisers, and one row for all.
void checkNarrow(const shim::Module& module, oracle::Program program, int columns) {
  program.optimizer = oracle::Optimizer::PRECONDITIONED;
  for (clipkl::Precision precision : {clipkl::BFLOAT16, clipkl::FLOAT16}) {
    for (const Shape& shape : SHAPES) {
      std::vector<oracle::Row> rows = makeRows(columns, 33);
      Tables tables(rows, program);
      tables.narrow(precision, rows);
      for (oracle::Row& row : rows) {
        oracle::run(program, row);
      }
      tables.launch(kernelOf(module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows"), shape,
                    {Order::RANDOM, 4});
      compare(tables, rows, program,
              describe(program, columns) + ", precision " + std::to_string(precision) + ", " +
                  shape.name);
    }
  }
}

void checkEvaluation(const shim::Module& module, const oracle::Program& program, int columns) {
  std::vector<oracle::Row> rows = makeRows(columns, 7);
  for (const Schedule& schedule : SCHEDULES) {
    Tables tables(rows, program);
    Shape shape = {"", 2, 1, false};
    tables.launch(kernelOf(module, "evaluate_rows"), shape, schedule);
    tables.launch(kernelOf(module, "gradient_rows"), shape, schedule);
    for (int row = 0; row < ROWS; row++) {
      std::vector<double> metrics = oracle::evaluate(program, rows[row]);
      for (int m = 0; m < METRICS; m++) {
        expectClose(tables.parameters.latest[m * ROWS + row], metrics[m],
                    VALUE_TOLERANCE * std::max(1.0, std::abs(metrics[m])),
                    describe(program, columns) + ", evaluated metric " + std::to_string(m));
      }
      std::vector<double> gradient = oracle::gradient(program, rows[row]);
      std::vector<double> got = tables.read(tables.parameters.gradients, row);
      for (int a = 0; a < columns; a++) {
        expectClose(got[a], gradient[a], 1e-6, describe(program, columns) + ", gradient");
      }
    }
  }
}

void checkDivergence(const std::string& divergence, double alpha, bool isQuick) {
  const shim::Module* module = shim::findModule(divergence);
  if (module == nullptr) {
    fail("no module " + divergence);
  }
  oracle::Program program;
  program.divergence = divergence;
  program.alpha = alpha;
  for (int columns : {1, 5, 2201}) {
    for (int optimizer = 0; optimizer < 6; optimizer++) {
      for (int rule = 0; rule < 3; rule++) {
        program.optimizer = oracle::Optimizer(optimizer);
        program.stepRule = oracle::StepRule(rule);
        bool isUnsound = program.optimizer == oracle::Optimizer::NEWTON &&
                         program.stepRule == oracle::StepRule::FIXED;
        bool isLeftOut = isQuick && (optimizer + rule) % 3 != 0;
        // A row of one action has nothing to decide: its steps are rounding.
        if (!isUnsound && !isLeftOut && columns > 1) {
          checkRun(*module, program, columns);
          checkUnreported(*module, program, columns);
          checkContinued(*module, program, columns);
        }
      }
    }
    program.optimizer = oracle::Optimizer::GRADIENT;
    program.stepRule = oracle::StepRule::FIXED;
    checkEvaluation(*module, program, columns);
  }
  for (int columns : {1, 77, 2201}) {
    for (const Schedule& schedule : SCHEDULES) {
      checkGroups(kernelOf(*module, "evaluate_rows"), program, columns, schedule);
    }
  }
  program.optimizer = oracle::Optimizer::PRECONDITIONED;
  for (const Shape& shape : SHAPES) {
    checkLayers(kernelOf(*module, "evaluate_rows"),
                kernelOf(*module, shape.ranks > 1 ? "run_rows_cluster" : "run_rows"), program, 1003,
                shape);
  }
  program.optimizer = oracle::Optimizer::GRADIENT;
  checkNarrow(*module, program, 1001);
  checkOneStep(*module, program, 1001);
  checkAccuracy(*module, program);
  checkFinished(*module, program, 77);
}

}  // namespace

int main(int count, char** arguments) {
  const std::pair<const char*, double> divergences[] = {
      {"reverse-kl", 0.0}, {"forward-kl", 0.0}, {"js", 0.0},      {"chi2", 0.0},
      {"hellinger2", 0.0}, {"alpha", 0.5},      {"alpha", 1.5},   {"alpha", -1.0},
      {"alpha", 2.0},      {"alpha", 3.0}};
  std::vector<std::string> wanted(arguments + 1, arguments + count);
  bool isQuick = !wanted.empty() && wanted[0] == "--quick";
  if (isQuick) {
    wanted.erase(wanted.begin());
  }
  int checked = 0;
  for (const auto& [divergence, alpha] : divergences) {
    bool isWanted = wanted.empty() ||
                    std::find(wanted.begin(), wanted.end(), divergence) != wanted.end();
    if (isWanted) {
      checkDivergence(divergence, alpha, isQuick);
      checked++;
      std::printf("%s %g: as the oracle\n", divergence, alpha);
      std::fflush(stdout);
    }
  }
  std::printf("%d divergences checked\n", checked);
  return checked > 0 ? 0 : 1;
}
