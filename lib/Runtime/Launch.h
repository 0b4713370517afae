//===- Launch.h - The driver, TMA maps and kernel parameters ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stands alone (but for Arithmetic.h): emitted headers carry a copy of this file. So it
// declares what it takes from the CUDA driver by itself, and reports errors by a number
// and a text of the calling thread.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LAUNCH_V1
#define LONGWING_LAUNCH_V1

#include "lib/Package/Arithmetic.h"

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

namespace longwing_v1 {

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Negative: found here. Positive: a CUresult of the driver.
enum Code : int {
  kOk = 0,
  kInvalidArgument = -1, ///< Tensors that do not fit.
  kNoDriver = -2,        ///< No usable libcuda.so.1, or no device.
  kUnsupported = -3,     ///< The device cannot run the code.
  kOutOfMemory = -4,     ///< Of the host.
};

/// The text of the last error on this thread.
inline char *errorText() {
  static thread_local char text[512] = "";
  return text;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
inline int fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(errorText(), 512, format, arguments);
  va_end(arguments);
  return code;
}

//===----------------------------------------------------------------------===//
// The CUDA driver
//===----------------------------------------------------------------------===//

using CUresult = int;
using CUdevice = int;
using CUcontext = void *;
using CUmodule = void *;
using CUfunction = void *;
using CUstream = void *;
using CUevent = void *;
using CUdeviceptr = unsigned long long;

struct alignas(64) TensorMap {
  uint64_t words[16];
};

// Numbers of cuda.h.
constexpr int kMultiprocessorCount = 16, kCapabilityMajor = 75, kCapabilityMinor = 76;
constexpr int kMaxDynamicSharedBytes = 8;
constexpr int kSwizzleNone = 0, kSwizzle32 = 1, kSwizzle64 = 2, kSwizzle128 = 3;
constexpr int kInterleaveNone = 0, kL2Promotion256 = 3, kFillZero = 0;

/// The entry points that are used. `_v2` is what cuda.h maps the plain names to.
struct Driver {
  CUresult (*cuInit)(unsigned flags) = nullptr;
  CUresult (*cuGetErrorName)(CUresult error, const char **text) = nullptr;
  CUresult (*cuGetErrorString)(CUresult error, const char **text) = nullptr;
  CUresult (*cuDeviceGetCount)(int *count) = nullptr;
  CUresult (*cuDeviceGet)(CUdevice *device, int ordinal) = nullptr;
  CUresult (*cuDeviceGetAttribute)(int *value, int attribute, CUdevice device) = nullptr;
  CUresult (*cuDevicePrimaryCtxRetain)(CUcontext *context, CUdevice device) = nullptr;
  CUresult (*cuCtxGetCurrent)(CUcontext *context) = nullptr;
  CUresult (*cuCtxGetDevice)(CUdevice *device) = nullptr;
  CUresult (*cuCtxPushCurrent_v2)(CUcontext context) = nullptr;
  CUresult (*cuCtxPopCurrent_v2)(CUcontext *context) = nullptr;
  CUresult (*cuModuleLoadData)(CUmodule *module, const void *image) = nullptr;
  CUresult (*cuModuleUnload)(CUmodule module) = nullptr;
  CUresult (*cuModuleGetFunction)(CUfunction *function, CUmodule module,
                                  const char *name) = nullptr;
  CUresult (*cuFuncSetAttribute)(CUfunction function, int attribute, int value) = nullptr;
  CUresult (*cuMemAlloc_v2)(CUdeviceptr *memory, size_t bytes) = nullptr;
  CUresult (*cuMemFree_v2)(CUdeviceptr memory) = nullptr;
  CUresult (*cuMemcpyHtoD_v2)(CUdeviceptr to, const void *from, size_t bytes) = nullptr;
  CUresult (*cuMemcpyDtoH_v2)(void *to, CUdeviceptr from, size_t bytes) = nullptr;
  CUresult (*cuStreamIsCapturing)(CUstream stream, int *status) = nullptr;
  CUresult (*cuLaunchKernel)(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                             unsigned blockX, unsigned blockY, unsigned blockZ,
                             unsigned sharedBytes, CUstream stream, void **parameters,
                             void **extra) = nullptr;
  CUresult (*cuTensorMapEncodeTiled)(TensorMap *map, int type, uint32_t rank, void *address,
                                     const uint64_t *sizes, const uint64_t *strides,
                                     const uint32_t *box, const uint32_t *elementStrides,
                                     int interleave, int swizzle, int l2Promotion,
                                     int fill) = nullptr;
  void *library = nullptr;
  char problem[256] = "";

