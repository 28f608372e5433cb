// Sums and maxima over a row: compensated in a thread, then by fixed trees over the lanes of a warp,
// the warps of a block, and the blocks of a cluster. No atomics, so that the bits are the same in
// every run.
#pragma once

#include "platform.cuh"

namespace clipkl {

/// A float32 sum that keeps what rounding takes from it (Knuth's two-sum).
struct Sum {
  float high = 0.0f;
  float low = 0.0f;

  CLIPKL_DEVICE void add(float x) {
    float sum = high + x;
    float part = sum - high;
    low += (high - (sum - part)) + (x - part);
    high = sum;
  }

  /// Four entries of a quad, whose own sum is rounded like a product of two of them.
  CLIPKL_DEVICE void add(const float (&x)[4]) { add((x[0] + x[1]) + (x[2] + x[3])); }

  CLIPKL_DEVICE double total() const { return double(high) + double(low); }
};

CLIPKL_DEVICE double larger(double a, double b) { return a < b ? b : a; }

/// One number from the same place in each of up to 16 slots: neighbours first, then pairs of
/// neighbours, and so on, which is faster than one after the other.
///
/// @param isSum whether they are added; else the largest is taken
CLIPKL_SWEEP double combine(const double* from, int count, bool isSum) {
  static_assert(WARPS <= 16 && MOST_RANKS <= 16, "more slots than the tree has leaves");
  double values[16];
#pragma unroll
  for (int slot = 0; slot < 16; slot++) {
    values[slot] = isSum ? 0.0 : -double(INFINITY);
    if (slot < count) {
      values[slot] = from[slot * MOST_VALUES];
    }
  }
#pragma unroll
  for (int apart = 1; apart < 16; apart *= 2) {
#pragma unroll
    for (int slot = 0; slot < 16; slot += 2 * apart) {
      double left = values[slot];
      double right = values[slot + apart];
      values[slot] = isSum ? left + right : larger(left, right);
    }
  }
  return values[0];
}

/// The threads that share a row: one block, or all blocks of a cluster.
template <bool CLUSTERED>
class RowGroup {
 public:
  CLIPKL_DEVICE RowGroup() {
    slots = reinterpret_cast<double*>(sharedMemory());
    ticketSlot = reinterpret_cast<int*>(slots + 2 * (WARPS + MOST_RANKS) * MOST_VALUES);
    lane = threadIndex() & 31;
    warp = threadIndex() >> 5;
    rank = 0;
    ranks = 1;
    if constexpr (CLUSTERED) {
      rank = clusterRank();
      ranks = clusterRanks();
    }
  }

  CLIPKL_DEVICE bool isLeader() const { return rank == 0 && threadIndex() == 0; }

  CLIPKL_DEVICE void barrier() const {
    if constexpr (CLUSTERED) {
      clusterBarrier();
    } else {
      blockBarrier();
    }
  }

  /// The next row that no group has taken yet.
  CLIPKL_DEVICE int nextRow(int* next) const {
    // Before: nobody still reads the slot, nor the working arrays of the row before.
    barrier();
    if (isLeader()) {
      int row = takeTicket(next);
      if constexpr (CLUSTERED) {
        for (int other = 0; other < ranks; other++) {
          *ofRank(ticketSlot, other) = row;
        }
      } else {
        *ticketSlot = row;
      }
    }
    // After: the leader has written every block's slot.
    barrier();
    return *ticketSlot;
  }

  /// Combines all threads' values, the first SUMS by addition, the others by maximum; every thread
  /// gets the results.
  template <int SUMS, int N>
  CLIPKL_DEVICE void reduce(double (&values)[N]) {
    static_assert(N <= MOST_VALUES, "slots are too small");
#pragma unroll 1
    for (int delta = 16; delta > 0; delta >>= 1) {
      double other[N];
      shuffleDown(values, delta, other);
#pragma unroll
      for (int i = 0; i < N; i++) {
        values[i] = i < SUMS ? values[i] + other[i] : larger(values[i], other[i]);
      }
    }
    double* ofWarps = slots + half * WARPS * MOST_VALUES;
    if (lane == 0) {
#pragma unroll
      for (int i = 0; i < N; i++) {
        ofWarps[warp * MOST_VALUES + i] = values[i];
      }
    }
    // Every warp has written its slot before any reads. The slots are written again two reductions
    // later; the barrier of the one between keeps that behind all reads.
    blockBarrier();
    int mineOf = lane < N ? lane : 0;
    double mine = combine(ofWarps + mineOf, WARPS, mineOf < SUMS);
    if constexpr (CLUSTERED) {
      double* ofRanks = slots + (2 * WARPS + half * MOST_RANKS) * MOST_VALUES;
      if (warp == 0 && lane < N) {
#pragma unroll 1
        for (int other = 0; other < ranks; other++) {
          ofRank(ofRanks, other)[rank * MOST_VALUES + lane] = mine;
        }
      }
      // Every rank has written into this block's slots before any thread reads them.
      clusterBarrier();
      mine = combine(ofRanks + mineOf, ranks, mineOf < SUMS);
    }
    shuffleFromFirst(mine, values);
    half ^= 1;
  }

  int rank;
  int ranks;

 private:
  double* slots;
  int* ticketSlot;
  int lane;
  int warp;
  int half = 0;
};

}  // namespace clipkl
