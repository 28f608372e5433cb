// Taking a row in hand.
#pragma once

#include "fused.cuh"

namespace clipkl {

/// Reads a row and normalises its logits; the current policy is then the stored one.
template <bool CLUSTERED>
CLIPKL_DEVICE void loadRow(Row<CLUSTERED>& row, int index) {
  row.current = Policy();
  row.center = LayeredRow(row.parameters.actionValues, index, 0).load(0, 1).v[0];
#ifdef CLIPKL_FUSES
  if (row.isFused) {
    double fusedSums[5];
    loadAndSum(row, index, fusedSums);
    row.actionValueSpan = fusedSums[3] + fusedSums[4];
    finishFused(row, row.current, fusedSums);
    return;
  }
#endif
  row.arrays.open(index);
  double sums[4];
  sumMasses(row, row.current.slot, 0, sums);
  row.actionValueSpan = sums[2] + sums[3];
  finishNormalizing(row, row.current, sums[0], sums[1]);
}

/// L of the unit step 1 / L of raw gradients.
template <bool CLUSTERED>
CLIPKL_DEVICE double constantSmoothness(const Row<CLUSTERED>& row) {
  const RowsParameters& parameters = row.parameters;
  return isnan(parameters.smoothness)
             ? 0.5 * parameters.lambda * row.divergence.curvatureAtReference() +
                   INNER_PRODUCT_BOUND * row.actionValueSpan
             : parameters.smoothness;
}

}  // namespace clipkl
