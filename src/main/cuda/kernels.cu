// The entry points of one divergence. CLIPKL_DIVERGENCE names its header; CLIPKL_BLOCKS and
// CLIPKL_CLUSTERS say which kernels the module has.
#include "platform.cuh"

#include CLIPKL_DIVERGENCE

#include "group_masses.cuh"
#include "one_step.cuh"

using namespace clipkl;

#ifdef CLIPKL_BLOCKS
/// A row per block.
CLIPKL_KERNEL run_rows(CLIPKL_LAUNCH_PARAMETER RowsParameters parameters) {
  RowLoop<false>(parameters).runAll();
}

#ifdef CLIPKL_FUSES
CLIPKL_STREAMING_KERNEL step_rows(CLIPKL_LAUNCH_PARAMETER RowsParameters parameters) {
  takeOneStep<false>(parameters);
}
#endif

/// The metrics of every row's policy as it stands, to `latest`, and its masses by group.
///
/// A row is one block's here however long it is: nothing is kept on the chip, so that its length is
/// no limit. The masses are taken while the row is near, in this chip's caches.
CLIPKL_KERNEL evaluate_rows(CLIPKL_LAUNCH_PARAMETER RowsParameters parameters) {
  Row<false> at(parameters);
  for (int row = at.group.nextRow(parameters.nextRow); row < parameters.rows;
       row = at.group.nextRow(parameters.nextRow)) {
    loadRow(at, row);
    at.anchor();
    double metrics[METRICS] = {};
    summarize(at, metrics);
    if (parameters.groups.masses != nullptr) {
      sumGroups(at, parameters.groups);
    }
    if (at.group.isLeader()) {
#pragma unroll 1
      for (int m = 0; m < METRICS; m++) {
        parameters.latest[(long long)m * parameters.rows + row] = metrics[m];
      }
    }
  }
}

/// The gradient of every row's value with respect to its logits, to `gradients`.
CLIPKL_KERNEL gradient_rows(CLIPKL_LAUNCH_PARAMETER RowsParameters parameters) {
  Row<false> at(parameters);
  for (int row = at.group.nextRow(parameters.nextRow); row < parameters.rows;
       row = at.group.nextRow(parameters.nextRow)) {
    loadRow(at, row);
    at.anchor();
    measurePolicy(at, at.current, true);
    writeGradient(at);
  }
}
#endif

#ifdef CLIPKL_CLUSTERS
/// A row per cluster, in the shared memory of its blocks.
CLIPKL_KERNEL run_rows_cluster(CLIPKL_LAUNCH_PARAMETER RowsParameters parameters) {
  RowLoop<true>(parameters).runAll();
}

#ifdef CLIPKL_FUSES
CLIPKL_STREAMING_KERNEL step_rows_cluster(CLIPKL_LAUNCH_PARAMETER RowsParameters parameters) {
  takeOneStep<true>(parameters);
}
#endif
#endif

/// out[i] = in[i] + sum of in[0 .. n), by one block: whether barriers and shuffles work.
CLIPKL_KERNEL self_test(const int* in, int* out, int n) {
  RowGroup<false> group;
  double sum[1] = {0.0};
#pragma unroll 1
  for (int i = threadIndex(); i < n; i += THREADS) {
    sum[0] += in[i];
  }
  group.reduce<1>(sum);
#pragma unroll 1
  for (int i = threadIndex(); i < n; i += THREADS) {
    out[i] = in[i] + int(sum[0]);
  }
}