  Driver() { open(); }
  void open();

  template <typename F>
  bool symbol(F &function, const char *name) {
    // POSIX lets a function's address travel through a void pointer; ISO C++ does not.
    void *address = dlsym(library, name);
    std::memcpy(&function, &address, sizeof(address));
    if (!address && !problem[0])
      std::snprintf(problem, sizeof(problem), "the CUDA driver is too old: it has no %s", name);
    return address != nullptr;
  }
  /// Turns a driver's result into a code with a text.
  int check(CUresult result, const char *what) const {
    if (result == 0)
      return kOk;
    const char *name = nullptr, *text = nullptr;
    cuGetErrorName(result, &name);
    cuGetErrorString(result, &text);
    return fail(result, "%s failed: %s (%s)", what, text ? text : "unknown error",
                name ? name : "?");
  }
};

#define LONGWING_SYMBOL(name) symbol(this->name, #name)
inline void Driver::open() {
  library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    std::snprintf(problem, sizeof(problem), "cannot open the CUDA driver: %s",
                  reason ? reason : "libcuda.so.1 not found");
    return;
  }
  bool found = LONGWING_SYMBOL(cuInit) && LONGWING_SYMBOL(cuGetErrorName) &&
               LONGWING_SYMBOL(cuGetErrorString) && LONGWING_SYMBOL(cuDeviceGetCount) &&
               LONGWING_SYMBOL(cuDeviceGet) && LONGWING_SYMBOL(cuDeviceGetAttribute) &&
               LONGWING_SYMBOL(cuDevicePrimaryCtxRetain) && LONGWING_SYMBOL(cuCtxGetCurrent) &&
               LONGWING_SYMBOL(cuCtxGetDevice) && LONGWING_SYMBOL(cuCtxPushCurrent_v2) &&
               LONGWING_SYMBOL(cuCtxPopCurrent_v2) && LONGWING_SYMBOL(cuModuleLoadData) &&
               LONGWING_SYMBOL(cuModuleUnload) && LONGWING_SYMBOL(cuModuleGetFunction) &&
               LONGWING_SYMBOL(cuFuncSetAttribute) && LONGWING_SYMBOL(cuLaunchKernel) &&
               LONGWING_SYMBOL(cuMemAlloc_v2) && LONGWING_SYMBOL(cuMemFree_v2) &&
               LONGWING_SYMBOL(cuMemcpyHtoD_v2) && LONGWING_SYMBOL(cuMemcpyDtoH_v2) &&
               LONGWING_SYMBOL(cuStreamIsCapturing) && LONGWING_SYMBOL(cuTensorMapEncodeTiled);
  if (!found)
    return;
  CUresult result = cuInit(0);
  if (result == 0)
    return;
  const char *text = nullptr;
  cuGetErrorString(result, &text);
  std::snprintf(problem, sizeof(problem), "the CUDA driver does not start: %s",
                text ? text : "unknown error");
}
#undef LONGWING_SYMBOL

/// The driver, opened by the first call; null, with a text, where there is none.
inline const Driver *driver() {
  static const Driver instance;
  if (!instance.problem[0])
    return &instance;
  fail(kNoDriver, "%s", instance.problem);
  return nullptr;
}

/// Runs what follows in the current context, or in the primary context of device 0 where
/// there is none. That context stays retained as long as the program runs.
class ContextScope {
public:
  CUcontext context = nullptr;
  CUdevice device = 0;

  int enter(const Driver &cuda) {
    if (int code = cuda.check(cuda.cuCtxGetCurrent(&context), "cuCtxGetCurrent"))
      return code;
    if (context)
      return cuda.check(cuda.cuCtxGetDevice(&device), "cuCtxGetDevice");
    if (int code = retainPrimary(cuda, context))
      return code;
    if (int code = cuda.check(cuda.cuCtxPushCurrent_v2(context), "cuCtxPushCurrent"))
      return code;
    pushed = &cuda;
    return cuda.check(cuda.cuCtxGetDevice(&device), "cuCtxGetDevice");
  }
  ContextScope() = default;
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;
  ~ContextScope() {
    CUcontext popped = nullptr;
    if (pushed)
      pushed->cuCtxPopCurrent_v2(&popped);
  }

private:
  const Driver *pushed = nullptr;

