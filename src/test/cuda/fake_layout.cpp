// The kernels' layout by name, so that a test can hold the Java side's mirror against it.
#include <cstring>
#include <utility>

#include "rows_parameters.cuh"

#define EXPORT extern "C" __attribute__((visibility("default")))

using namespace clipkl;

namespace {

template <int N>
int find(const std::pair<const char*, int> (&entries)[N], const char* name) {
  for (const auto& entry : entries) {
    if (std::strcmp(entry.first, name) == 0) {
      return entry.second;
    }
  }
  return -1;
}

#define FIELD(name) {#name, int(offsetof(RowsParameters, name))}
#define TABLE_FIELD(name) {"TableView." #name, int(offsetof(TableView, name))}
#define GROUPS_FIELD(name) {"GroupsView." #name, int(offsetof(GroupsView, name))}
#define OPTIMUM_FIELD(name) {"RowOptimumView." #name, int(offsetof(RowOptimumView, name))}

}  // namespace

/// The offset of a field, or -1 when there is none; "size" is the struct's size.
EXPORT int clipkl_parameter_offset(const char* field) {
  static const std::pair<const char*, int> offsets[] = {
      FIELD(logits), FIELD(reference), FIELD(actionValues), FIELD(moment1), FIELD(moment2),
      FIELD(gradients), FIELD(rowWeights), FIELD(optima), FIELD(stepSizes), FIELD(momentumSteps),
      FIELD(finished), FIELD(metrics), FIELD(latest), FIELD(clippedActions), FIELD(nextRow),
      FIELD(scratch), FIELD(scratchBytesPerBlock), FIELD(rows), FIELD(columns),
      FIELD(outerIterations), FIELD(innerSteps), FIELD(optimizer), FIELD(stepRule), FIELD(arrays),
      FIELD(reserved), FIELD(lambda), FIELD(clipEpsilon), FIELD(stepSize), FIELD(tolerance),
      FIELD(smoothness), FIELD(alpha), FIELD(groups), {"size", int(sizeof(RowsParameters))},
      TABLE_FIELD(data), TABLE_FIELD(rowBytes), TABLE_FIELD(logNormalizers),
      TABLE_FIELD(shared), TABLE_FIELD(sharedBytes), TABLE_FIELD(precision),
      TABLE_FIELD(layerRows), TABLE_FIELD(firstState), TABLE_FIELD(placedState), {"TableView.size", int(sizeof(TableView))},
      GROUPS_FIELD(columns), GROUPS_FIELD(starts), GROUPS_FIELD(groupOf), GROUPS_FIELD(masses),
      GROUPS_FIELD(count), GROUPS_FIELD(bins), GROUPS_FIELD(blockBins), GROUPS_FIELD(warpBins),
      {"GroupsView.size", int(sizeof(GroupsView))},
      OPTIMUM_FIELD(largestActionValue), OPTIMUM_FIELD(offset),
      {"RowOptimumView.size", int(sizeof(RowOptimumView))}};
  return find(offsets, field);
}

/// A constant of the kernels, or -1 when there is none of that name.
EXPORT int clipkl_constant(const char* name) {
  static const std::pair<const char*, int> constants[] = {
      {"threads", THREADS},           {"part_multiple", PART_MULTIPLE},
      {"most_ranks", MOST_RANKS},     {"reduction_bytes", REDUCTION_BYTES},
      {"metrics", METRICS},           {"bfloat16", BFLOAT16},
      {"float16", FLOAT16},           {"float32", FLOAT32}};
  return find(constants, name);
}

EXPORT int clipkl_arrays_on_chip(int optimizer, int stepRule) {
  return arraysOnChip(optimizer, stepRule);
}

EXPORT int clipkl_arrays_on_chip_for_one_step(int optimizer) {
  return arraysOnChipForOneStep(optimizer);
}

EXPORT int clipkl_arrays_in_scratch(int optimizer, int stepRule, int converted) {
  return arraysInScratch(optimizer, stepRule, converted);
}

EXPORT int clipkl_part_length(int columns, int ranks) { return partLength(columns, ranks); }
