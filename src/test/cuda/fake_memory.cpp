#include "fake_memory.hpp"

#include <cstdlib>
#include <cstring>

namespace fake {

namespace {

constexpr size_t FENCE_BYTES = 256;
constexpr unsigned char FENCE = 0xA5;
constexpr unsigned char UNINITIALIZED = 0xFF;

bool isWhole(const char* fence) {
  for (size_t i = 0; i < FENCE_BYTES; i++) {
    if (static_cast<unsigned char>(fence[i]) != FENCE) {
      return false;
    }
  }
  return true;
}

}  // namespace

uintptr_t Memory::allocate(size_t bytes) {
  // CUDA's allocations begin at multiples of 256.
  size_t rounded = (bytes + 255) / 256 * 256;
  char* base = static_cast<char*>(std::aligned_alloc(256, rounded + 2 * FENCE_BYTES));
  if (base == nullptr) {
    return 0;
  }
  std::memset(base, FENCE, FENCE_BYTES);
  std::memset(base + FENCE_BYTES, UNINITIALIZED, bytes);
  std::memset(base + FENCE_BYTES + bytes, FENCE, FENCE_BYTES);
  uintptr_t address = reinterpret_cast<uintptr_t>(base + FENCE_BYTES);
  ranges[address] = {base, bytes};
  usedBytes += rounded;
  return address;
}

bool Memory::free(uintptr_t address) {
  auto found = ranges.find(address);
  if (found == ranges.end()) {
    return false;
  }
  usedBytes -= (found->second.bytes + 255) / 256 * 256;
  std::free(found->second.base);
  ranges.erase(found);
  return true;
}

bool Memory::contains(uintptr_t address, size_t bytes) const {
  auto after = ranges.upper_bound(address);
  if (after == ranges.begin()) {
    return false;
  }
  auto range = std::prev(after);
  return address - range->first <= range->second.bytes &&
         bytes <= range->second.bytes - (address - range->first);
}

std::string Memory::damage() const {
  for (const auto& [address, range] : ranges) {
    if (!isWhole(range.base)) {
      return "bytes before an allocation of " + std::to_string(range.bytes) + " were overwritten";
    }
    if (!isWhole(range.base + FENCE_BYTES + range.bytes)) {
      return "bytes behind an allocation of " + std::to_string(range.bytes) + " were overwritten";
    }
  }
  return {};
}

}  // namespace fake
