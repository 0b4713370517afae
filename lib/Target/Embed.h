//===- Embed.h - What emitted headers have in common ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emitted headers carry a copy of this file, behind Arithmetic.h and Launch.h.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_EMBED_V1
#define LONGWING_EMBED_V1

#include "lib/Runtime/Launch.h"

#include <list>
#include <vector>

namespace longwing_v1 {

/// A strided tensor in device memory that the caller owns. Sizes and strides are in elements,
/// outermost dimension first.
struct Tensor {
  void *data = nullptr;
  int64_t sizes[8] = {};
  int64_t strides[8] = {};
};

/// A tensor whose elements follow one another.
template <int Rank>
inline Tensor contiguous(void *data, const int64_t (&sizes)[Rank]) {
  static_assert(Rank <= 8, "tensors have at most 8 dimensions");
  Tensor tensor;
  tensor.data = data;
  uint64_t stride = 1; // Unsigned: sizes that are too large are refused later.
  for (int i = Rank; i-- > 0;) {
    tensor.sizes[i] = sizes[i];
    tensor.strides[i] = int64_t(stride);
    stride *= sizes[i] > 1 ? uint64_t(sizes[i]) : 1;
  }
  return tensor;
}

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t most(int64_t a, int64_t b) { return a < b ? b : a; }

/// Fails where sizes overflowed.
inline int checkArithmetic(const Arithmetic &math) {
  if (math.ok)
    return kOk;
  return fail(kInvalidArgument, "sizes are too large: an expression overflows 64 bits or divides "
                                "by zero");
}

/// Whether a tensor has the shape; -1 fits any size.
inline int checkTensor(const char *name, const Tensor &tensor, const int64_t *shape, int rank,
                       int elementBytes) {
  Arithmetic math;
  int64_t bytes = elementBytes;
  for (int i = 0; i < rank; ++i) {
    if (tensor.sizes[i] < 0 || (shape[i] >= 0 && shape[i] != tensor.sizes[i]))
      return fail(kInvalidArgument, "'%s': expected size %lld in dimension %d, got %lld", name,
                  (long long)most(shape[i], 0), i, (long long)tensor.sizes[i]);
    bytes = math.mul(bytes, tensor.sizes[i]);
  }
  if (!math.ok)
    return fail(kInvalidArgument, "'%s': expected less than 2^63 bytes", name);
  if (bytes != 0 && !tensor.data)
    return fail(kInvalidArgument, "'%s': expected data, got a null pointer", name);
  return kOk;
}

inline int checkWorkspace(const void *workspace, int64_t bytes) {
  if (bytes > 0 && (!workspace || reinterpret_cast<uintptr_t>(workspace) % 256))
    return fail(kInvalidArgument, "expected a workspace of %lld bytes, aligned to 256, got %p",
                (long long)bytes, workspace);
  return kOk;
}

//===----------------------------------------------------------------------===//
// Kernels in a context
//===----------------------------------------------------------------------===//

struct Kernel {
  const char *name;
  int image;
  int sharedBytes;
};

struct Constant {
  const void *bytes;
  size_t size;
};

/// What a context holds of a library.
struct Loaded {
  CUcontext context = nullptr;
  int multiprocessors = 0;
  std::vector<CUmodule> modules;
  std::vector<CUfunction> kernels;
  std::vector<void *> constants;
};

/// The code of one header. It is loaded into each context that uses it, once, and stays there as
/// long as the context does.
class Library {
public:
  Library(const char *target, std::vector<const void *> images, std::vector<Kernel> kernels,
          std::vector<Constant> constants)
      : target(target), images(std::move(images)), kernels(std::move(kernels)),
        constants(std::move(constants)) {}

  int loaded(const Driver &cuda, const ContextScope &scope, CUstream stream,
             const Loaded *&result) {
    std::lock_guard<std::mutex> lock(mutex);
    for (const Loaded &entry : contexts)
      if (entry.context == scope.context) {
        result = &entry;
        return kOk;
      }
    if (int code = checkNotCapturing(cuda, stream))
      return code;
    contexts.emplace_back();
    if (int code = load(cuda, scope, contexts.back())) {
      for (CUmodule module : contexts.back().modules)
        cuda.cuModuleUnload(module);
      for (void *constant : contexts.back().constants)
        cuda.cuMemFree_v2(reinterpret_cast<uintptr_t>(constant));
      contexts.pop_back();
      return code;
    }
    result = &contexts.back();
    return kOk;
  }
  int prepare() {
    const Driver *cuda = driver();
    if (!cuda)
      return kNoDriver;
    ContextScope scope;
    const Loaded *result = nullptr;
    if (int code = scope.enter(*cuda))
      return code;
    return loaded(*cuda, scope, nullptr, result);
  }

private:
  int load(const Driver &cuda, const ContextScope &scope, Loaded &entry) const {
    if (int code = checkDevice(cuda, scope.device, target, &entry.multiprocessors))
      return code;
    for (const void *image : images) {
      CUmodule module = nullptr;
      if (int code = cuda.check(cuda.cuModuleLoadData(&module, image), "loading the kernels"))
        return code;
      entry.modules.push_back(module);
    }
    for (const Constant &constant : constants) {
      CUdeviceptr memory = 0;
      int code = loadConstant(cuda, constant.bytes, constant.size, &memory);
      if (memory)
        entry.constants.push_back(reinterpret_cast<void *>(memory));
      if (code)
        return code;
    }
    for (const Kernel &kernel : kernels) {
      CUfunction function = nullptr;
      if (int code = findKernel(cuda, entry.modules[size_t(kernel.image)], kernel.name,
                                kernel.sharedBytes, &function))
        return code;
      entry.kernels.push_back(function);
    }
    entry.context = scope.context;
    return kOk;
  }

  const char *target;
  std::vector<const void *> images;
  std::vector<Kernel> kernels;
  std::vector<Constant> constants;
  std::mutex mutex;
  std::list<Loaded> contexts; ///< A list, so that references stay valid.
};

} // namespace longwing_v1

#endif // LONGWING_EMBED_V1
