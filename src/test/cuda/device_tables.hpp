// Rows in the fake driver's memory, and launches over them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fake_memory.hpp"
#include "fibers.hpp"
#include "host_modules.hpp"
#include "oracle.hpp"
#include "rows_parameters.cuh"

/// How a launch places its rows; the same entries belong to the same threads in the first two.
struct Shape {
  const char* name;
  int blocks;
  int ranks;
  bool isOnChip;
};

[[noreturn]] inline void fail(const std::string& what) {
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
    parameters.metrics = allocate<double>(memory, size_t(program.outerIterations) * clipkl::METRICS * n);
    parameters.latest = allocate<double>(memory, size_t(clipkl::METRICS) * n);
    parameters.clippedActions =
        allocate<int>(memory, size_t(program.outerIterations) * program.innerSteps * n);
    parameters.nextRow = allocate<int>(memory, 1);
    for (int row = 0; row < n; row++) {
      write(parameters.logits, row, rows[row].logits);
      write(parameters.reference, row, rows[row].logReference);
      write(parameters.actionValues, row, rows[row].actionValues);
      // The first step, momentumSteps = 1, has to clear them.
      write(parameters.moment1, row, std::vector<double>(columns, 0.25));
      write(parameters.moment2, row, std::vector<double>(columns, 0.25));
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

  /// Makes the reference 16 bits wide, normalised as it is read, and the action values one row for
  /// all: what the kernels then see is returned in float64.
  void narrow(clipkl::Precision precision, std::vector<oracle::Row>& rows) {
    long long bytes = (columns * 2 + 127) / 128 * 128;
    clipkl::TableView narrowed = {allocate<char>(memory, size_t(bytes) * rows.size()), bytes,
                                  nullptr, nullptr, 0, precision, 0, 0, 0};
    auto normalizers = allocate<double>(memory, rows.size());
    narrowed.logNormalizers = normalizers;
    for (size_t row = 0; row < rows.size(); row++) {
      auto* to = reinterpret_cast<uint16_t*>(static_cast<char*>(narrowed.data) + row * bytes);
      double sum = 0.0;
      for (int a = 0; a < columns; a++) {
        to[a] = encode(precision, float(rows[row].logReference[a]));
        rows[row].logReference[a] = decode(precision, to[a]);
        sum += std::exp(rows[row].logReference[a]);
      }
      normalizers[row] = std::log(sum);
      for (double& x : rows[row].logReference) {
        x = float(x - normalizers[row]);
      }
      rows[row].actionValues = rows[0].actionValues;
      rows[row].largestActionValue = rows[0].largestActionValue;
    }
    parameters.reference = narrowed;
    parameters.actionValues.rowBytes = 0;
    converted = 1;
    auto optima = const_cast<clipkl::RowOptimumView*>(parameters.optima);
    for (size_t row = 0; row < rows.size(); row++) {
      optima[row] = {rows[row].largestActionValue, rows[row].offset};
    }
  }

  /// Copies numbers into memory of the device.
  template <class T>
  T* put(const std::vector<T>& values) {
    T* to = allocate<T>(memory, values.size());
    std::copy(values.begin(), values.end(), to);
    return to;
  }

  /// Makes the action values rows of layers: `layerRows` rows are stored, from that of `placedState`
  /// on, which each layer repeats with its shared row added in float64. The launch's rows begin at
  /// `firstState`. What the kernels then see is returned in `rows`.
  void layer(int layerRows, int firstState, int placedState,
             const std::vector<std::vector<double>>& shared, std::vector<oracle::Row>& rows) {
    clipkl::TableView& view = parameters.actionValues;
    std::vector<oracle::Row> stored(rows.begin(), rows.begin() + layerRows);
    for (int row = 0; row < layerRows; row++) {
      write(view, row, stored[row].actionValues);
    }
    long long stride = (columns * 8 + 127) / 128 * 128;
    std::vector<double> all(shared.size() * stride / 8, std::nan(""));
    for (size_t layer = 0; layer < shared.size(); layer++) {
      std::copy(shared[layer].begin(), shared[layer].end(), all.begin() + layer * stride / 8);
    }
    view.shared = put(all);
    view.sharedBytes = stride;
    view.layerRows = layerRows;
    view.firstState = firstState;
    view.placedState = placedState;
    converted = 1;
    auto optima = const_cast<clipkl::RowOptimumView*>(parameters.optima);
    for (int row = 0; row < parameters.rows; row++) {
      int state = firstState + row;
      const oracle::Row& base = stored[(state - placedState) % layerRows];
      for (int a = 0; a < columns; a++) {
        rows[row].actionValues[a] = float(base.actionValues[a] + shared[state / layerRows][a]);
      }
      rows[row].largestActionValue =
          *std::max_element(rows[row].actionValues.begin(), rows[row].actionValues.end());
      optima[row] = {rows[row].largestActionValue, rows[row].offset};
    }
  }

  void launch(const shim::Kernel& kernel, const Shape& shape, const shim::Schedule& schedule) {
    *parameters.nextRow = 0;
    shim::Launch launch;
    launch.threads = clipkl::THREADS;
    launch.blocks = shape.blocks;
    launch.ranks = shape.ranks;
    launch.sharedBytes = clipkl::REDUCTION_BYTES;
    int part = clipkl::partLength(columns, shape.ranks);
    parameters.arrays = 0;
    if (shape.isOnChip) {
      parameters.arrays = clipkl::takesOneStep(parameters)
                              ? clipkl::arraysOnChipForOneStep(parameters.optimizer)
                              : clipkl::arraysOnChip(parameters.optimizer, parameters.stepRule);
      launch.sharedBytes += size_t(4) * part * parameters.arrays;
    } else {
      int arrays = clipkl::arraysInScratch(parameters.optimizer, parameters.stepRule, converted);
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
    if (failure.empty() && !isPaddingWhole()) {
      failure = "the padding of rows was overwritten";
    }
    if (!failure.empty()) {
      fail(kernel.name + ": " + failure);
    }
  }

  std::vector<double> read(const clipkl::TableView& view, int row) const {
    const float* from = rowOf(view, row);
    return std::vector<double>(from, from + columns);
  }

  /// What training changes, as bytes.
  std::string actor() const {
    std::string bytes;
    int n = parameters.rows;
    for (int row = 0; row < n; row++) {
      for (const auto* view : {&parameters.logits, &parameters.moment1, &parameters.moment2}) {
        bytes.append(reinterpret_cast<const char*>(rowOf(*view, row)), columns * 4);
      }
    }
    append(bytes, parameters.stepSizes, n);
    append(bytes, parameters.momentumSteps, n);
    append(bytes, parameters.finished, n);
    return bytes;
  }

  /// Everything that a run leaves, as bytes.
  std::string results() const {
    std::string bytes = actor();
    int n = parameters.rows;
    append(bytes, parameters.metrics, size_t(parameters.outerIterations) * clipkl::METRICS * n);
    append(bytes, parameters.clippedActions,
           size_t(parameters.outerIterations) * parameters.innerSteps * n);
    append(bytes, parameters.latest, size_t(clipkl::METRICS) * n);
    return bytes;
  }

  clipkl::RowsParameters parameters = {};

 private:
  clipkl::TableView table(int n) {
    return {allocate<char>(memory, size_t(distance) * n), distance, nullptr, nullptr, 0,
            clipkl::FLOAT32, 0, 0, 0};
  }

  /// Whether the rows' padding is as it was allocated: all ones.
  bool isPaddingWhole() const {
    for (int row = 0; row < parameters.rows; row++) {
      for (const auto* view : {&parameters.logits, &parameters.moment1, &parameters.moment2,
                               &parameters.gradients}) {
        const float* padding = rowOf(*view, row) + columns;
        for (long long i = 0; i < distance / 4 - columns; i++) {
          uint32_t bits;
          std::memcpy(&bits, padding + i, sizeof bits);
          if (bits != 0xffffffffu) {
            return false;
          }
        }
      }
    }
    return true;
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

  /// Truncates, as good as any rounding here.
  static uint16_t encode(clipkl::Precision precision, float x) {
    if (precision == clipkl::BFLOAT16) {
      uint32_t bits;
      std::memcpy(&bits, &x, sizeof bits);
      return uint16_t(bits >> 16);
    }
    int exponent;
    float mantissa = std::frexp(std::abs(x), &exponent);
    // Biased by 15, with 0.5 <= mantissa < 1; what is less than 2^-14 is subnormal.
    uint16_t magnitude =
        exponent > -14 ? uint16_t((exponent + 13) << 10) + uint16_t((mantissa - 0.5f) * 2048.0f)
                       : uint16_t(std::abs(x) * 16777216.0f);
    return uint16_t((x < 0.0f ? 0x8000 : 0) + magnitude);
  }

  static double decode(clipkl::Precision precision, uint16_t bits) {
    if (precision == clipkl::BFLOAT16) {
      uint32_t wide = uint32_t(bits) << 16;
      float x;
      std::memcpy(&x, &wide, sizeof x);
      return x;
    }
    int exponent = bits >> 10 & 31;
    int mantissa = bits & 1023;
    double magnitude = exponent == 0 ? std::ldexp(mantissa, -24)
                                     : std::ldexp(1024 + mantissa, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }

  fake::Memory memory;
  int converted = 0;
  int columns;
  long long distance;
};
