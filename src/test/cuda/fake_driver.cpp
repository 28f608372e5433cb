// A libcuda.so.1 without a GPU: the driver's functions that the engine calls, over host memory and
// the shim's fibers. What it pretends to be is read from the environment at every cuInit:
//
//   CLIPKL_FAKE_DEVICES     number of devices, 1 when not set
//   CLIPKL_FAKE_CAPABILITY  compute capability, 9.0 when not set
//   CLIPKL_FAKE_MEMORY      bytes of device memory, 4 GiB when not set
//   CLIPKL_FAKE_FAIL        function[:code]: that function returns the code, 1 when not given
//   CLIPKL_FAKE_SCHEDULE    forward, backward, or a number that seeds a random order
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "fake_memory.hpp"
#include "fake_streams.hpp"
#include "fibers.hpp"
#include "host_modules.hpp"
#include "rows_parameters.cuh"

#define DRIVER extern "C" __attribute__((visibility("default")))

namespace {

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

struct Function {
  const shim::Kernel* kernel;
  size_t sharedBytes;
  bool allowsLargeClusters;
};

struct LoadedModule {
  std::map<std::string, Function> functions;
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

Device device;
std::recursive_mutex lock;

constexpr size_t WARP_SIZE = 32;
constexpr int MULTIPROCESSORS = 2;
constexpr size_t DEFAULT_SHARED_BYTES = 48 << 10;
constexpr int PORTABLE_CLUSTER = 8;

size_t largestSharedBytes() {
  if (device.major >= 9) {
    return device.major == 12 ? 99 << 10 : 227 << 10;
  }
  return device.major == 8 && device.minor == 0 ? 163 << 10 : 99 << 10;
}

const char* environment(const char* name) { return std::getenv(name); }

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

/// What a call returns before it does anything.
int begin(const char* function) {
  if (device.failing == function) {
    return device.failingCode;
  }
  return device.isInitialized ? device.sticky : NOT_INITIALIZED;
}

#define BEGIN                                              \
  std::lock_guard<std::recursive_mutex> guard(lock);       \
  if (int result = begin(__func__); result != SUCCESS) {   \
    return result;                                         \
  }

void fail(int code, const std::string& reason) {
  std::fprintf(stderr, "fake CUDA driver: %s\n", reason.c_str());
  if (device.sticky == SUCCESS) {
    device.sticky = code;
  }
}

/// A kernel's launch, checked as CUDA checks it, then put into its stream.
int launch(Function* function, const unsigned* grid, const unsigned* block, int ranks,
           size_t sharedBytes, fake::Stream* stream, void** arguments) {
  bool isRowShaped = grid[1] == 1 && grid[2] == 1 && block[1] == 1 && block[2] == 1;
  if (!isRowShaped || grid[0] == 0 || block[0] == 0 || block[0] > clipkl::THREADS ||
      block[0] % WARP_SIZE != 0 || ranks < 1 || grid[0] % ranks != 0 ||
      ranks > (function->allowsLargeClusters ? clipkl::MOST_RANKS : PORTABLE_CLUSTER) ||
      (ranks > 1 && device.major < 9) || sharedBytes > function->sharedBytes ||
      !device.streams.has(stream)) {
    return INVALID_VALUE;
  }
  std::vector<std::vector<char>> copies;
  for (size_t i = 0; i < function->kernel->parameterBytes.size(); i++) {
    const char* argument = static_cast<const char*>(arguments[i]);
    copies.emplace_back(argument, argument + function->kernel->parameterBytes[i]);
  }
  shim::Launch shape;
  shape.blocks = int(grid[0]);
  shape.threads = int(block[0]);
  shape.ranks = ranks;
  shape.sharedBytes = sharedBytes;
  shape.kernel = function->kernel->run;
  device.streams.add(stream, [shape, copies, name = function->kernel->name]() mutable {
    if (device.sticky != SUCCESS) {
      return;
    }
    std::vector<void*> pointers;
    for (auto& copy : copies) {
      pointers.push_back(copy.data());
    }
    shape.arguments = pointers.data();
    std::string failure = shim::run(shape, device.schedule);
    if (!failure.empty()) {
      fail(LAUNCH_FAILED, name + ": " + failure);
    }
    std::string damage = device.memory.damage();
    if (!damage.empty()) {
      fail(ILLEGAL_ADDRESS, name + ": " + damage);
    }
  });
  return SUCCESS;
}

int copyAsync(void* to, const void* from, size_t bytes, uintptr_t onDevice, const void* onHost,
              fake::Stream* stream) {
  if (!device.streams.has(stream) || !device.memory.contains(onDevice, bytes)) {
    return INVALID_VALUE;
  }
  if (!device.pinned.contains(reinterpret_cast<uintptr_t>(onHost), bytes)) {
    // From pageable memory CUDA copies before it returns, after the stream's work.
    device.streams.finish(stream);
    std::memcpy(to, from, bytes);
    return device.sticky;
  }
  device.streams.add(stream, [to, from, bytes] { std::memcpy(to, from, bytes); });
  return SUCCESS;
}

}  // namespace

DRIVER int cuInit(unsigned flags) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  readEnvironment();
  if (device.failing == "cuInit") {
    return device.failingCode;
  }
  device.isInitialized = true;
  device.sticky = SUCCESS;
  return flags != 0 ? INVALID_VALUE : device.count == 0 ? NO_DEVICE : SUCCESS;
}

