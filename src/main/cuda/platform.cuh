// The machine below the kernels: CUDA's own, or the host shim of the tests.
#pragma once

#include "rows_parameters.cuh"

#ifdef CLIPKL_HOST
#include "host_platform.hpp"
#else

#define CLIPKL_DEVICE __device__ __forceinline__
/// A loop over the row is a function of its own: PTX stays small, and each has its own registers.
#define CLIPKL_SWEEP __device__ __noinline__
#define CLIPKL_KERNEL extern "C" __global__ void __launch_bounds__(clipkl::THREADS)
#define CLIPKL_STREAMING_KERNEL extern "C" __global__ void __launch_bounds__(clipkl::THREADS, 2)
/// No __grid_constant__: taking its address needs PTX 7.7. The copy is read outside the loops alone.
#define CLIPKL_LAUNCH_PARAMETER const

namespace clipkl {

CLIPKL_DEVICE int threadIndex() { return threadIdx.x; }
CLIPKL_DEVICE int blockIndex() { return blockIdx.x; }

CLIPKL_DEVICE char* sharedMemory() {
  extern __shared__ __align__(128) char memory[];
  return memory;
}

/// The same number, of which the compiler knows nothing: it does not copy a loop for each value.
CLIPKL_DEVICE int opaque(int x) {
  asm volatile("" : "+r"(x));
  return x;
}

/// All threads of the block: what they wrote before it is seen by all after it.
CLIPKL_DEVICE void blockBarrier() { __syncthreads(); }

/// The value of the lane that is `delta` above, for all 32 lanes together.
template <int N>
CLIPKL_DEVICE void shuffleDown(const double (&values)[N], int delta, double (&result)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) {
    result[i] = __shfl_down_sync(0xffffffffu, values[i], delta);
  }
}

/// result[i] is lane i's value, for all 32 lanes together.
template <int N>
CLIPKL_DEVICE void shuffleFromFirst(double value, double (&result)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) {
    result[i] = __shfl_sync(0xffffffffu, value, i);
  }
}

/// Takes a number; each is taken once.
CLIPKL_DEVICE int takeTicket(int* next) { return atomicAdd(next, 1); }

// Blocks of a cluster: modules for compute_90 alone call these.

CLIPKL_DEVICE int clusterRank() {
  int rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

CLIPKL_DEVICE int clusterRanks() {
  int ranks;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(ranks));
  return ranks;
}

/// All threads of all blocks of the cluster; stores into each other's shared memory are seen.
CLIPKL_DEVICE void clusterBarrier() {
  // Release and acquire, by default.
  asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
  asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
}

/// Where the block of this rank has what `address` is in this block's shared memory.
template <class T>
CLIPKL_DEVICE T* ofRank(T* address, int rank) {
  T* result;
  asm volatile("mapa.u64 %0, %1, %2;" : "=l"(result) : "l"(address), "r"(rank));
  return result;
}

}  // namespace clipkl

#endif
