// A libcuda.so.1 without a GPU: the driver's functions that the engine calls, over host memory and
// the shim's fibers. What it pretends to be is read from the environment at every cuInit:
//
//   CLIPKL_FAKE_DEVICES     number of devices, 1 when not set
//   CLIPKL_FAKE_CAPABILITY  compute capability, 9.0 when not set
//   CLIPKL_FAKE_MEMORY      bytes of device memory, 4 GiB when not set
//   CLIPKL_FAKE_FAIL        function[:code]: that function returns the code, 1 when not given
//   CLIPKL_FAKE_SCHEDULE    forward, backward, or a number that seeds a random order
#include <cstdio>

#include "fake_device.hpp"

using namespace fake;

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
