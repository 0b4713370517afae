//===- Module.h - A package in a CUDA context -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_RUNTIME_MODULE_H
#define LONGWING_LIB_RUNTIME_MODULE_H

#include "longwing/Runtime.h"

#include "lib/Runtime/Launch.h"

#include <map>
#include <mutex>

namespace longwing {

namespace cuda = ::longwing_v1;

/// A code of Launch.h with the thread's text.
Status statusOf(int code);

/// What a context holds of a module.
struct Loaded {
  int multiprocessors = 0;
  std::vector<cuda::CUmodule> modules;
  std::vector<cuda::CUdeviceptr> constants;
  std::vector<std::vector<cuda::CUfunction>> kernels; ///< Of each launch of each function.
};

struct Module::Impl {
  explicit Impl(Package package) : package(std::move(package)) {}
  ~Impl();

  /// What the current context holds; loads it if needed, unless `stream` is being captured.
  int loaded(const cuda::Driver &driver, const cuda::ContextScope &scope, cuda::CUstream stream,
             const Loaded *&result);

  const Package package;

private:
  int load(const cuda::Driver &driver, cuda::CUdevice device, Loaded &result) const;
  static void unload(const cuda::Driver &driver, const Loaded &loaded);

  std::mutex mutex;
  std::map<cuda::CUcontext, Loaded> contexts; ///< References to its values stay valid.
};

} // namespace longwing

#endif // LONGWING_LIB_RUNTIME_MODULE_H
