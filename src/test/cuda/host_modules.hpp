// The kernels that are compiled into this library.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace shim {

struct Kernel {
  std::string name;
  void (*run)(void** arguments);
  std::vector<size_t> parameterBytes;
  bool isClustered;  ///< only in modules for capability 9.0
};

using Module = std::vector<Kernel>;

/// The kernels of a divergence by its name in file names, or null.
const Module* findModule(const std::string& divergence);

}  // namespace shim
