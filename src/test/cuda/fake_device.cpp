#include "fake_device.hpp"

#include <cstdio>
#include <cstdlib>

namespace fake {

Device device;
std::recursive_mutex lock;

namespace {

const struct {
  int code;
  const char* name;
  const char* text;
} RESULTS[] = {{SUCCESS, "CUDA_SUCCESS", "no error"},
               {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
               {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
               {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
               {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
               {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
               {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
               {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
               {NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
                "no kernel image is available for execution on the device"},
               {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
               {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
                "an illegal memory access was encountered"},
               {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"}};

const char* environment(const char* name) { return std::getenv(name); }

}  // namespace

size_t largestSharedBytes() {
  if (device.major >= 9) {
    return device.major == 12 ? 99 << 10 : 227 << 10;
  }
  return device.major == 8 && device.minor == 0 ? 163 << 10 : 99 << 10;
}

void readEnvironment() {
  device.count = environment("CLIPKL_FAKE_DEVICES") ? std::atoi(environment("CLIPKL_FAKE_DEVICES"))
                                                    : 1;
  device.major = 9;
  device.minor = 0;
  if (const char* capability = environment("CLIPKL_FAKE_CAPABILITY")) {
    std::sscanf(capability, "%d.%d", &device.major, &device.minor);
  }
  device.bytes = size_t(4) << 30;
  if (const char* bytes = environment("CLIPKL_FAKE_MEMORY")) {
    device.bytes = std::strtoull(bytes, nullptr, 10);
  }
  device.failing.clear();
  device.failingCode = INVALID_VALUE;
  if (const char* failing = environment("CLIPKL_FAKE_FAIL")) {
    device.failing = failing;
    size_t colon = device.failing.find(':');
    if (colon != std::string::npos) {
      device.failingCode = std::atoi(device.failing.c_str() + colon + 1);
      device.failing.resize(colon);
    }
  }
  device.schedule = {};
  if (const char* schedule = environment("CLIPKL_FAKE_SCHEDULE")) {
    if (std::string(schedule) == "backward") {
      device.schedule.order = shim::Order::BACKWARD;
    } else if (std::string(schedule) != "forward") {
      device.schedule = {shim::Order::RANDOM, std::strtoull(schedule, nullptr, 10)};
    }
  }
}

int begin(const char* function) {
  if (device.failing == function) {
    return device.failingCode;
  }
  return device.isInitialized ? device.sticky : NOT_INITIALIZED;
}

void fail(int code, const std::string& reason) {
  std::fprintf(stderr, "fake CUDA driver: %s\n", reason.c_str());
  if (device.sticky == SUCCESS) {
    device.sticky = code;
  }
}

}  // namespace fake

using namespace fake;

DRIVER int cuGetErrorName(int code, const char** name) {
  for (const auto& result : RESULTS) {
    if (result.code == code) {
      *name = result.name;
      return SUCCESS;
    }
  }
  *name = nullptr;
  return INVALID_VALUE;
}

DRIVER int cuGetErrorString(int code, const char** text) {
  for (const auto& result : RESULTS) {
    if (result.code == code) {
      *text = result.text;
      return SUCCESS;
    }
  }
  *text = nullptr;
  return INVALID_VALUE;
}
