// What a launch hands to its kernel. The Java side mirrors the layout; a test compares the two.
#pragma once

#include <cstddef>

namespace clipkl {

/// Threads of every block.
constexpr int THREADS = 512;

/// A block's part of a row is a multiple of this many entries, so that it begins on 128 bytes.
constexpr int PART_MULTIPLE = 32;

/// Most blocks that share one row.
constexpr int MOST_RANKS = 16;

/// Most numbers that one reduction combines.
constexpr int MOST_VALUES = 12;

constexpr int WARPS = THREADS / 32;

/// Dynamic shared memory that reductions use; the working arrays lie behind it.
constexpr int REDUCTION_BYTES = 2 * (WARPS + MOST_RANKS) * MOST_VALUES * int(sizeof(double)) + 128;

/// RowMetric.COUNT.
constexpr int METRICS = 19;

/// The ordinals of OptimizerKind.
enum Optimizer { GRADIENT, NATURAL, NEWTON, PRECONDITIONED, NESTEROV, ADAM };

/// The ordinals of StepRuleKind.
enum StepRule { BACKTRACKING, SAFE, FIXED };

enum Precision { BFLOAT16, FLOAT16, FLOAT32 };

/// A table [rows, columns] in device memory.
///
/// Rows may come in layers that repeat them: then those of one layer are stored, and what a layer's
/// rows share is added as they are read.
struct TableView {
  void* data;                    ///< the launch's first row, or that of placedState; or null
  long long rowBytes;            ///< distance between rows, a multiple of 64; 0: one row for all
  const double* logNormalizers;  ///< [rows], or null; an entry is (float) (x - logNormalizers[row])
  const double* shared;          ///< [layers], or null; an entry is (float) (entry + shared[layer])
  long long sharedBytes;         ///< distance between shared rows, a multiple of 128
  int precision;                 ///< a Precision; FLOAT32 for logits, moments and gradients
  int layerRows;                 ///< rows of a layer; 0: there are no layers
  int firstState;                ///< with layers, the launch's first row among all of them
  int placedState;               ///< with layers, the row at `data` among all of them
};

/// RowOptimum's largest action value and offset.
struct RowOptimumView {
  double largestActionValue;
  double offset;
};

/// Groups of columns, each a bin; one more bin, where there are any, is for columns of no group.
struct GroupsView {
  const int* columns;   ///< bin after bin, ascending within each
  const int* starts;    ///< [bins + 1], where each bin begins in `columns`
  const int* groupOf;   ///< [bins], each bin's group; `count` for columns of none
  double* masses;       ///< [rows][count], out; or null: nobody asks
  int count;            ///< groups
  int bins;
  int blockBins;        ///< the first bins, each summed by the whole block
  int warpBins;         ///< the next ones, each by a warp; the rest each by a thread
};

struct RowsParameters {
  TableView logits;
  TableView reference;
  TableView actionValues;
  TableView moment1;
  TableView moment2;
  TableView gradients;
  const double* rowWeights;      ///< [rows]
  const RowOptimumView* optima;  ///< [rows], or null: gaps are NaN
  double* stepSizes;             ///< [rows], in and out
  int* momentumSteps;            ///< [rows], in and out
  unsigned char* finished;       ///< [rows], in and out
  double* metrics;               ///< [outerIterations][METRICS][rows], or null: nobody reads them
  double* latest;                ///< [METRICS][rows], in and out
  int* clippedActions;           ///< [outerIterations][innerSteps][rows], or null with metrics
  int* nextRow;                  ///< zero before the launch
  float* scratch;                ///< working arrays that are not on the chip, or null
  long long scratchBytesPerBlock;
  int rows;
  int columns;
  int outerIterations;
  int innerSteps;
  int optimizer;  ///< an Optimizer
  int stepRule;   ///< a StepRule
  int arrays;     ///< working arrays on the chip: all of them, or 0
  int reserved;
  double lambda;
  double clipEpsilon;
  double stepSize;
  double tolerance;
  double smoothness;  ///< NaN: each row's own
  double alpha;       ///< of alpha(X)
  GroupsView groups;  ///< for evaluations
};

static_assert(sizeof(TableView) == 56, "mirrored in Java");
static_assert(sizeof(RowOptimumView) == 16, "mirrored in Java");
static_assert(sizeof(GroupsView) == 48, "mirrored in Java");
static_assert(offsetof(RowsParameters, rowWeights) == 336, "mirrored in Java");
static_assert(offsetof(RowsParameters, scratchBytesPerBlock) == 416, "mirrored in Java");
static_assert(offsetof(RowsParameters, rows) == 424, "mirrored in Java");
static_assert(offsetof(RowsParameters, lambda) == 456, "mirrored in Java");
static_assert(sizeof(RowsParameters) == 552, "mirrored in Java");

/// Whether a table keeps one number per logit that a refused step must not change.
constexpr bool hasProposedMoment(int optimizer) {
  return optimizer == GRADIENT || optimizer == NESTEROV;
}

/// Policies that a row holds at a time: p_old, the current one, and a proposal where it can be
/// refused.
constexpr int logitArrays(int stepRule) { return stepRule == BACKTRACKING ? 3 : 2; }

constexpr int momentArrays(int optimizer, int stepRule) {
  if (optimizer == ADAM) {
    return 2;
  }
  return hasProposedMoment(optimizer) ? (stepRule == BACKTRACKING ? 2 : 1) : 0;
}

/// Whether a launch takes one step that nothing follows: it needs no place for a second policy.
constexpr bool takesOneStep(const RowsParameters& launch) {
  return launch.metrics == nullptr && launch.stepRule == FIXED && launch.outerIterations == 1 &&
         launch.innerSteps == 1 && launch.optimizer <= PRECONDITIONED;
}

/// Working arrays of a row that is on the chip: the policies, log q, Q, and the moments.
constexpr int arraysOnChip(int optimizer, int stepRule) {
  return logitArrays(stepRule) + 2 + momentArrays(optimizer, stepRule);
}

/// The same for a launch that takes one step.
constexpr int arraysOnChipForOneStep(int optimizer) { return arraysOnChip(optimizer, FIXED) - 1; }

/// Working arrays of a row that is not: the tables themselves hold the rest, and what is no table
/// of plain float32 numbers is converted. To evaluate and for gradients only the latter are needed.
///
/// @param converted how many of reference and action values are no plain float32 numbers
constexpr int arraysInScratch(int optimizer, int stepRule, int converted) {
  return converted + logitArrays(stepRule) - 1 +
         (hasProposedMoment(optimizer) && stepRule == BACKTRACKING ? 1 : 0);
}

/// Entries of a row that each of its blocks holds; the last block may have fewer.
constexpr int partLength(int columns, int ranks) {
  return ((columns + ranks - 1) / ranks + PART_MULTIPLE - 1) / PART_MULTIPLE * PART_MULTIPLE;
}

}  // namespace clipkl
