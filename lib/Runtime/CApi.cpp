//===- CApi.cpp - C API of the runtime ------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing-c/Runtime.h"

#include "longwing/Runtime.h"

#include <algorithm>
#include <cstring>
#include <exception>

using namespace longwing;

static_assert(int(LW_INTERNAL) == int(StatusCode::Internal));
static_assert(int(LW_I64) == int(DType::I64));
static_assert(LW_MAX_RANK == kMaxRank && LW_DYNAMIC == kDynamic);

struct lw_module {
  std::unique_ptr<Module> module;
  std::string manifest;
};

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static std::string &lastError() {
  static thread_local std::string text;
  return text;
}

static lw_status give(const Status &status) {
  if (!status)
    lastError() = status.message();
  return lw_status(status.code());
}

static lw_status refuse(const char *message) {
  return give(Status(StatusCode::InvalidArgument, message));
}

/// Runs a call; nothing may be thrown into C.
template <typename F>
static lw_status guarded(F call) {
  try {
    return give(call());
  } catch (const std::exception &error) {
    try {
      lastError() = error.what();
    } catch (...) {
      lastError().clear();
    }
    return LW_INTERNAL;
  }
}

const char *lw_runtime_version(void) { return LONGWING_VERSION; }
const char *lw_last_error(void) { return lastError().c_str(); }

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static Status keep(Expected<std::unique_ptr<Module>> loaded, lw_module **result) {
  if (!loaded)
    return loaded.status();
  std::string manifest = (*loaded)->manifest().json();
  *result = new lw_module{std::move(*loaded), std::move(manifest)};
  return Status();
}

lw_status lw_module_load(const char *path, lw_module **module) {
  if (!path || !module)
    return refuse("expected a path and a place for the module, got a null pointer");
  *module = nullptr;
  return guarded([&] { return keep(Module::load(path), module); });
}

lw_status lw_module_load_bytes(const void *bytes, size_t size, lw_module **module) {
  if (!bytes || !module)
    return refuse("expected bytes and a place for the module, got a null pointer");
  *module = nullptr;
  return guarded([&] {
    return keep(Module::loadBytes(std::string_view(static_cast<const char *>(bytes), size)),
                module);
  });
}

void lw_module_free(lw_module *module) { delete module; }

const char *lw_module_manifest(const lw_module *module) {
  return module ? module->manifest.c_str() : "";
}

lw_status lw_module_prepare(const lw_module *module) {
  if (!module)
    return refuse("expected a module, got a null pointer");
  return guarded([&] { return module->module->prepare(); });
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static const FunctionInfo *infoOf(const lw_module *module, size_t function) {
  if (!module || function >= module->module->manifest().functions.size())
    return nullptr;
  return &module->module->manifest().functions[function];
}

size_t lw_module_num_functions(const lw_module *module) {
  return module ? module->module->manifest().functions.size() : 0;
}

const char *lw_function_name(const lw_module *module, size_t function) {
  const FunctionInfo *info = infoOf(module, function);
  return info ? info->name.c_str() : nullptr;
}

lw_status lw_module_find_function(const lw_module *module, const char *name, size_t *function) {
  if (!module || !name || !function)
    return refuse("expected a module, a name and a place for the number, got a null pointer");
  return guarded([&] {
    auto found = module->module->function(name);
    if (!found)
      return found.status();
    *function = size_t(&found->info() - module->module->manifest().functions.data());
    return Status();
  });
}

size_t lw_function_num_arguments(const lw_module *module, size_t function) {
  const FunctionInfo *info = infoOf(module, function);
  return info ? info->arguments.size() : 0;
}

size_t lw_function_num_results(const lw_module *module, size_t function) {
  const FunctionInfo *info = infoOf(module, function);
  return info ? info->results.size() : 0;
}

static lw_status describe(const std::vector<TensorInfo> *tensors, size_t index,
                          lw_tensor_info *info) {
  if (!tensors || index >= tensors->size() || !info)
    return refuse("there is no such function, argument or result");
  const TensorInfo &tensor = (*tensors)[index];
  *info = lw_tensor_info{};
  info->name = tensor.name.c_str();
  info->dtype = int32_t(tensor.dtype);
  info->rank = int32_t(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), info->shape);
  return LW_OK;
}

lw_status lw_function_argument(const lw_module *module, size_t function, size_t argument,
                               lw_tensor_info *info) {
  const FunctionInfo *found = infoOf(module, function);
  return describe(found ? &found->arguments : nullptr, argument, info);
}

lw_status lw_function_result(const lw_module *module, size_t function, size_t result,
                             lw_tensor_info *info) {
  const FunctionInfo *found = infoOf(module, function);
  return describe(found ? &found->results : nullptr, result, info);
}

static Expected<std::vector<TensorRef>> tensorsOf(const lw_tensor *tensors, size_t count) {
  std::vector<TensorRef> result;
  if (count > 0 && !tensors)
    return Status(StatusCode::InvalidArgument, "expected tensors, got a null pointer");
  for (size_t i = 0; i < count; ++i) {
    const lw_tensor &from = tensors[i];
    if (from.rank < 0 || from.rank > LW_MAX_RANK || from.dtype < LW_F16 || from.dtype > LW_I64)
      return Status(StatusCode::InvalidArgument,
                    "tensor " + std::to_string(i) + ": expected a rank from 0 to " +
                        std::to_string(LW_MAX_RANK) + " and a known dtype, got rank " +
                        std::to_string(from.rank) + " and dtype " + std::to_string(from.dtype));
    TensorRef &to = result.emplace_back();
    to.data = from.data;
    to.dtype = DType(from.dtype);
    to.rank = unsigned(from.rank);
    std::copy(from.sizes, from.sizes + from.rank, to.sizes.begin());
    std::copy(from.strides, from.strides + from.rank, to.strides.begin());
  }
  return result;
}

