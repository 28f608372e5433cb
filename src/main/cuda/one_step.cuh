// One fixed step that nothing follows, for divergences with fused sweeps: the row is read once, and
// written once.
//
// Its kernels need few registers, so that a multiprocessor holds two blocks: one reads memory while
// the other computes.
#pragma once

#include "row_loop.cuh"

#ifdef CLIPKL_FUSES

namespace clipkl {

/// What RowLoop does in a launch of which takesOneStep and isFused hold.
template <bool CLUSTERED>
CLIPKL_DEVICE void takeOneStep(const RowsParameters& parameters) {
  Row<CLUSTERED> at(parameters);
  for (int row = at.group.nextRow(parameters.nextRow); row < parameters.rows;
       row = at.group.nextRow(parameters.nextRow)) {
    if (parameters.finished[row] != 0) {
      continue;
    }
    // Before the load, whose reductions keep the leader's write behind these reads.
    int momentumSteps = parameters.momentumSteps[row] + 1;
    loadRow(at, row);
    at.anchor();
    anchorFused(at);
    if (momentumSteps == 1) {
      clearMoments(at);
    }
    double unit = at.optimizer == GRADIENT ? 1.0 / constantSmoothness(at) : 1.0;
    double step = parameters.stepSize * unit * parameters.rowWeights[row];
    if (!isnan(step)) {
      proposeFused(at, step, true);
    }
    if (at.group.isLeader()) {
      parameters.momentumSteps[row] = momentumSteps;
    }
  }
}

}  // namespace clipkl

#endif