  static int retainPrimary(const Driver &cuda, CUcontext &context) {
    static std::mutex mutex;
    static CUcontext primary = nullptr;
    std::lock_guard<std::mutex> lock(mutex);
    int count = 0;
    CUdevice first = 0;
    if (!primary) {
      if (int code = cuda.check(cuda.cuDeviceGetCount(&count), "cuDeviceGetCount"))
        return code;
      if (count == 0)
        return fail(kNoDriver, "there is no CUDA device");
      if (int code = cuda.check(cuda.cuDeviceGet(&first, 0), "cuDeviceGet"))
        return code;
      if (int code = cuda.check(cuda.cuDevicePrimaryCtxRetain(&primary, first),
                                "cuDevicePrimaryCtxRetain"))
        return code;
    }
    context = primary;
    return kOk;
  }
};

/// The device's multiprocessors. Fails unless it can run code for the target: an
/// architecture with the suffix `a` runs on that compute capability alone.
inline int checkDevice(const Driver &cuda, CUdevice device, const char *target, int *count) {
  int major = 0, minor = 0, wantedMajor = 0, wantedMinor = 0;
  if (int code = cuda.check(cuda.cuDeviceGetAttribute(&major, kCapabilityMajor, device),
                            "cuDeviceGetAttribute"))
    return code;
  if (int code = cuda.check(cuda.cuDeviceGetAttribute(&minor, kCapabilityMinor, device),
                            "cuDeviceGetAttribute"))
    return code;
  if (int code = cuda.check(cuda.cuDeviceGetAttribute(count, kMultiprocessorCount, device),
                            "cuDeviceGetAttribute"))
    return code;
  int digits = 0, length = 0;
  if (std::sscanf(target, "sm_%d%n", &digits, &length) != 1)
    return fail(kUnsupported, "the code is for '%s', which is no CUDA device", target);
  wantedMajor = digits / 10;
  wantedMinor = digits % 10;
  bool exact = target[length] == 'a';
  bool runs = major == wantedMajor && (exact ? minor == wantedMinor : minor >= wantedMinor);
  if (!runs)
    return fail(kUnsupported,
                "the code is for %s and needs a device of compute capability %d.%d, got %d.%d",
                target, wantedMajor, wantedMinor, major, minor);
  return kOk;
}

inline int findKernel(const Driver &cuda, CUmodule module, const char *name, int sharedBytes,
                      CUfunction *function) {
  if (int code = cuda.check(cuda.cuModuleGetFunction(function, module, name), name))
    return code;
  return cuda.check(cuda.cuFuncSetAttribute(*function, kMaxDynamicSharedBytes, sharedBytes),
                    "setting the shared memory of a kernel");
}

/// Copies a constant into device memory that lives as long as the context.
inline int loadConstant(const Driver &cuda, const void *bytes, size_t size, CUdeviceptr *memory) {
  if (int code = cuda.check(cuda.cuMemAlloc_v2(memory, size ? size : 1), "cuMemAlloc"))
    return code;
  return cuda.check(cuda.cuMemcpyHtoD_v2(*memory, bytes, size), "cuMemcpyHtoD");
}

/// Loading allocates, which a stream under capture does not allow.
inline int checkNotCapturing(const Driver &cuda, CUstream stream) {
  int status = 0;
  if (int code = cuda.check(cuda.cuStreamIsCapturing(stream, &status), "cuStreamIsCapturing"))
    return code;
  if (status != 0)
    return fail(kInvalidArgument,
                "the kernels are not loaded yet and the stream is being captured: "
                "call prepare before the capture");
  return kOk;
}

//===----------------------------------------------------------------------===//
// Kernel parameters
//===----------------------------------------------------------------------===//

/// A tensor as a kernel sees it; sizes and strides in elements, outermost first.
struct Operand {
  const char *name; ///< For messages.
  void *data;
  int elementBytes;
  int mapType; ///< CUtensorMapDataType.
  int rank;
  int64_t sizes[8], strides[8];
  const int64_t *box; ///< The shape of a TMA map's box; null for a view.