DRIVER int cuDriverGetVersion(int* version) {
  if (device.failing == __func__) {
    return device.failingCode;
  }
  *version = 12080;
  return SUCCESS;
}

DRIVER int cuDeviceGetCount(int* count) {
  BEGIN
  *count = device.count;
  return SUCCESS;
}

DRIVER int cuDeviceGet(int* handle, int ordinal) {
  BEGIN
  if (ordinal < 0 || ordinal >= device.count) {
    return INVALID_DEVICE;
  }
  *handle = ordinal;
  return SUCCESS;
}

DRIVER int cuDeviceGetName(char* name, int length, int) {
  BEGIN
  std::snprintf(name, size_t(length), "Host shim %d.%d", device.major, device.minor);
  return SUCCESS;
}

DRIVER int cuDeviceGetAttribute(int* value, int attribute, int) {
  BEGIN
  switch (attribute) {
    case 1:  // MAX_THREADS_PER_BLOCK
      *value = 1024;
      return SUCCESS;
    case 8:  // MAX_SHARED_MEMORY_PER_BLOCK
      *value = int(DEFAULT_SHARED_BYTES);
      return SUCCESS;
    case 10:  // WARP_SIZE
      *value = int(WARP_SIZE);
      return SUCCESS;
    case 16:  // MULTIPROCESSOR_COUNT
      *value = MULTIPROCESSORS;
      return SUCCESS;
    case 41:  // UNIFIED_ADDRESSING
      *value = 1;
      return SUCCESS;
    case 75:  // COMPUTE_CAPABILITY_MAJOR
      *value = device.major;
      return SUCCESS;
    case 76:  // COMPUTE_CAPABILITY_MINOR
      *value = device.minor;
      return SUCCESS;
    case 81:  // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
      *value = int(largestSharedBytes() + 1024);
      return SUCCESS;
    case 97:  // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
      *value = int(largestSharedBytes());
      return SUCCESS;
    case 120:  // CLUSTER_LAUNCH
      *value = device.major >= 9 ? 1 : 0;
      return SUCCESS;
    default:
      std::fprintf(stderr, "fake CUDA driver: attribute %d is not known\n", attribute);
      return INVALID_VALUE;
  }
}

DRIVER int cuDeviceTotalMem_v2(size_t* bytes, int) {
  BEGIN
  *bytes = device.bytes;
  return SUCCESS;
}

DRIVER int cuDevicePrimaryCtxRetain(void** context, int) {
  BEGIN
  device.retained++;
  *context = &device;
  return SUCCESS;
}

