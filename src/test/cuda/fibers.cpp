#include "fibers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace shim {

Fiber* current = nullptr;

namespace {

constexpr size_t STACK_BYTES = 64 << 10;

/// Bytes behind a block's shared memory that no thread may write.
constexpr size_t FENCE_BYTES = 256;
constexpr unsigned char FENCE = 0xA5;

/// Shared memory begins as NaN: nothing may count on zeros.
constexpr unsigned char UNINITIALIZED = 0xFF;

const Launch* running = nullptr;
std::string failure;

/// Stacks outlive a launch, since most launches have the same shape.
class Stacks {
 public:
  char* get(size_t index) {
    while (stacks.size() <= index) {
      void* memory = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) {
        return nullptr;
      }
      stacks.push_back(static_cast<char*>(memory));
    }
    return stacks[index];
  }

 private:
  std::vector<char*> stacks;
};

Stacks stacks;

void body();

#if defined(__x86_64__)

/// The scheduler's own stack while a fiber runs.
void* schedulerPointer;

extern "C" void clipkl_switch_stack(void** save, void* to);

asm(R"(
.text
.hidden clipkl_switch_stack
.globl clipkl_switch_stack
.type clipkl_switch_stack, @function
clipkl_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size clipkl_switch_stack, .-clipkl_switch_stack
)");

void prepare(Fiber& fiber, char* stack) {
  // Six registers, the entry point, and a return address that is never used: at the entry the
  // stack pointer is 8 below a multiple of 16, as after a call.
  void** top = reinterpret_cast<void**>(stack + STACK_BYTES - 64);
  std::memset(top - 6, 0, 8 * sizeof(void*));
  top[0] = reinterpret_cast<void*>(&body);
  fiber.stackPointer = top - 6;
}

void enter(Fiber& fiber) { clipkl_switch_stack(&schedulerPointer, fiber.stackPointer); }

void leave(Fiber& fiber) { clipkl_switch_stack(&fiber.stackPointer, schedulerPointer); }

#else

ucontext_t schedulerContext;
std::vector<std::unique_ptr<ucontext_t>> contexts;

void prepare(Fiber& fiber, char* stack) {
  contexts.push_back(std::make_unique<ucontext_t>());
  ucontext_t* context = contexts.back().get();
  getcontext(context);
  context->uc_stack.ss_sp = stack;
  context->uc_stack.ss_size = STACK_BYTES;
  context->uc_link = nullptr;
  makecontext(context, &body, 0);
  fiber.stackPointer = context;
}

void enter(Fiber& fiber) {
  swapcontext(&schedulerContext, static_cast<ucontext_t*>(fiber.stackPointer));
}

void leave(Fiber& fiber) {
  swapcontext(static_cast<ucontext_t*>(fiber.stackPointer), &schedulerContext);
}

#endif

void body() {
  running->kernel(running->arguments);
  current->ended = true;
  leave(*current);
}

std::string describe(const Fiber& fiber) {
  std::string place = "thread " + std::to_string(fiber.thread) + " of block " +
                      std::to_string(fiber.block->index);
  return fiber.ended ? place + " has ended"
                     : place + " waits at line " + std::to_string(fiber.waitsLine);
}

/// Waits until all of the meeting's threads have arrived.
void meet(Meeting& meeting, int line) {
  Fiber& self = *current;
  if (meeting.arrived == 0) {
    meeting.line = line;
  } else if (meeting.line != line && failure.empty()) {
    failure = "threads meet at different lines: " + std::to_string(meeting.line) + ", but thread " +
              std::to_string(self.thread) + " of block " + std::to_string(self.block->index) +
              " at " + std::to_string(line);
  }
  if (!failure.empty()) {
    leave(self);
  }
  if (++meeting.arrived == meeting.size) {
    meeting.arrived = 0;
    meeting.generation++;
    return;
  }
  self.waitsAt = &meeting;
  self.waitsSince = meeting.generation;
  self.waitsLine = line;
  leave(self);
  self.waitsAt = nullptr;
}

class Random {
 public:
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}

  uint64_t below(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % bound;
  }

 private:
  uint64_t state;
};

class Scheduler {
 public:
  Scheduler(const Launch& theLaunch, const Schedule& theSchedule)
      : launch(theLaunch), schedule(theSchedule), random(theSchedule.seed) {}

  std::string run() {
    if (!prepareBlocks()) {
      return "no memory for the threads' stacks";
    }
    running = &launch;
    failure.clear();
    bool progress = true;
    while (progress && failure.empty()) {
      progress = false;
      arrange(warpOrder);
      for (int warp : warpOrder) {
        while (failure.empty() && runWarp(warp)) {
          progress = true;
        }
      }
    }
    if (failure.empty()) {
      reportWaiting();
    }
    if (failure.empty()) {
      checkFences();
    }
    return failure;
  }

