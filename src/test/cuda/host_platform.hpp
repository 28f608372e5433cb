// platform.cuh for the host: the kernels' own sources, compiled as C++, on the fibers of the shim.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "fibers.hpp"

#define CLIPKL_DEVICE inline
#define CLIPKL_SWEEP inline
#define CLIPKL_KERNEL static void
#define CLIPKL_STREAMING_KERNEL static void
#define CLIPKL_LAUNCH_PARAMETER const

struct alignas(16) float4 {
  float x, y, z, w;
};

struct alignas(16) double2 {
  double x, y;
};

struct alignas(8) uint2 {
  unsigned x, y;
};

inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

inline float __int_as_float(int bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

inline int __float_as_int(float x) {
  int bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline int min(int a, int b) { return a < b ? a : b; }

using std::isnan;

namespace clipkl {

inline int threadIndex() { return shim::current->thread; }
inline int blockIndex() { return shim::current->block->index; }
inline char* sharedMemory() { return shim::current->block->shared; }

inline int opaque(int x) { return x; }

inline void blockBarrier(int line = __builtin_LINE()) { shim::blockBarrier(line); }

template <int N>
void shuffleDown(const double (&values)[N], int delta, double (&result)[N],
                 int line = __builtin_LINE()) {
  const double(*lanes)[shim::EXCHANGED] = shim::exchange(values, N, line);
  int lane = threadIndex() & 31;
  int from = lane + delta < 32 ? lane + delta : lane;
  for (int i = 0; i < N; i++) {
    result[i] = lanes[from][i];
  }
}

template <int N>
void shuffleFromFirst(double value, double (&result)[N], int line = __builtin_LINE()) {
  const double(*lanes)[shim::EXCHANGED] = shim::exchange(&value, 1, line);
  for (int i = 0; i < N; i++) {
    result[i] = lanes[i][0];
  }
}

inline int takeTicket(int* next) { return (*next)++; }

inline int clusterRank() { return shim::current->block->rank; }
inline int clusterRanks() { return shim::current->block->cluster->ranks; }
inline void clusterBarrier(int line = __builtin_LINE()) { shim::clusterBarrier(line); }

template <class T>
T* ofRank(T* address, int rank) {
  return reinterpret_cast<T*>(shim::ofRank(reinterpret_cast<char*>(address), rank));
}

}  // namespace clipkl
