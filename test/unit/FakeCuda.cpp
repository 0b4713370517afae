//===- FakeCuda.cpp - A CUDA driver that records its calls ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

using namespace fakecuda;

namespace {
constexpr int kInvalidContext = 201, kNotFound = 500;
/// Contexts are the addresses of these.
int contexts[8];
thread_local std::vector<void *> stack;
std::mutex mutex;
std::set<std::string> names; ///< Functions are the addresses of these names.
// Never destroyed: what headers load lives as long as the program.
auto &memory = *new std::map<void *, int64_t>;
State current;

/// Counts a call and gives the failure that a test wants of it, or 0.
int enter(const char *function) {
  std::lock_guard<std::mutex> lock(mutex);
  ++current.calls[function];
  auto failure = current.failures.find(function);
  return failure == current.failures.end() ? 0 : failure->second;
}
} // namespace

State &fakecuda::state() { return current; }

void fakecuda::reset() {
  current = State();
  stack.clear();
}

void fakecuda::setCurrent(int device) {
  stack.clear();
  if (device >= 0)
    stack.push_back(&contexts[device]);
}

#define ENTER()                                                                                    \
  if (int failure = enter(__func__))                                                               \
    return failure;                                                                                \
  std::lock_guard<std::mutex> lock(mutex)

using DevicePointer = unsigned long long;
using Stream = void *;

extern "C" {

int cuInit(unsigned) {
  ENTER();
  return 0;
}
int cuGetErrorName(int error, const char **text) {
  *text = error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_OTHER";
  return 0;
}
int cuGetErrorString(int error, const char **text) {
  *text = error == 700 ? "an illegal memory access was encountered" : "another error";
  return 0;
}
int cuDriverGetVersion(int *version) {
  *version = 13000;
  return 0;
}
int cuDeviceGetCount(int *count) {
  ENTER();
  *count = current.devices;
  return 0;
}
int cuDeviceGet(int *device, int ordinal) {
  ENTER();
  *device = ordinal;
  return 0;
}
int cuDeviceGetName(char *name, int size, int device) {
  ENTER();
  std::strncpy(name, device == 0 ? "Fake H200" : "Fake H100", size_t(size));
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER();
  *value = attribute == 16   ? current.multiprocessors
           : attribute == 75 ? current.major
                             : current.minor;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
  ENTER();
  *context = &contexts[device];
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  ENTER();
  return 0;
}
int cuCtxGetCurrent(void **context) {
  ENTER();
  *context = stack.empty() ? nullptr : stack.back();
  return 0;
}
int cuCtxSetCurrent(void *context) {
  ENTER();
  if (!stack.empty())
    stack.pop_back();
  stack.push_back(context);
  return 0;
}
int cuCtxGetDevice(int *device) {
  ENTER();
  if (stack.empty())
    return kInvalidContext;
  *device = int(static_cast<int *>(stack.back()) - contexts);
  return 0;
}
int cuCtxPushCurrent_v2(void *context) {
  ENTER();
  stack.push_back(context);
  ++current.contextDepth;
  return 0;
}
int cuCtxPopCurrent_v2(void **context) {
  ENTER();
  if (stack.empty())
    return kInvalidContext;
  *context = stack.back();
  stack.pop_back();
  --current.contextDepth;
  return 0;
}
int cuCtxSynchronize() {
  ENTER();
  return 0;
}
int cuModuleLoadData(void **module, const void *image) {
  ENTER();
  if (stack.empty())
    return kInvalidContext;
  current.images.push_back(std::string(static_cast<const char *>(image), 4));
  *module = stack.back();
  return 0;
}
int cuModuleUnload(void *) {
  ENTER();
  return 0;
}
int cuModuleGetFunction(void **function, void *, const char *name) {
  ENTER();
  if (!current.kernels.count(name))
    return kNotFound;
  *function = const_cast<std::string *>(&*names.insert(name).first);
  return 0;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
  ENTER();
  if (attribute == 8)
    current.sharedLimits[*static_cast<std::string *>(function)] = value;
  return 0;
}
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, Stream stream, void **parameters, void **) {
  ENTER();
  LaunchedKernel kernel;
  kernel.name = *static_cast<std::string *>(function);
  kernel.context = stack.empty() ? nullptr : stack.back();
  kernel.stream = stream;
  kernel.grid = {gx, gy, gz};
  kernel.block = {bx, by, bz};
  kernel.sharedBytes = shared;
  for (size_t bytes : current.kernels[kernel.name]) {
    auto *data = static_cast<unsigned char *>(*parameters++);
    kernel.parameters.emplace_back(data, data + bytes);
  }
  current.launches.push_back(std::move(kernel));
  return 0;
}
int cuMemAlloc_v2(DevicePointer *result, size_t bytes) {
  ENTER();
  void *address = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  memory[address] = int64_t(bytes);
  current.allocatedBytes += int64_t(bytes);
  *result = reinterpret_cast<DevicePointer>(address);
  return 0;
}
int cuMemFree_v2(DevicePointer pointer) {
  ENTER();
  void *address = reinterpret_cast<void *>(pointer);
  current.allocatedBytes -= memory[address];
  memory.erase(address);
  std::free(address);
  return 0;
}
int cuMemcpyHtoD_v2(DevicePointer to, const void *from, size_t bytes) {
  ENTER();
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  return 0;
}
int cuMemcpyDtoH_v2(void *to, DevicePointer from, size_t bytes) {
  ENTER();
  std::memcpy(to, reinterpret_cast<void *>(from), bytes);
  return 0;
}
int cuMemsetD8_v2(DevicePointer to, unsigned char byte, size_t bytes) {
  ENTER();
  std::memset(reinterpret_cast<void *>(to), byte, bytes);
  return 0;
}
int cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER();
  *free = *total = size_t(1) << 30;
  return 0;
}
int cuStreamIsCapturing(Stream, int *status) {
  ENTER();
  *status = current.capturing;
  return 0;
}
int cuEventCreate(void **event, unsigned) {
  ENTER();
  *event = new int;
  return 0;
}
int cuEventDestroy_v2(void *event) {
  ENTER();
  delete static_cast<int *>(event);
  return 0;
}
int cuEventRecord(void *, Stream) {
  ENTER();
  return 0;
}
int cuEventSynchronize(void *) {
  ENTER();
  return 0;
}
int cuEventElapsedTime(float *milliseconds, void *, void *) {
  ENTER();
  *milliseconds = 2.5f;
  return 0;
}
int cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *address, const uint64_t *sizes,
                           const uint64_t *strides, const uint32_t *box,
                           const uint32_t *elementStrides, int interleave, int swizzle,
                           int l2Promotion, int fill) {
  ENTER();
  EncodedMap encoded{type, interleave, swizzle, l2Promotion, fill, address, {}, {}, {}, {}};
  encoded.sizes.assign(sizes, sizes + rank);
  encoded.strides.assign(strides, strides + rank - 1);
  encoded.box.assign(box, box + rank);
  encoded.elementStrides.assign(elementStrides, elementStrides + rank);
  // The map's bytes are its number, so that a test can find it among the parameters.
  std::memset(map, int(current.maps.size()) + 1, 128);
  current.maps.push_back(std::move(encoded));
  return 0;
}

} // extern "C"
