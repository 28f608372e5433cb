// Holds the kernels, run by the shim, against the oracle: every divergence, optimizer and step rule,
// rows of awkward lengths, every placement, and several schedules, whose bits must be the same.
//
//   check_kernels [DIVERGENCE...]     exit code 1 on the first failure
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "fake_memory.hpp"
#include "fibers.hpp"
#include "host_modules.hpp"
#include "oracle.hpp"
#include "rows_parameters.cuh"

namespace {

using clipkl::METRICS;
using clipkl::RowsParameters;
using shim::Order;
using shim::Schedule;

constexpr double VALUE_TOLERANCE = 1e-5;
constexpr double PROBABILITY_TOLERANCE = 1e-6;
constexpr int ROWS = 3;

/// How a launch places its rows; the same entries belong to the same threads in the first two.
struct Shape {
  const char* name;
  int blocks;
  int ranks;
  bool isOnChip;
};

const Shape SHAPES[] = {{"on the chip", 2, 1, true},
                        {"in scratch", 2, 1, false},
                        {"cluster of 2", 4, 2, true},
                        {"cluster of 5", 5, 5, true}};

const Schedule SCHEDULES[] = {{Order::BACKWARD, 0}, {Order::RANDOM, 1}, {Order::RANDOM, 2}};

[[noreturn]] void fail(const std::string& what) {
  std::printf("FAILED: %s\n", what.c_str());
  std::exit(1);
}

/// Device memory that a test fills and reads.
template <class T>
T* allocate(fake::Memory& memory, size_t count) {
  return reinterpret_cast<T*>(memory.allocate(count * sizeof(T)));
}

/// Rows on the device.
class Tables {
 public:
  Tables(const std::vector<oracle::Row>& rows, const oracle::Program& program) {
    columns = int(rows[0].logits.size());
    int n = int(rows.size());
    distance = (columns * 4 + 127) / 128 * 128;
    parameters.logits = table(n);
    parameters.reference = table(n);
    parameters.actionValues = table(n);
    parameters.moment1 = table(n);
    parameters.moment2 = table(n);
    parameters.gradients = table(n);
    auto weights = allocate<double>(memory, n);
    auto optima = allocate<clipkl::RowOptimumView>(memory, n);
    parameters.stepSizes = allocate<double>(memory, n);
    parameters.momentumSteps = allocate<int>(memory, n);
    parameters.finished = allocate<unsigned char>(memory, n);
    parameters.metrics = allocate<double>(memory, size_t(program.outerIterations) * METRICS * n);
    parameters.latest = allocate<double>(memory, size_t(METRICS) * n);
    parameters.clippedActions =
        allocate<int>(memory, size_t(program.outerIterations) * program.innerSteps * n);
    parameters.nextRow = allocate<int>(memory, 1);
    for (int row = 0; row < n; row++) {
      write(parameters.logits, row, rows[row].logits);
      write(parameters.reference, row, rows[row].logReference);
      write(parameters.actionValues, row, rows[row].actionValues);
      write(parameters.moment1, row, std::vector<double>(columns, 0.0));
      write(parameters.moment2, row, std::vector<double>(columns, 0.0));
      weights[row] = 1.0;
      optima[row] = {rows[row].largestActionValue, rows[row].offset};
      parameters.stepSizes[row] = rows[row].stepSize;
      parameters.momentumSteps[row] = 0;
      parameters.finished[row] = 0;
    }
    parameters.rowWeights = weights;
    parameters.optima = optima;
    parameters.rows = n;
    parameters.columns = columns;
    parameters.outerIterations = program.outerIterations;
    parameters.innerSteps = program.innerSteps;
    parameters.optimizer = int(program.optimizer);
    parameters.stepRule = int(program.stepRule);
    parameters.lambda = program.lambda;
    parameters.clipEpsilon = program.clipEpsilon;
    parameters.stepSize = program.stepSize;
    parameters.tolerance = program.tolerance;
    parameters.smoothness = std::nan("");
    parameters.alpha = program.alpha;
  }

  void launch(const shim::Kernel& kernel, const Shape& shape, const Schedule& schedule) {
    *parameters.nextRow = 0;
    shim::Launch launch;
    launch.threads = clipkl::THREADS;
    launch.blocks = shape.blocks;
    launch.ranks = shape.ranks;
    launch.sharedBytes = clipkl::REDUCTION_BYTES;
    int part = clipkl::partLength(columns, shape.ranks);
    parameters.arrays = 0;
    if (shape.isOnChip) {
      parameters.arrays = clipkl::arraysOnChip(parameters.optimizer, parameters.stepRule);
      launch.sharedBytes += size_t(4) * part * parameters.arrays;
    } else {
      int arrays = clipkl::arraysInScratch(parameters.optimizer, parameters.stepRule, 0);
      parameters.scratchBytesPerBlock = 4LL * part * arrays;
      parameters.scratch =
          allocate<float>(memory, size_t(part) * arrays * shape.blocks);
    }
    launch.kernel = kernel.run;
    void* arguments[] = {&parameters};
    launch.arguments = arguments;
    std::string failure = shim::run(launch, schedule);
    if (failure.empty()) {
      failure = memory.damage();
    }
    if (!failure.empty()) {
      fail(kernel.name + ": " + failure);
    }
  }

