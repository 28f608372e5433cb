// The fake driver's device: what it pretends to be, and what its calls share.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>

#include "fake_memory.hpp"
#include "fake_streams.hpp"
#include "fibers.hpp"

#define DRIVER extern "C" __attribute__((visibility("default")))

namespace fake {

enum Result {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201,
  INVALID_PTX = 218,
  NO_BINARY_FOR_GPU = 209,
  NOT_FOUND = 500,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_FAILED = 719
};

struct Device {
  bool isInitialized = false;
  int count = 1;
  int major = 9;
  int minor = 0;
  size_t bytes = size_t(4) << 30;
  std::string failing;
  int failingCode = INVALID_VALUE;
  shim::Schedule schedule;
  fake::Memory memory;
  fake::Memory pinned;
  fake::Streams streams;
  int retained = 0;
  int sticky = SUCCESS;  ///< a failed kernel makes the context unusable, as CUDA does
};

extern Device device;
extern std::recursive_mutex lock;

size_t largestSharedBytes();

/// Takes what the device is to be from the environment.
void readEnvironment();

/// What a call returns before it does anything.
int begin(const char* function);

/// A kernel has failed.
void fail(int code, const std::string& reason);

constexpr size_t WARP_SIZE = 32;
constexpr int MULTIPROCESSORS = 2;
constexpr size_t DEFAULT_SHARED_BYTES = 48 << 10;
constexpr int PORTABLE_CLUSTER = 8;

}  // namespace fake

/// Every call but the first: one at a time, and none after a failure.
#define BEGIN                                              \
  std::lock_guard<std::recursive_mutex> guard(fake::lock);       \
  if (int result = fake::begin(__func__); result != fake::SUCCESS) {   \
    return result;                                         \
  }
