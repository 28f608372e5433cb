// One row in hand: its policies, and what is measured at them.
#pragma once

#include "arrays.cuh"
#include "clip.cuh"

namespace clipkl {

template <bool CLUSTERED>
struct Row {
  CLIPKL_DEVICE explicit Row(const RowsParameters& launch)
      : parameters(launch),
        divergence(launch),
        clip(launch.clipEpsilon),
        arrays(launch, group.rank, group.ranks),
        lambda(float(launch.lambda)),
        optimizer(launch.optimizer),
        backtracks(launch.stepRule == BACKTRACKING),
        isFused(launch.stepRule == FIXED && Divergence::fuses(launch.optimizer)) {}

  /// Makes the current policy p_old.
  CLIPKL_DEVICE void anchor() {
    old = current;
    oldMeanValue = float(current.meanValue);
  }

  /// Makes the proposal the current policy.
  CLIPKL_DEVICE void accept() { current = proposed; }

  /// Where a proposal goes: neither over p_old nor, where it may be refused, over the current policy.
  CLIPKL_DEVICE int freeSlot() const {
    if (!backtracks) {
      return 1 - old.slot;
    }
    if (current.slot == old.slot) {
      return current.slot == 0 ? 1 : 0;
    }
    return 3 - current.slot - old.slot;
  }

  const RowsParameters& parameters;
  Divergence divergence;
  Clip clip;
  RowGroup<CLUSTERED> group;
  RowArrays<CLUSTERED> arrays;
  float lambda;
  int optimizer;
  bool backtracks;
  bool isFused;  ///< whether steps take one sweep

  Policy current;
  Policy proposed;
  Policy old;

  /// Any action value of the row: sums of action values are taken about it.
  float center = 0.0f;
  /// The advantage's baseline, E_{p_old}[Q].
  float oldMeanValue = 0.0f;
  double actionValueSpan = 0.0;
  /// Largest error that rounding can have made in a surrogate.
  double evaluationError = 0.0;
  float correction1 = 1.0f;
  float correction2 = 1.0f;
};

}  // namespace clipkl
