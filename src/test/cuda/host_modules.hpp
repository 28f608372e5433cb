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
  int target;  ///< 80 or 90: which of the divergence's modules has it
};

using Module = std::vector<Kernel>;

/// The kernels of a divergence by its name in file names, or null.
const Module* findModule(const std::string& divergence);

}  // namespace shim
