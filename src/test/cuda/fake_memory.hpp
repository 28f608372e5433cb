// Device and pinned memory of the fake driver: host memory whose ranges are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace fake {

class Memory {
 public:
  /// Makes a range, filled with NaN, between fences; 0 when there is no room.
  uintptr_t allocate(size_t bytes);

  bool free(uintptr_t address);

  /// Whether all these bytes are within one range.
  bool contains(uintptr_t address, size_t bytes) const;

  /// The first range whose fences are no longer as they were made; empty if there is none.
  std::string damage() const;

  size_t used() const { return usedBytes; }

 private:
  struct Range {
    char* base;
    size_t bytes;
  };

  std::map<uintptr_t, Range> ranges;
  size_t usedBytes = 0;
};

}  // namespace fake
