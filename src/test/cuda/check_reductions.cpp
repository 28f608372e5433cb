// Holds reductions against plain loops in the order that they promise: the trees of a warp's
// lanes, of a block's warps, and of a cluster's ranks; to the bit, in every thread, under several schedules.
#include "reductions.cuh"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {

using clipkl::THREADS;
using clipkl::WARPS;

constexpr int SUMS = 2;
constexpr int VALUES = 3;
constexpr int ROUNDS = 3;

/// [round][rank][thread][value]
using Numbers = std::vector<double>;

size_t at(int ranks, int round, int rank, int thread) {
  return ((size_t(round) * ranks + rank) * THREADS + thread) * VALUES;
}

template <bool CLUSTERED>
void kernel(void** arguments) {
  const Numbers& input = *static_cast<const Numbers*>(arguments[0]);
  Numbers& output = *static_cast<Numbers*>(arguments[1]);
  clipkl::RowGroup<CLUSTERED> group;
  // One after the other without a barrier between: slots are used again.
  for (int round = 0; round < ROUNDS; round++) {
    size_t first = at(group.ranks, round, group.rank, clipkl::threadIndex());
    double values[VALUES] = {input[first], input[first + 1], input[first + 2]};
    group.template reduce<SUMS>(values);
    std::copy(values, values + VALUES, output.begin() + first);
  }
}

/// Numbers of many sizes and both signs: another order gives another sum.
Numbers makeInput(int ranks) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  Numbers numbers(at(ranks, ROUNDS, 0, 0));
  for (double& x : numbers) {
    x = std::ldexp(uniform(random), int(random() % 60));
  }
  return numbers;
}

/// Neighbours first, then pairs of neighbours, and so on; what is missing counts as nothing.
double tree(std::vector<double> values, int value) {
  values.resize(16, value < SUMS ? 0.0 : -INFINITY);
  for (size_t apart = 1; apart < values.size(); apart *= 2) {
    for (size_t i = 0; i < values.size(); i += 2 * apart) {
      values[i] = value < SUMS ? values[i] + values[i + apart]
                               : std::max(values[i], values[i + apart]);
    }
  }
  return values[0];
}

double expectedOfBlock(const Numbers& input, int ranks, int round, int rank, int value) {
  std::vector<double> ofWarps;
  for (int warp = 0; warp < WARPS; warp++) {
    double lanes[32];
    for (int lane = 0; lane < 32; lane++) {
      lanes[lane] = input[at(ranks, round, rank, warp * 32 + lane) + value];
    }
    for (int half = 16; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        lanes[lane] = value < SUMS ? lanes[lane] + lanes[lane + half]
                                   : std::max(lanes[lane], lanes[lane + half]);
      }
    }
    ofWarps.push_back(lanes[0]);
  }
  return tree(ofWarps, value);
}

bool check(int ranks, const shim::Schedule& schedule) {
  Numbers input = makeInput(ranks);
  Numbers output(input.size(), std::nan(""));
  void* arguments[] = {&input, &output};
  shim::Launch launch;
  launch.blocks = ranks;
  launch.ranks = ranks;
  launch.threads = THREADS;
  launch.sharedBytes = clipkl::REDUCTION_BYTES;
  launch.kernel = ranks > 1 ? kernel<true> : kernel<false>;
  launch.arguments = arguments;
  std::string failure = shim::run(launch, schedule);
  if (!failure.empty()) {
    std::printf("FAILED: reduction over %d blocks: %s\n", ranks, failure.c_str());
    return false;
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int value = 0; value < VALUES; value++) {
      std::vector<double> ofRanks;
      for (int rank = 0; rank < ranks; rank++) {
        ofRanks.push_back(expectedOfBlock(input, ranks, round, rank, value));
      }
      double expected = ranks > 1 ? tree(ofRanks, value) : ofRanks[0];
      for (int rank = 0; rank < ranks; rank++) {
        for (int thread = 0; thread < THREADS; thread++) {
          double got = output[at(ranks, round, rank, thread) + value];
          if (got != expected) {
            std::printf("FAILED: reduction %d over %d blocks, thread %d of rank %d: expected %a, "
                        "got %a\n", round, ranks, thread, rank, expected, got);
            return false;
          }
        }
      }
    }
  }
  return true;
}

}  // namespace

int main() {
  using shim::Order;
  for (int ranks : {1, 2, 5, 16}) {
    for (const shim::Schedule& schedule :
         {shim::Schedule{Order::FORWARD, 0}, shim::Schedule{Order::BACKWARD, 0},
          shim::Schedule{Order::RANDOM, 1}, shim::Schedule{Order::RANDOM, 2}}) {
      if (!check(ranks, schedule)) {
        return 1;
      }
    }
  }
  std::printf("reductions: in their order, in every thread\n");
  return 0;
}
