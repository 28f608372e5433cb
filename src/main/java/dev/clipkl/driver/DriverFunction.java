package dev.clipkl.driver;

import static dev.clipkl.driver.DriverFunction.Shape.*;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;

/**
 * The driver's functions that are called, by the names that its library exports, with their
 * parameters. All return a {@code CUresult}.
 */
enum DriverFunction {
  INIT("cuInit", INT),
  DRIVER_GET_VERSION("cuDriverGetVersion", ADDRESS),
  DEVICE_GET_COUNT("cuDeviceGetCount", ADDRESS),
  DEVICE_GET("cuDeviceGet", ADDRESS_INT),
  DEVICE_GET_NAME("cuDeviceGetName", ADDRESS_INT_INT),
  DEVICE_GET_ATTRIBUTE("cuDeviceGetAttribute", ADDRESS_INT_INT),
  DEVICE_TOTAL_MEMORY("cuDeviceTotalMem_v2", ADDRESS_INT),
  PRIMARY_CONTEXT_RETAIN("cuDevicePrimaryCtxRetain", ADDRESS_INT),
  PRIMARY_CONTEXT_RELEASE("cuDevicePrimaryCtxRelease_v2", INT),
  CONTEXT_SET_CURRENT("cuCtxSetCurrent", ADDRESS),
  MEMORY_GET_INFO("cuMemGetInfo_v2", ADDRESS_ADDRESS),
  MEMORY_ALLOCATE("cuMemAlloc_v2", ADDRESS_LONG),
  MEMORY_FREE("cuMemFree_v2", LONG),
  HOST_ALLOCATE("cuMemHostAlloc", ADDRESS_LONG_INT),
  HOST_FREE("cuMemFreeHost", ADDRESS),
  COPY_TO_DEVICE("cuMemcpyHtoDAsync_v2", LONG_ADDRESS_LONG_ADDRESS),
  COPY_TO_HOST("cuMemcpyDtoHAsync_v2", ADDRESS_LONG_LONG_ADDRESS),
  STREAM_CREATE("cuStreamCreate", ADDRESS_INT),
  STREAM_DESTROY("cuStreamDestroy_v2", ADDRESS),
  STREAM_SYNCHRONIZE("cuStreamSynchronize", ADDRESS),
  STREAM_WAIT_EVENT("cuStreamWaitEvent", ADDRESS_ADDRESS_INT),
  EVENT_CREATE("cuEventCreate", ADDRESS_INT),
  EVENT_DESTROY("cuEventDestroy_v2", ADDRESS),
  EVENT_RECORD("cuEventRecord", ADDRESS_ADDRESS),
  EVENT_SYNCHRONIZE("cuEventSynchronize", ADDRESS),
  EVENT_ELAPSED_TIME("cuEventElapsedTime", ADDRESS_ADDRESS_ADDRESS),
  MODULE_LOAD("cuModuleLoadDataEx", ADDRESS_ADDRESS_INT_ADDRESS_ADDRESS),
  MODULE_UNLOAD("cuModuleUnload", ADDRESS),
  MODULE_GET_FUNCTION("cuModuleGetFunction", ADDRESS_ADDRESS_ADDRESS),
  FUNCTION_SET_ATTRIBUTE("cuFuncSetAttribute", ADDRESS_INT_INT),
  MOST_ACTIVE_BLOCKS("cuOccupancyMaxActiveBlocksPerMultiprocessor", ADDRESS_ADDRESS_INT_LONG),
  MOST_ACTIVE_CLUSTERS("cuOccupancyMaxActiveClusters", ADDRESS_ADDRESS_ADDRESS),
  LAUNCH("cuLaunchKernel", LAUNCH_PARAMETERS),
  LAUNCH_WITH_ATTRIBUTES("cuLaunchKernelEx", ADDRESS_ADDRESS_ADDRESS_ADDRESS),
  ERROR_NAME("cuGetErrorName", INT_ADDRESS),
  ERROR_WORDS("cuGetErrorString", INT_ADDRESS);

  /** The parameters' types; {@code CUdeviceptr} and {@code size_t} are longs. */
  enum Shape {
    INT(ValueLayout.JAVA_INT),
    LONG(ValueLayout.JAVA_LONG),
    ADDRESS(ValueLayout.ADDRESS),
    INT_ADDRESS(ValueLayout.JAVA_INT, ValueLayout.ADDRESS),
    ADDRESS_INT(ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
    ADDRESS_LONG(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG),
    ADDRESS_ADDRESS(ValueLayout.ADDRESS, ValueLayout.ADDRESS),
    ADDRESS_INT_INT(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
    ADDRESS_LONG_INT(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT),
    ADDRESS_ADDRESS_INT(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
    ADDRESS_ADDRESS_ADDRESS(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS),
    ADDRESS_ADDRESS_INT_LONG(
        ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG),
    ADDRESS_ADDRESS_ADDRESS_ADDRESS(
        ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS),
    LONG_ADDRESS_LONG_ADDRESS(
        ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
    ADDRESS_LONG_LONG_ADDRESS(
        ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
    ADDRESS_ADDRESS_INT_ADDRESS_ADDRESS(
        ValueLayout.ADDRESS,
        ValueLayout.ADDRESS,
        ValueLayout.JAVA_INT,
        ValueLayout.ADDRESS,
        ValueLayout.ADDRESS),
    /** Function, grid x y z, block x y z, shared bytes, stream, parameters, extra. */
    LAUNCH_PARAMETERS(
        ValueLayout.ADDRESS,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.JAVA_INT,
        ValueLayout.ADDRESS,
        ValueLayout.ADDRESS,
        ValueLayout.ADDRESS);

    @SuppressWarnings("ImmutableEnumChecker") // Descriptors are immutable.
    private final FunctionDescriptor descriptor;

    Shape(MemoryLayout... parameters) {
      descriptor = FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters);
    }

    FunctionDescriptor descriptor() {
      return descriptor;
    }
  }

  private final String symbol;
  private final Shape shape;

  DriverFunction(String symbol, Shape shape) {
    this.symbol = symbol;
    this.shape = shape;
  }

  /** The exported name. */
  String symbol() {
    return symbol;
  }

  /** The parameters' types. */
  Shape shape() {
    return shape;
  }
}