  std::vector<double> read(const clipkl::TableView& view, int row) const {
    const float* from = rowOf(view, row);
    return std::vector<double>(from, from + columns);
  }

  /// Everything that a run leaves, as bytes.
  std::string results() const {
    std::string bytes;
    int n = parameters.rows;
    for (int row = 0; row < n; row++) {
      for (const auto* view : {&parameters.logits, &parameters.moment1, &parameters.moment2}) {
        bytes.append(reinterpret_cast<const char*>(rowOf(*view, row)), columns * 4);
      }
    }
    append(bytes, parameters.metrics, size_t(parameters.outerIterations) * METRICS * n);
    append(bytes, parameters.clippedActions,
           size_t(parameters.outerIterations) * parameters.innerSteps * n);
    append(bytes, parameters.latest, size_t(METRICS) * n);
    append(bytes, parameters.stepSizes, n);
    append(bytes, parameters.momentumSteps, n);
    append(bytes, parameters.finished, n);
    return bytes;
  }

  RowsParameters parameters = {};

 private:
  clipkl::TableView table(int n) {
    return {allocate<char>(memory, size_t(distance) * n), distance, nullptr, clipkl::FLOAT32, 0};
  }

  float* rowOf(const clipkl::TableView& view, int row) const {
    return reinterpret_cast<float*>(static_cast<char*>(view.data) + row * view.rowBytes);
  }

  void write(const clipkl::TableView& view, int row, const std::vector<double>& values) {
    std::copy(values.begin(), values.end(), rowOf(view, row));
  }

  template <class T>
  static void append(std::string& bytes, const T* values, size_t count) {
    bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
  }

  fake::Memory memory;
  int columns;
  long long distance;
};

std::vector<oracle::Row> makeRows(int columns, unsigned seed) {
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

void expectClose(double got, double want, double tolerance, const std::string& what) {
  if (!(std::abs(got - want) <= tolerance) && !(std::isnan(got) && std::isnan(want))) {
    fail(what + ": expected " + std::to_string(want) + ", got " + std::to_string(got));
  }
}

void compare(const Tables& tables, const std::vector<oracle::Row>& expected,
             const oracle::Program& program, const std::string& what) {
  for (int row = 0; row < ROWS; row++) {
    std::vector<double> got = oracle::softmax(tables.read(tables.parameters.logits, row));
    std::vector<double> want = oracle::softmax(expected[row].logits);
    for (size_t a = 0; a < want.size(); a++) {
      expectClose(got[a], want[a], PROBABILITY_TOLERANCE,
                  what + ", row " + std::to_string(row) + ", action " + std::to_string(a));
    }
    for (int n = 0; n < program.outerIterations; n++) {
      for (int k = 0; k < program.innerSteps; k++) {
        expectClose(tables.parameters.clippedActions[(n * program.innerSteps + k) * ROWS + row],
                    expected[row].clippedActions[n][k], 0.0, what + ", clipped actions");
      }
      for (int m = 0; m < METRICS; m++) {
        double wanted = expected[row].metrics[n][m];
        expectClose(tables.parameters.metrics[(n * METRICS + m) * ROWS + row], wanted,
                    VALUE_TOLERANCE * std::max(1.0, std::abs(wanted)),
                    what + ", metric " + std::to_string(m) + " of iteration " + std::to_string(n));
      }
    }
    expectClose(tables.parameters.momentumSteps[row], expected[row].momentumSteps, 0.0,
                what + ", momentum steps");
  }
}

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

void checkDivergence(const std::string& divergence, double alpha) {
  const shim::Module* module = shim::findModule(divergence);
  if (module == nullptr) {
    fail("no module " + divergence);
  }
  for (int columns : {1, 3, 77, 2500}) {
    for (int optimizer = 0; optimizer < 6; optimizer++) {
      for (int rule = 0; rule < 3; rule++) {
        oracle::Program program;
        program.divergence = divergence;
        program.alpha = alpha;
        program.optimizer = oracle::Optimizer(optimizer);
        program.stepRule = oracle::StepRule(rule);
        bool isUnsound = program.optimizer == oracle::Optimizer::NEWTON &&
                         program.stepRule == oracle::StepRule::FIXED;
        // A row of one action has nothing to decide: its steps are rounding.
        if (!isUnsound && columns > 1) {
          checkRun(*module, program, columns);
        }
      }
    }
    oracle::Program program;
    program.divergence = divergence;
    program.alpha = alpha;
    checkEvaluation(*module, program, columns);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::pair<const char*, double> divergences[] = {
      {"reverse-kl", 0.0}, {"forward-kl", 0.0}, {"js", 0.0},      {"chi2", 0.0},
      {"hellinger2", 0.0}, {"alpha", 0.5},      {"alpha", 1.5},   {"alpha", -1.0},
      {"alpha", 2.0},      {"alpha", 3.0}};
  int checked = 0;
  for (const auto& [divergence, alpha] : divergences) {
    bool isWanted = count == 1 || std::find(arguments + 1, arguments + count,
                                            std::string(divergence)) != arguments + count;
    if (isWanted) {
      checkDivergence(divergence, alpha);
      checked++;
      std::printf("%s %g: as the oracle\n", divergence, alpha);
      std::fflush(stdout);
    }
  }
  std::printf("%d divergences checked\n", checked);
  return checked > 0 ? 0 : 1;
}