DRIVER int cuDevicePrimaryCtxRelease_v2(int) {
  BEGIN
  if (device.retained == 0) {
    return INVALID_CONTEXT;
  }
  device.retained--;
  return SUCCESS;
}

DRIVER int cuCtxSetCurrent(void*) {
  BEGIN
  return SUCCESS;
}

DRIVER int cuCtxSynchronize() {
  BEGIN
  device.streams.finishAll();
  return device.sticky;
}

DRIVER int cuMemGetInfo_v2(size_t* free, size_t* total) {
  BEGIN
  *total = device.bytes;
  *free = device.bytes - std::min(device.bytes, device.memory.used());
  return SUCCESS;
}

DRIVER int cuMemAlloc_v2(uintptr_t* address, size_t bytes) {
  BEGIN
  if (bytes == 0) {
    return INVALID_VALUE;
  }
  bool fits = bytes <= device.bytes && device.memory.used() <= device.bytes - bytes;
  *address = fits ? device.memory.allocate(bytes) : 0;
  return *address != 0 ? SUCCESS : OUT_OF_MEMORY;
}

DRIVER int cuMemFree_v2(uintptr_t address) {
  BEGIN
  device.streams.finishAll();
  return address == 0 || device.memory.free(address) ? device.sticky : INVALID_VALUE;
}

DRIVER int cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  BEGIN
  *address = reinterpret_cast<void*>(device.pinned.allocate(bytes));
  return *address != nullptr ? SUCCESS : OUT_OF_MEMORY;
}

DRIVER int cuMemFreeHost(void* address) {
  BEGIN
  device.streams.finishAll();
  return device.pinned.free(reinterpret_cast<uintptr_t>(address)) ? SUCCESS : INVALID_VALUE;
}

DRIVER int cuMemcpyHtoDAsync_v2(uintptr_t to, const void* from, size_t bytes,
                                fake::Stream* stream) {
  BEGIN
  return copyAsync(reinterpret_cast<void*>(to), from, bytes, to, from, stream);
}

DRIVER int cuMemcpyDtoHAsync_v2(void* to, uintptr_t from, size_t bytes, fake::Stream* stream) {
  BEGIN
  return copyAsync(to, reinterpret_cast<const void*>(from), bytes, from, to, stream);
}

DRIVER int cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, fake::Stream* stream) {
  BEGIN
  if (!device.streams.has(stream) || !device.memory.contains(to, bytes) ||
      !device.memory.contains(from, bytes)) {
    return INVALID_VALUE;
  }
  device.streams.add(stream, [to, from, bytes] {
    std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
  });
  return SUCCESS;
}

/// CUDA_MEMCPY2D.
struct Copy2D {
  size_t fromX, fromY;
  unsigned fromType;
  const void* fromHost;
  uintptr_t fromDevice;
  void* fromArray;
  size_t fromPitch;
  size_t toX, toY;
  unsigned toType;
  void* toHost;
  uintptr_t toDevice;
  void* toArray;
  size_t toPitch;
  size_t width;
  size_t height;
};

DRIVER int cuMemcpy2DAsync_v2(const Copy2D* copy, fake::Stream* stream) {
  BEGIN
  constexpr unsigned HOST = 1;
  constexpr unsigned DEVICE = 2;
  if (copy->fromType < HOST || copy->fromType > DEVICE || copy->toType < HOST ||
      copy->toType > DEVICE) {
    return INVALID_VALUE;
  }
  const char* from = copy->fromType == HOST ? static_cast<const char*>(copy->fromHost)
                                            : reinterpret_cast<const char*>(copy->fromDevice);
  char* to = copy->toType == HOST ? static_cast<char*>(copy->toHost)
                                  : reinterpret_cast<char*>(copy->toDevice);
  from += copy->fromY * copy->fromPitch + copy->fromX;
  to += copy->toY * copy->toPitch + copy->toX;
  for (size_t row = 0; row < copy->height; row++) {
    const char* source = from + row * copy->fromPitch;
    char* target = to + row * copy->toPitch;
    int result;
    if (copy->fromType == DEVICE && copy->toType == DEVICE) {
      result = cuMemcpyDtoDAsync_v2(reinterpret_cast<uintptr_t>(target),
                                    reinterpret_cast<uintptr_t>(source), copy->width, stream);
    } else if (copy->toType == DEVICE) {
      result = copyAsync(target, source, copy->width, reinterpret_cast<uintptr_t>(target), source,
                         stream);
    } else {
      result = copyAsync(target, source, copy->width, reinterpret_cast<uintptr_t>(source), target,
                         stream);
    }
    if (result != SUCCESS) {
      return result;
    }
  }
  return SUCCESS;
}