  bool empty() const {
    for (int i = 0; i < rank; ++i)
      if (sizes[i] == 0)
        return true;
    return false;
  }
};

/// The layout of a tensor map, fastest dimension first, as the driver takes it.
struct MapLayout {
  uint64_t sizes[5], strides[5]; ///< Strides in bytes; that of dimension 0 is left out.
  uint32_t box[5], ones[5];
  int swizzle;
};

constexpr uint64_t kMapMaxStride = uint64_t(1) << 40, kMapMaxSize = uint64_t(1) << 31;
constexpr int kMapAlignment = 16;

/// Checks what the TMA unit demands of a tensor and lays out its map. A stride along a
/// dimension of size 1 is never used and may be anything, so it is replaced.
inline int layoutMap(const Operand &tensor, MapLayout &layout) {
  if (reinterpret_cast<uintptr_t>(tensor.data) % kMapAlignment)
    return fail(kInvalidArgument, "'%s': expected data aligned to %d bytes, got address %p",
                tensor.name, kMapAlignment, tensor.data);
  for (int i = 0; i < tensor.rank; ++i) {
    int d = tensor.rank - 1 - i;
    uint64_t size = uint64_t(tensor.sizes[d]);
    if (size >= kMapMaxSize)
      return fail(kInvalidArgument, "'%s': expected sizes below 2^31, got %lld in dimension %d",
                  tensor.name, (long long)tensor.sizes[d], d);
    layout.sizes[i] = size;
    layout.box[i] = uint32_t(tensor.box[d]);
    layout.ones[i] = 1;
    int64_t stride = tensor.strides[d];
    if (i == 0) {
      layout.strides[i] = uint64_t(tensor.elementBytes);
      if (stride != 1 && size > 1)
        return fail(kInvalidArgument,
                    "'%s': expected a contiguous last dimension (stride 1), got stride %lld",
                    tensor.name, (long long)stride);
      continue;
    }
    if (size == 1) {
      layout.strides[i] = kMapAlignment;
      continue;
    }
    if (stride < 0 || uint64_t(stride) >= kMapMaxStride / uint64_t(tensor.elementBytes))
      return fail(kInvalidArgument,
                  "'%s': expected strides from 0 to 2^40 bytes, got %lld elements of %d bytes in "
                  "dimension %d",
                  tensor.name, (long long)stride, tensor.elementBytes, d);
    layout.strides[i] = uint64_t(stride) * uint64_t(tensor.elementBytes);
    if (layout.strides[i] % kMapAlignment)
      return fail(kInvalidArgument,
                  "'%s': expected strides that are multiples of %d bytes, got %llu bytes in "
                  "dimension %d",
                  tensor.name, kMapAlignment, (unsigned long long)layout.strides[i], d);
  }
  int64_t row = tensor.box[tensor.rank - 1] * tensor.elementBytes;
  layout.swizzle = row == 128  ? kSwizzle128
                   : row == 64 ? kSwizzle64
                   : row == 32 ? kSwizzle32
                               : kSwizzleNone;
  return kOk;
}

/// Whether the maps of all tensors that come in boxes can be made, as far as alignment goes.
inline bool fitsMaps(const Operand *operands, int count) {
  for (int i = 0; i < count; ++i) {
    const Operand &tensor = operands[i];
    if (!tensor.box || tensor.empty())
      continue;
    if (reinterpret_cast<uintptr_t>(tensor.data) % kMapAlignment)
      return false;
    for (int d = 0; d < tensor.rank; ++d) {
      bool last = d + 1 == tensor.rank;
      uint64_t bytes = uint64_t(tensor.strides[d]) * uint64_t(tensor.elementBytes);
      if (tensor.sizes[d] > 1 && (last ? tensor.strides[d] != 1 : bytes % kMapAlignment != 0))
        return false;
    }
  }
  return true;
}

/// The map of an empty tensor: one element at the address of another tensor, since a map
/// cannot be empty and its address should be mapped. Kernels are told the true sizes and
/// do not touch it.
inline void layoutEmptyMap(Operand &tensor, void *somewhere) {
  tensor.data = reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(somewhere) / kMapAlignment *
                                         kMapAlignment);
  for (int i = 0; i < tensor.rank; ++i)
    tensor.sizes[i] = tensor.strides[i] = 1;
}

