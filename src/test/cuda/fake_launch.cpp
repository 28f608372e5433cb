// Modules, functions and launches of the fake driver.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "fake_device.hpp"
#include "host_modules.hpp"
#include "rows_parameters.cuh"

using namespace fake;

namespace {

struct Function {
  const shim::Kernel* kernel;
  size_t sharedBytes;
  bool allowsLargeClusters;
};

struct LoadedModule {
  std::map<std::string, Function> functions;
};

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

}  // namespace

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
