// A policy's probability by groups of actions.
#pragma once

#include "row.cuh"

namespace clipkl {

/// Sums masses 2^-offset e^logit over every `step`-th column of a list.
CLIPKL_SWEEP double sumColumns(const float* logits, const int* columns, int first, int end, int step,
                               int offset) {
  Sum sum;
  // Several reads are under way at a time: columns of a group may lie anywhere.
#pragma unroll 4
  for (int i = first; i < end; i += step) {
    sum.add(exponential(logits[columns[i]], offset));
  }
  return sum.total();
}

/// The sum over a warp's lanes, in its first one.
CLIPKL_DEVICE double sumOfWarp(double mine) {
  double value[1] = {mine};
#pragma unroll 1
  for (int delta = 16; delta > 0; delta >>= 1) {
    double other[1];
    shuffleDown(value, delta, other);
    value[0] += other[0];
  }
  return value[0];
}

/// Writes m(g), the current policy's probability of each group, for a row in hand.
///
/// A bin's sum has an order that its size alone fixes: large bins are summed by all threads, medium
/// ones by a warp, small ones by a thread. Masses are divided by the sum over all bins, so that
/// they add up to 1 but for what is in no group, however the row's own normaliser was rounded: a
/// chain of many steps would multiply what is missing.
CLIPKL_SWEEP void sumGroups(Row<false>& row, const GroupsView& groups) {
  const float* logits = row.arrays.logits(row.current.slot);
  const int offset = row.current.offset;
  const int thread = threadIndex();
  const int lane = thread & 31;
  double* masses = groups.masses + (long long)row.arrays.row * groups.count;
  double all[1] = {0.0};
  auto sumOfBin = [&](int bin, int first, int step) {
    return sumColumns(logits, groups.columns, groups.starts[bin] + first, groups.starts[bin + 1],
                      step, offset);
  };
  auto keep = [&](int bin, double sum) {
    all[0] += sum;
    if (groups.groupOf[bin] < groups.count) {
      masses[groups.groupOf[bin]] = sum;
    }
  };
#pragma unroll 1
  for (int bin = 0; bin < groups.blockBins; bin++) {
    double sum[1] = {sumOfBin(bin, thread, THREADS)};
    row.group.reduce<1>(sum);
    if (thread == 0) {
      keep(bin, sum[0]);
    }
  }
  const int endOfWarps = groups.blockBins + groups.warpBins;
#pragma unroll 1
  for (int bin = groups.blockBins + (thread >> 5); bin < endOfWarps; bin += WARPS) {
    double sum = sumOfWarp(sumOfBin(bin, lane, 32));
    if (lane == 0) {
      keep(bin, sum);
    }
  }
#pragma unroll 1
  for (int bin = endOfWarps + thread; bin < groups.bins; bin += THREADS) {
    keep(bin, sumOfBin(bin, 0, 1));
  }
  // Its barrier also lets every thread read what others have written to `masses`.
  row.group.reduce<1>(all);
#pragma unroll 1
  for (int group = thread; group < groups.count; group += THREADS) {
    masses[group] /= all[0];
  }
}

}  // namespace clipkl
