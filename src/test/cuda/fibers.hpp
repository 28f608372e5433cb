// CUDA's threads as fibers: blocks, warps, clusters, and the barriers that hold them together.
//
// One operating-system thread runs them all, in an order that a schedule fixes: warps forward,
// backward or at random, each as far as it can go, so that a missing barrier shows as a wrong
// result under at least one of them. Threads that wait at different barriers, or wait for one that
// has ended, are reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace shim {

/// Most numbers that one exchange between lanes carries.
constexpr int EXCHANGED = 16;

struct Block;
struct Cluster;

/// A meeting of `size` threads.
struct Meeting {
  int size = 0;
  int arrived = 0;
  int line = 0;  ///< where the first of them arrived
  uint64_t generation = 0;
};

struct Warp {
  Meeting meeting;
  double values[2][32][EXCHANGED];
};

struct Fiber {
  void* stackPointer = nullptr;
  int thread = 0;  ///< within the block
  Block* block = nullptr;
  Meeting* waitsAt = nullptr;
  uint64_t waitsSince = 0;
  int waitsLine = 0;
  int exchanges = 0;
  bool ended = false;
};

struct Block {
  int index = 0;
  int rank = 0;
  char* shared = nullptr;
  Cluster* cluster = nullptr;
  Meeting meeting;
  std::vector<Warp> warps;
  std::vector<Fiber> fibers;
};

struct Cluster {
  int ranks = 0;
  Meeting meeting;
  std::vector<Block> blocks;
};

extern Fiber* current;

void blockBarrier(int line);
void clusterBarrier(int line);

/// All lanes of the warp show each other `count` values.
const double (*exchange(const double* values, int count, int line))[EXCHANGED];

/// Where another block of the cluster has what this block has at `address`.
char* ofRank(char* address, int rank);

enum class Order { FORWARD, BACKWARD, RANDOM };

struct Schedule {
  Order order = Order::FORWARD;
  uint64_t seed = 1;
};

struct Launch {
  int blocks = 1;
  int threads = 1;
  int ranks = 1;  ///< blocks of a cluster
  size_t sharedBytes = 0;
  void (*kernel)(void** arguments) = nullptr;
  void** arguments = nullptr;
};

/// Runs a kernel to its end.
///
/// @return what went wrong, or an empty string
std::string run(const Launch& launch, const Schedule& schedule);

}  // namespace shim
