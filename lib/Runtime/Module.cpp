//===- Module.cpp - Loading packages --------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Module.h"

using namespace longwing;

Status longwing::statusOf(int code) {
  if (code == cuda::kOk)
    return Status();
  StatusCode status = code > 0                         ? StatusCode::Driver
                      : code == cuda::kInvalidArgument ? StatusCode::InvalidArgument
                      : code == cuda::kNoDriver        ? StatusCode::NoDriver
                      : code == cuda::kUnsupported     ? StatusCode::Unsupported
                                                       : StatusCode::Internal;
  return Status(status, cuda::errorText());
}

//===----------------------------------------------------------------------===//
// Kernels and constants in a context
//===----------------------------------------------------------------------===//

int Module::Impl::load(const cuda::Driver &driver, cuda::CUdevice device, Loaded &result) const {
  const Manifest &manifest = package.manifest;
  if (int code =
          cuda::checkDevice(driver, device, manifest.target.c_str(), &result.multiprocessors))
    return code;
  for (const CodeInfo &info : manifest.modules) {
    // PTX ends with the zero behind a string's end.
    const std::string &image = package.sections.at(info.cubin.empty() ? info.ptx : info.cubin);
    cuda::CUmodule module = nullptr;
    if (int code =
            driver.check(driver.cuModuleLoadData(&module, image.c_str()), "loading the kernels"))
      return code;
    result.modules.push_back(module);
  }
  for (const ConstantInfo &info : manifest.constants) {
    const std::string &bytes = package.sections.at(info.section);
    cuda::CUdeviceptr memory = 0;
    int code = cuda::loadConstant(driver, bytes.data(), bytes.size(), &memory);
    if (memory)
      result.constants.push_back(memory);
    if (code)
      return code;
  }
  for (const FunctionInfo &function : manifest.functions) {
    std::vector<cuda::CUfunction> &kernels = result.kernels.emplace_back();
    for (const Launch &launch : function.launches) {
      cuda::CUfunction kernel = nullptr;
      if (int code = cuda::findKernel(driver, result.modules[launch.module], launch.kernel.c_str(),
                                      int(launch.sharedBytes), &kernel))
        return code;
      kernels.push_back(kernel);
    }
  }
  return cuda::kOk;
}

void Module::Impl::unload(const cuda::Driver &driver, const Loaded &loaded) {
  for (cuda::CUmodule module : loaded.modules)
    driver.cuModuleUnload(module);
  for (cuda::CUdeviceptr constant : loaded.constants)
    driver.cuMemFree_v2(constant);
}

int Module::Impl::loaded(const cuda::Driver &driver, const cuda::ContextScope &scope,
                         cuda::CUstream stream, const Loaded *&result) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = contexts.find(scope.context);
  if (found == contexts.end()) {
    if (int code = cuda::checkNotCapturing(driver, stream))
      return code;
    Loaded fresh;
    if (int code = load(driver, scope.device, fresh)) {
      unload(driver, fresh);
      return code;
    }
    found = contexts.emplace(scope.context, std::move(fresh)).first;
  }
  result = &found->second;
  return cuda::kOk;
}

Module::Impl::~Impl() {
  if (contexts.empty())
    return;
  const cuda::Driver *driver = cuda::driver();
  for (const auto &[context, content] : contexts) {
    // A context that is gone has taken its modules along.
    if (driver->cuCtxPushCurrent_v2(context) != 0)
      continue;
    unload(*driver, content);
    cuda::CUcontext popped = nullptr;
    driver->cuCtxPopCurrent_v2(&popped);
  }
}

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

Module::Module(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Module::~Module() = default;

Expected<std::unique_ptr<Module>> Module::create(Package package) {
  if (Status status = package.checkSections(); !status)
    return status;
  return std::unique_ptr<Module>(new Module(std::make_unique<Impl>(std::move(package))));
}

Expected<std::unique_ptr<Module>> Module::load(const std::string &path) {
  auto package = Package::read(path);
  if (!package)
    return package.status();
  return create(std::move(*package));
}

Expected<std::unique_ptr<Module>> Module::loadBytes(std::string_view bytes) {
  auto package = Package::parse(bytes);
  if (!package)
    return package.status();
  return create(std::move(*package));
}

const Package &Module::package() const { return impl->package; }
const Manifest &Module::manifest() const { return impl->package.manifest; }

std::vector<Function> Module::functions() const {
  std::vector<Function> result;
  for (const FunctionInfo &info : manifest().functions)
    result.push_back(Function(*this, info));
  return result;
}

Expected<Function> Module::function(std::string_view name) const {
  const auto &all = manifest().functions;
  if (name.empty() && all.size() == 1)
    return Function(*this, all.front());
  if (const FunctionInfo *info = manifest().find(name))
    return Function(*this, *info);
  std::string names;
  for (const FunctionInfo &info : all)
    names += (names.empty() ? "'" : ", '") + info.name + "'";
  return Status(StatusCode::InvalidArgument,
                (name.empty() ? "expected the name of a function"
                              : "there is no function '" + std::string(name) + "'") +
                    std::string(all.empty() ? "; the package has none" : "; the package has ") +
                    names);
}

Status Module::prepare() const {
  const cuda::Driver *driver = cuda::driver();
  if (!driver)
    return statusOf(cuda::kNoDriver);
  cuda::ContextScope scope;
  const Loaded *loaded = nullptr;
  if (int code = scope.enter(*driver))
    return statusOf(code);
  return statusOf(impl->loaded(*driver, scope, nullptr, loaded));
}