/// Runs a call on a function with arguments.
template <typename F>
static lw_status withFunction(const lw_module *module, size_t function, const lw_tensor *arguments,
                              size_t count, F call) {
  if (!infoOf(module, function))
    return refuse("there is no such function");
  return guarded([&]() -> Status {
    auto tensors = tensorsOf(arguments, count);
    if (!tensors)
      return tensors.status();
    return call(module->module->functions()[function], *tensors);
  });
}

lw_status lw_function_infer(const lw_module *module, size_t function, const lw_tensor *arguments,
                            size_t num_arguments, lw_tensor *results, size_t num_results) {
  return withFunction(
      module, function, arguments, num_arguments,
      [&](const Function &target, const std::vector<TensorRef> &tensors) -> Status {
        auto sizes = target.resultSizes(tensors);
        if (!sizes)
          return sizes.status();
        if (num_results != sizes->size() || (num_results > 0 && !results))
          return Status(StatusCode::InvalidArgument, "expected " + std::to_string(sizes->size()) +
                                                         " results, got " +
                                                         std::to_string(results ? num_results : 0));
        for (size_t i = 0; i < num_results; ++i) {
          TensorRef tensor =
              TensorRef::contiguous(nullptr, target.info().results[i].dtype, (*sizes)[i]);
          results[i].dtype = int32_t(tensor.dtype);
          results[i].rank = int32_t(tensor.rank);
          std::copy(tensor.sizes.begin(), tensor.sizes.end(), results[i].sizes);
          std::copy(tensor.strides.begin(), tensor.strides.end(), results[i].strides);
        }
        return Status();
      });
}

lw_status lw_function_workspace_bytes(const lw_module *module, size_t function,
                                      const lw_tensor *arguments, size_t num_arguments,
                                      int64_t *bytes) {
  if (!bytes)
    return refuse("expected a place for the number of bytes, got a null pointer");
  return withFunction(module, function, arguments, num_arguments,
                      [&](const Function &target, const std::vector<TensorRef> &tensors) -> Status {
                        auto result = target.workspaceBytes(tensors);
                        if (!result)
                          return result.status();
                        *bytes = *result;
                        return Status();
                      });
}

lw_status lw_function_launch(const lw_module *module, size_t function, const lw_tensor *arguments,
                             size_t num_arguments, const lw_tensor *results, size_t num_results,
                             void *workspace, int64_t workspace_bytes, void *stream) {
  return withFunction(module, function, arguments, num_arguments,
                      [&](const Function &target, const std::vector<TensorRef> &tensors) -> Status {
                        auto outputs = tensorsOf(results, num_results);
                        if (!outputs)
                          return outputs.status();
                        return target.launch(tensors, *outputs, workspace, workspace_bytes, stream);
                      });
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

/// The device of this thread; the first is opened where none was chosen.
static Expected<Device> &current() {
  static thread_local Expected<Device> device = Status(StatusCode::NoDriver, "no device is open");
  if (!device)
    device = Device::open(0);
  return device;
}

template <typename F>
static lw_status withDevice(F call) {
  return guarded([&]() -> Status {
    Expected<Device> &device = current();
    if (!device)
      return device.status();
    return call(*device);
  });
}

lw_status lw_device_count(int *count) {
  if (!count)
    return refuse("expected a place for the number of devices, got a null pointer");
  return guarded([&]() -> Status {
    auto result = Device::count();
    *count = result ? *result : 0;
    return result.status();
  });
}

lw_status lw_device_set(int device) {
  return guarded([&]() -> Status {
    auto opened = Device::open(device);
    if (!opened)
      return opened.status();
    current() = *opened;
    return Status();
  });
}

lw_status lw_device_name(int device, char *name, size_t size) {
  if (!name || size == 0)
    return refuse("expected a place for the name, got none");
  name[0] = '\0';
  return guarded([&]() -> Status {
    auto opened = Device::describe(device);
    if (!opened)
      return opened.status();
    std::strncpy(name, opened->c_str(), size - 1);
    name[size - 1] = '\0';
    return Status();
  });
}

lw_status lw_device_allocate(int64_t bytes, void **memory) {
  if (!memory || bytes < 0)
    return refuse("expected a place for the memory and a size of at least 0");
  return withDevice([&](Device &device) -> Status {
    auto result = device.allocate(bytes);
    *memory = result ? *result : nullptr;
    return result.status();
  });
}

lw_status lw_device_free(void *memory) {
  return withDevice([&](Device &device) { return memory ? device.free(memory) : Status(); });
}

lw_status lw_device_copy_in(void *device, const void *host, int64_t bytes) {
  return withDevice([&](Device &target) { return target.copyToDevice(device, host, bytes); });
}

lw_status lw_device_copy_out(void *host, const void *device, int64_t bytes) {
  return withDevice([&](Device &source) { return source.copyToHost(host, device, bytes); });
}

lw_status lw_device_synchronize(void) {
  return withDevice([](Device &device) { return device.synchronize(); });
}
