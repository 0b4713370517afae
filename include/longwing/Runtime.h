//===- Runtime.h - Loading and launching packages ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Needs neither LLVM nor the CUDA toolkit: `libcuda.so.1` is opened when first needed.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_RUNTIME_H
#define LONGWING_RUNTIME_H

#include "longwing/Package.h"

#include <array>
#include <memory>

namespace longwing {

/// A CUstream or cudaStream_t; null is the default stream.
using Stream = void *;

/// A strided tensor that someone else owns. Strides are in elements.
struct TensorRef {
  void *data = nullptr;
  DType dtype = DType::F32;
  unsigned rank = 0;
  std::array<int64_t, kMaxRank> sizes{}, strides{};

  /// A contiguous tensor.
  static TensorRef contiguous(void *data, DType dtype, const std::vector<int64_t> &sizes);
  int64_t elements() const;
};

class Module;

/// A function of a loaded module. Cheap to copy; lives no longer than its module.
class Function {
public:
  const FunctionInfo &info() const { return *function; }

  /// Whether the arguments fit the function's types and checks.
  Status check(const std::vector<TensorRef> &arguments) const;
  /// The sizes of each result for these arguments.
  Expected<std::vector<std::vector<int64_t>>>
  resultSizes(const std::vector<TensorRef> &arguments) const;
  /// Bytes of device memory for intermediate tensors (aligned to kWorkspaceAlignment).
  Expected<int64_t> workspaceBytes(const std::vector<TensorRef> &arguments) const;
  /// Enqueues the function's kernels on the stream, in the current context, or in the
  /// primary context of device 0 where there is none. Allocates nothing and waits for
  /// nothing, so it may be captured into a CUDA graph once Module::prepare was called in
  /// the context.
  Status launch(const std::vector<TensorRef> &arguments, const std::vector<TensorRef> &results,
                void *workspace, int64_t workspaceBytes, Stream stream) const;

private:
  friend class Module;
  Function(const Module &module, const FunctionInfo &function)
      : module(&module), function(&function) {}
  const Module *module;
  const FunctionInfo *function;
};

/// A loaded package. Thread-safe; kernels are loaded once into each context that uses them.
class Module {
public:
  static Expected<std::unique_ptr<Module>> load(const std::string &path);
  static Expected<std::unique_ptr<Module>> loadBytes(std::string_view bytes);
  static Expected<std::unique_ptr<Module>> create(Package package);
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  const Manifest &manifest() const;
  const Package &package() const;
  std::vector<Function> functions() const;
  /// The function of the name; the only one if the name is empty.
  Expected<Function> function(std::string_view name) const;
  /// Loads kernels and constants into the current context. `launch` does so when needed,
  /// but not while its stream is captured.
  Status prepare() const;

private:
  friend class Function;
  struct Impl;
  explicit Module(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

//===----------------------------------------------------------------------===//
// Devices: what a program without CUDA's own runtime needs
//===----------------------------------------------------------------------===//

/// One device, by its primary context, which stays retained as long as a copy lives.
class Device {
public:
  /// The number of devices; NoDriver where there is no driver.
  static Expected<int> count();
  /// The name of a device, which is not opened.
  static Expected<std::string> describe(int ordinal);
  /// Retains the device's primary context and makes it current on this thread.
  static Expected<Device> open(int ordinal = 0);

  const std::string &name() const;
  int multiprocessors() const;
  /// Compute capability, such as {9, 0}.
  std::pair<int, int> capability() const;
  /// Version of the driver's CUDA, such as 13000.
  int driverVersion() const;

  /// Makes the context current on the calling thread.
  Status makeCurrent() const;
  Expected<void *> allocate(int64_t bytes) const;
  Status free(void *memory) const;
  Status copyToDevice(void *device, const void *host, int64_t bytes) const;
  Status copyToHost(void *host, const void *device, int64_t bytes) const;
  Status fill(void *device, unsigned char byte, int64_t bytes) const;
  /// Bytes that are free on the device.
  Expected<int64_t> freeMemory() const;
  /// Waits for all work of the context.
  Status synchronize() const;

private:
  struct Impl;
  explicit Device(std::shared_ptr<Impl> impl) : impl(std::move(impl)) {}
  std::shared_ptr<Impl> impl;
};

/// A point in a stream, to time what lies between two.
class Event {
public:
  static Expected<Event> create(const Device &device);
  Status record(Stream stream) const;
  Status synchronize() const;
  /// Milliseconds from `start` to this event; both must have been recorded and passed.
  Expected<double> millisecondsSince(const Event &start) const;

private:
  struct Impl;
  explicit Event(std::shared_ptr<Impl> impl) : impl(std::move(impl)) {}
  std::shared_ptr<Impl> impl;
};

/// Device memory that is freed with its owner.
class DeviceBuffer {
public:
  static Expected<DeviceBuffer> create(const Device &device, int64_t bytes);
  DeviceBuffer(DeviceBuffer &&other) noexcept;
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept;
  ~DeviceBuffer();
  void *data() const { return memory; }
  int64_t size() const { return bytes; }

private:
  DeviceBuffer(Device device, void *memory, int64_t bytes)
      : device(std::move(device)), memory(memory), bytes(bytes) {}
  Device device;
  void *memory;
  int64_t bytes;
};

} // namespace longwing

#endif // LONGWING_RUNTIME_H
