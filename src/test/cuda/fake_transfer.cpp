// Memory of the fake driver, and copies.
#include <algorithm>
#include <cstring>

#include "fake_device.hpp"

using namespace fake;

namespace {

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