DRIVER int cuMemsetD8Async(uintptr_t address, unsigned char value, size_t bytes,
                           fake::Stream* stream) {
  BEGIN
  if (!device.streams.has(stream) || !device.memory.contains(address, bytes)) {
    return INVALID_VALUE;
  }
  device.streams.add(stream, [address, value, bytes] {
    std::memset(reinterpret_cast<void*>(address), value, bytes);
  });
  return SUCCESS;
}

DRIVER int cuStreamCreate(fake::Stream** stream, unsigned) {
  BEGIN
  *stream = device.streams.create();
  return SUCCESS;
}

DRIVER int cuStreamDestroy_v2(fake::Stream* stream) {
  BEGIN
  if (!device.streams.has(stream)) {
    return INVALID_VALUE;
  }
  device.streams.destroy(stream);
  return SUCCESS;
}

DRIVER int cuStreamSynchronize(fake::Stream* stream) {
  BEGIN
  if (!device.streams.has(stream)) {
    return INVALID_VALUE;
  }
  device.streams.finish(stream);
  return device.sticky;
}

DRIVER int cuStreamWaitEvent(fake::Stream* stream, fake::Event* event, unsigned) {
  BEGIN
  if (!device.streams.has(stream)) {
    return INVALID_VALUE;
  }
  device.streams.await(stream, event);
  return SUCCESS;
}

DRIVER int cuEventCreate(fake::Event** event, unsigned) {
  BEGIN
  *event = new fake::Event();
  return SUCCESS;
}

DRIVER int cuEventDestroy_v2(fake::Event* event) {
  BEGIN
  device.streams.finish(event);
  delete event;
  return SUCCESS;
}

DRIVER int cuEventRecord(fake::Event* event, fake::Stream* stream) {
  BEGIN
  if (!device.streams.has(stream)) {
    return INVALID_VALUE;
  }
  device.streams.record(event, stream);
  return SUCCESS;
}

DRIVER int cuEventSynchronize(fake::Event* event) {
  BEGIN
  device.streams.finish(event);
  return device.sticky;
}

DRIVER int cuEventElapsedTime(float* milliseconds, fake::Event* start, fake::Event* end) {
  BEGIN
  device.streams.finish(end);
  *milliseconds = float(end->milliseconds - start->milliseconds);
  return device.sticky;
}

/// The kernels of the divergence that the first line of the PTX names.
DRIVER int cuModuleLoadDataEx(LoadedModule** loaded, const void* image, unsigned, int*, void**) {
  BEGIN
  char divergence[32] = {};
  int capability = 0;
  if (std::sscanf(static_cast<const char*>(image), "// clipkl %31s sm_%d", divergence,
                  &capability) != 2) {
    return INVALID_PTX;
  }
  const shim::Module* module = shim::findModule(divergence);
  if (module == nullptr) {
    return INVALID_PTX;
  }
  if (capability > device.major * 10 + device.minor) {
    return NO_BINARY_FOR_GPU;
  }
  *loaded = new LoadedModule();
  for (const shim::Kernel& kernel : *module) {
    if (kernel.target == capability) {
      (*loaded)->functions[kernel.name] = {&kernel, DEFAULT_SHARED_BYTES, false};
    }
  }
  return SUCCESS;
}