/// Collects the parameters of a kernel, without memory from the heap.
class Parameters {
public:
  /// A tensor map by value, then the sizes as 32-bit integers. `somewhere` is the address of
  /// an element of a tensor that is not empty.
  int addMap(const Driver &cuda, const Operand &tensor, void *somewhere) {
    Operand mapped = tensor;
    if (tensor.empty())
      layoutEmptyMap(mapped, somewhere);
    MapLayout layout;
    if (int code = layoutMap(mapped, layout))
      return code;
    auto *map = static_cast<TensorMap *>(add(sizeof(TensorMap), alignof(TensorMap)));
    if (!map)
      return full();
    CUresult result = cuda.cuTensorMapEncodeTiled(
        map, tensor.mapType, uint32_t(tensor.rank), mapped.data, layout.sizes, layout.strides + 1,
        layout.box, layout.ones, kInterleaveNone, layout.swizzle, kL2Promotion256, kFillZero);
    if (result != 0) {
      char what[128];
      std::snprintf(what, sizeof(what), "making the TMA map of '%s'", tensor.name);
      return cuda.check(result, what);
    }
    for (int i = 0; i < tensor.rank; ++i)
      if (!addValue(int32_t(tensor.sizes[i])))
        return full();
    return kOk;
  }
  /// The address, the sizes and the strides, as 64-bit integers.
  int addView(const Operand &tensor) {
    bool fits = addValue(tensor.data);
    for (int i = 0; i < tensor.rank; ++i)
      fits = fits && addValue(tensor.sizes[i]);
    for (int i = 0; i < tensor.rank; ++i)
      fits = fits && addValue(tensor.strides[i]);
    return fits ? int(kOk) : full();
  }
  int launch(const Driver &cuda, CUfunction function, int64_t grid, int64_t block,
             int64_t sharedBytes, CUstream stream, const char *name) {
    if (grid < 0 || grid > 2147483647)
      return fail(kInvalidArgument, "'%s': expected a grid of at most 2^31 - 1 blocks, got %lld",
                  name, (long long)grid);
    return cuda.check(cuda.cuLaunchKernel(function, unsigned(grid), 1, 1, unsigned(block), 1, 1,
                                          unsigned(sharedBytes), stream, pointers, nullptr),
                      name);
  }

private:
  // CUDA passes at most 4 KB of parameters to a kernel on every device that we know.
  static constexpr size_t kBytes = 4096, kCount = 512;
  alignas(64) unsigned char bytes[kBytes];
  void *pointers[kCount];
  size_t used = 0, count = 0;

  void *add(size_t size, size_t alignment) {
    size_t offset = (used + alignment - 1) / alignment * alignment;
    if (offset + size > kBytes || count == kCount)
      return nullptr;
    used = offset + size;
    return pointers[count++] = bytes + offset;
  }
  template <typename T>
  bool addValue(T value) {
    void *place = add(sizeof(T), alignof(T));
    if (place)
      std::memcpy(place, &value, sizeof(T));
    return place != nullptr;
  }
  int full() { return fail(kInvalidArgument, "a kernel has too many parameters"); }
};

/// Launches a kernel on a stream, unless there is nothing to do.
inline int launchKernel(const Driver &cuda, CUfunction function, const char *name, int64_t grid,
                        int64_t block, int64_t sharedBytes, const Operand *operands, int count,
                        CUstream stream) {
  if (grid == 0)
    return kOk;
  void *somewhere = nullptr;
  for (int i = 0; i < count && !somewhere; ++i)
    if (!operands[i].empty())
      somewhere = operands[i].data;
  if (!somewhere && count > 0)
    return kOk; // Every tensor is empty: there is nothing to read or write.
  Parameters parameters;
  for (int i = 0; i < count; ++i)
    if (int code = operands[i].box ? parameters.addMap(cuda, operands[i], somewhere)
                                   : parameters.addView(operands[i]))
      return code;
  return parameters.launch(cuda, function, grid, block, sharedBytes, stream, name);
}

} // namespace longwing_v1

#endif // LONGWING_LAUNCH_V1