 private:
  bool prepareBlocks() {
    int warpsOfBlock = launch.threads / 32;
    size_t bytes = (launch.sharedBytes + 127) / 128 * 128 + FENCE_BYTES;
    memory.resize(bytes * launch.blocks + 128);
    char* aligned = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory.data()) + 127) /
                                            128 * 128);
    clusters.resize(launch.blocks / launch.ranks);
    for (size_t c = 0; c < clusters.size(); c++) {
      Cluster& cluster = clusters[c];
      cluster.ranks = launch.ranks;
      cluster.meeting.size = launch.ranks * launch.threads;
      cluster.blocks.resize(launch.ranks);
      for (int rank = 0; rank < launch.ranks; rank++) {
        Block& block = cluster.blocks[rank];
        block.index = int(c) * launch.ranks + rank;
        block.rank = rank;
        block.cluster = &cluster;
        block.shared = aligned + bytes * block.index;
        std::memset(block.shared, UNINITIALIZED, launch.sharedBytes);
        std::memset(block.shared + launch.sharedBytes, FENCE, FENCE_BYTES);
        block.meeting.size = launch.threads;
        block.warps.resize(warpsOfBlock);
        block.fibers.resize(launch.threads);
        for (int thread = 0; thread < launch.threads; thread++) {
          char* stack = stacks.get(size_t(block.index) * launch.threads + thread);
          if (stack == nullptr) {
            return false;
          }
          block.fibers[thread].thread = thread;
          block.fibers[thread].block = &block;
          prepare(block.fibers[thread], stack);
        }
        for (int warp = 0; warp < warpsOfBlock; warp++) {
          block.warps[warp].meeting.size = 32;
          warps.push_back(&block.fibers[warp * 32]);
        }
      }
    }
    warpOrder.resize(warps.size());
    std::iota(warpOrder.begin(), warpOrder.end(), 0);
    laneOrder.resize(32);
    std::iota(laneOrder.begin(), laneOrder.end(), 0);
    if (schedule.order == Order::BACKWARD) {
      std::reverse(warpOrder.begin(), warpOrder.end());
      std::reverse(laneOrder.begin(), laneOrder.end());
    }
    return true;
  }

  void arrange(std::vector<int>& order) {
    if (schedule.order == Order::RANDOM) {
      for (size_t i = order.size() - 1; i > 0; i--) {
        std::swap(order[i], order[random.below(i + 1)]);
      }
    }
  }

  /// Lets each lane run to its next meeting.
  ///
  /// @return whether any could
  bool runWarp(int warp) {
    bool progress = false;
    arrange(laneOrder);
    for (int lane : laneOrder) {
      Fiber& fiber = warps[warp][lane];
      bool waits = fiber.waitsAt != nullptr && fiber.waitsAt->generation == fiber.waitsSince;
      if (!fiber.ended && !waits && failure.empty()) {
        current = &fiber;
        enter(fiber);
        progress = true;
      }
    }
    return progress;
  }

  void reportWaiting() {
    const Fiber* waiting = nullptr;
    const Fiber* other = nullptr;
    for (const Fiber* warp : warps) {
      for (int lane = 0; lane < 32; lane++) {
        const Fiber& fiber = warp[lane];
        if (!fiber.ended && waiting == nullptr) {
          waiting = &fiber;
        }
      }
    }
    for (const Fiber* warp : warps) {
      for (int lane = 0; waiting != nullptr && lane < 32; lane++) {
        const Fiber& fiber = warp[lane];
        if (fiber.ended || fiber.waitsAt != waiting->waitsAt) {
          other = &fiber;
        }
      }
    }
    if (waiting != nullptr) {
      failure = "threads wait for each other: " + describe(*waiting) +
                (other != nullptr ? ", " + describe(*other) : "");
    }
  }

  void checkFences() {
    for (const Cluster& cluster : clusters) {
      for (const Block& block : cluster.blocks) {
        for (size_t i = 0; i < FENCE_BYTES; i++) {
          if (static_cast<unsigned char>(block.shared[launch.sharedBytes + i]) != FENCE) {
            failure = "block " + std::to_string(block.index) + " wrote " + std::to_string(i) +
                      " bytes behind its shared memory";
            return;
          }
        }
      }
    }
  }

  const Launch& launch;
  Schedule schedule;
  Random random;
  std::vector<char> memory;
  std::vector<Cluster> clusters;
  std::vector<Fiber*> warps;
  std::vector<int> warpOrder;
  std::vector<int> laneOrder;
};

}  // namespace

void blockBarrier(int line) { meet(current->block->meeting, line); }

void clusterBarrier(int line) { meet(current->block->cluster->meeting, line); }

const double (*exchange(const double* values, int count, int line))[EXCHANGED] {
  Fiber& self = *current;
  Warp& warp = self.block->warps[self.thread / 32];
  // Two buffers: who is ahead writes into the one that nobody still reads.
  auto& lanes = warp.values[self.exchanges++ & 1];
  std::copy(values, values + count, lanes[self.thread % 32]);
  meet(warp.meeting, line);
  return lanes;
}

char* ofRank(char* address, int rank) {
  Block& self = *current->block;
  return self.cluster->blocks[rank].shared + (address - self.shared);
}

std::string run(const Launch& launch, const Schedule& schedule) {
#if !defined(__x86_64__)
  contexts.clear();
#endif
  return Scheduler(launch, schedule).run();
}

}  // namespace shim