DRIVER int cuModuleUnload(LoadedModule* module) {
  BEGIN
  device.streams.finishAll();
  delete module;
  return SUCCESS;
}

DRIVER int cuModuleGetFunction(Function** function, LoadedModule* module, const char* name) {
  BEGIN
  auto found = module->functions.find(name);
  if (found == module->functions.end()) {
    return NOT_FOUND;
  }
  *function = &found->second;
  return SUCCESS;
}

DRIVER int cuFuncSetAttribute(Function* function, int attribute, int value) {
  BEGIN
  switch (attribute) {
    case 8:  // MAX_DYNAMIC_SHARED_SIZE_BYTES
      if (value < 0 || size_t(value) > largestSharedBytes()) {
        return INVALID_VALUE;
      }
      function->sharedBytes = size_t(value);
      return SUCCESS;
    case 9:  // PREFERRED_SHARED_MEMORY_CARVEOUT
      return SUCCESS;
    case 14:  // NON_PORTABLE_CLUSTER_SIZE_ALLOWED
      function->allowsLargeClusters = value != 0;
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}

DRIVER int cuFuncGetAttribute(int* value, int attribute, Function* function) {
  BEGIN
  switch (attribute) {
    case 0:  // MAX_THREADS_PER_BLOCK
      *value = clipkl::THREADS;
      return SUCCESS;
    case 1:  // SHARED_SIZE_BYTES
    case 3:  // LOCAL_SIZE_BYTES
      *value = 0;
      return SUCCESS;
    case 4:  // NUM_REGS
      *value = 64;
      return SUCCESS;
    case 8:  // MAX_DYNAMIC_SHARED_SIZE_BYTES
      *value = int(function->sharedBytes);
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}

DRIVER int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function*, int threads,
                                                       size_t sharedBytes) {
  BEGIN
  bool fits = threads <= 1024 && sharedBytes <= largestSharedBytes();
  *blocks = !fits ? 0 : sharedBytes * 2 <= largestSharedBytes() ? 2 : 1;
  return SUCCESS;
}

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid[3];
  unsigned block[3];
  unsigned sharedBytes;
  fake::Stream* stream;
  const struct Attribute {
    unsigned id;
    char padding[4];
    union {
      unsigned cluster[3];
      char bytes[64];
    };
  }* attributes;
  unsigned attributeCount;
};

static int ranksOf(const LaunchConfig* config) {
  constexpr unsigned CLUSTER_DIMENSION = 4;
  int ranks = 1;
  for (unsigned i = 0; i < config->attributeCount; i++) {
    if (config->attributes[i].id == CLUSTER_DIMENSION) {
      const unsigned* cluster = config->attributes[i].cluster;
      ranks = cluster[1] == 1 && cluster[2] == 1 ? int(cluster[0]) : 0;
    }
  }
  return ranks;
}

DRIVER int cuOccupancyMaxActiveClusters(int* clusters, Function* function,
                                        const LaunchConfig* config) {
  BEGIN
  int ranks = ranksOf(config);
  bool fits = device.major >= 9 && ranks >= 1 &&
              ranks <= (function->allowsLargeClusters ? clipkl::MOST_RANKS : PORTABLE_CLUSTER) &&
              config->sharedBytes <= largestSharedBytes();
  *clusters = fits ? 2 : 0;
  return SUCCESS;
}

DRIVER int cuLaunchKernelEx(const LaunchConfig* config, Function* function, void** arguments,
                            void**) {
  BEGIN
  return launch(function, config->grid, config->block, ranksOf(config), config->sharedBytes,
                config->stream, arguments);
}

DRIVER int cuLaunchKernel(Function* function, unsigned gridX, unsigned gridY, unsigned gridZ,
                          unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                          fake::Stream* stream, void** arguments, void**) {
  BEGIN
  unsigned grid[3] = {gridX, gridY, gridZ};
  unsigned block[3] = {blockX, blockY, blockZ};
  return launch(function, grid, block, 1, sharedBytes, stream, arguments);
}

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
