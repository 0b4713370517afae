//===- Device.cpp - Device memory, copies and timing ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Module.h"

using namespace longwing;

namespace {
/// Entry points that only tools need; Launch.h has those that emitted headers share.
struct DeviceDriver {
  cuda::CUresult (*cuDriverGetVersion)(int *version) = nullptr;
  cuda::CUresult (*cuDeviceGetName)(char *name, int size, cuda::CUdevice device) = nullptr;
  cuda::CUresult (*cuDevicePrimaryCtxRelease_v2)(cuda::CUdevice device) = nullptr;
  cuda::CUresult (*cuCtxSetCurrent)(cuda::CUcontext context) = nullptr;
  cuda::CUresult (*cuCtxSynchronize)() = nullptr;
  cuda::CUresult (*cuMemsetD8_v2)(cuda::CUdeviceptr to, unsigned char byte, size_t n) = nullptr;
  cuda::CUresult (*cuMemGetInfo_v2)(size_t *free, size_t *total) = nullptr;
  cuda::CUresult (*cuEventCreate)(cuda::CUevent *event, unsigned flags) = nullptr;
  cuda::CUresult (*cuEventDestroy_v2)(cuda::CUevent event) = nullptr;
  cuda::CUresult (*cuEventRecord)(cuda::CUevent event, cuda::CUstream stream) = nullptr;
  cuda::CUresult (*cuEventSynchronize)(cuda::CUevent event) = nullptr;
  cuda::CUresult (*cuEventElapsedTime)(float *ms, cuda::CUevent from, cuda::CUevent to) = nullptr;

  const cuda::Driver *base = nullptr;

  Status check(cuda::CUresult result, const char *what) const {
    return statusOf(base->check(result, what));
  }
};
} // namespace

#define SYMBOL(name) opener.symbol(result.name, #name)
/// Null, with a text, where there is no driver.
static const DeviceDriver *deviceDriver() {
  static const DeviceDriver instance = [] {
    DeviceDriver result;
    const cuda::Driver *base = cuda::driver();
    if (!base)
      return result;
    cuda::Driver opener = *base;
    bool found = SYMBOL(cuDriverGetVersion) && SYMBOL(cuDeviceGetName) &&
                 SYMBOL(cuDevicePrimaryCtxRelease_v2) && SYMBOL(cuCtxSetCurrent) &&
                 SYMBOL(cuCtxSynchronize) && SYMBOL(cuMemsetD8_v2) && SYMBOL(cuMemGetInfo_v2) &&
                 SYMBOL(cuEventCreate) && SYMBOL(cuEventDestroy_v2) && SYMBOL(cuEventRecord) &&
                 SYMBOL(cuEventSynchronize) && SYMBOL(cuEventElapsedTime);
    result.base = found ? base : nullptr;
    if (!found)
      cuda::fail(cuda::kNoDriver, "%s", opener.problem);
    return result;
  }();
  if (instance.base)
    return &instance;
  if (cuda::driver())
    cuda::fail(cuda::kNoDriver, "the CUDA driver is too old");
  return nullptr;
}
#undef SYMBOL

static cuda::CUdeviceptr address(const void *memory) {
  return static_cast<cuda::CUdeviceptr>(reinterpret_cast<uintptr_t>(memory));
}

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

struct Device::Impl {
  const DeviceDriver &driver;
  cuda::CUdevice device = 0;
  cuda::CUcontext context = nullptr;
  std::string name;
  int multiprocessors = 0, major = 0, minor = 0, version = 0;

  explicit Impl(const DeviceDriver &driver) : driver(driver) {}
  ~Impl() {
    if (context)
      driver.cuDevicePrimaryCtxRelease_v2(device);
  }
  Status query() {
    const cuda::Driver &base = *driver.base;
    const std::pair<int, int *> attributes[] = {{cuda::kMultiprocessorCount, &multiprocessors},
                                                {cuda::kCapabilityMajor, &major},
                                                {cuda::kCapabilityMinor, &minor}};
    for (auto [attribute, value] : attributes)
      if (Status s = driver.check(base.cuDeviceGetAttribute(value, attribute, device),
                                  "cuDeviceGetAttribute");
          !s)
        return s;
    return driver.check(driver.cuDriverGetVersion(&version), "cuDriverGetVersion");
  }
};

Expected<int> Device::count() {
  const DeviceDriver *driver = deviceDriver();
  if (!driver)
    return statusOf(cuda::kNoDriver);
  int count = 0;
  if (Status s = driver->check(driver->base->cuDeviceGetCount(&count), "cuDeviceGetCount"); !s)
    return s;
  return count;
}

Expected<std::string> Device::describe(int ordinal) {
  auto devices = count();
  if (!devices)
    return devices.status();
  if (ordinal < 0 || ordinal >= *devices)
    return Status(StatusCode::NoDriver, "expected a CUDA device below " + std::to_string(*devices) +
                                            ", got " + std::to_string(ordinal));
  const DeviceDriver &driver = *deviceDriver();
  cuda::CUdevice device = 0;
  if (Status s = driver.check(driver.base->cuDeviceGet(&device, ordinal), "cuDeviceGet"); !s)
    return s;
  char text[256] = "";
  if (Status s =
          driver.check(driver.cuDeviceGetName(text, sizeof(text), device), "cuDeviceGetName");
      !s)
    return s;
  return std::string(text);
}

Expected<Device> Device::open(int ordinal) {
  auto name = describe(ordinal);
  if (!name)
    return name.status();
  const DeviceDriver &driver = *deviceDriver();
  auto impl = std::make_shared<Impl>(driver);
  impl->name = *name;
  if (Status s = driver.check(driver.base->cuDeviceGet(&impl->device, ordinal), "cuDeviceGet"); !s)
    return s;
  if (Status s = impl->query(); !s)
    return s;
  if (Status s = driver.check(driver.base->cuDevicePrimaryCtxRetain(&impl->context, impl->device),
                              "cuDevicePrimaryCtxRetain");
      !s)
    return s;
  Device device(std::move(impl));
  if (Status s = device.makeCurrent(); !s)
    return s;
  return device;
}

const std::string &Device::name() const { return impl->name; }
int Device::multiprocessors() const { return impl->multiprocessors; }
std::pair<int, int> Device::capability() const { return {impl->major, impl->minor}; }
int Device::driverVersion() const { return impl->version; }

Status Device::makeCurrent() const {
  return impl->driver.check(impl->driver.cuCtxSetCurrent(impl->context), "cuCtxSetCurrent");
}

Expected<void *> Device::allocate(int64_t bytes) const {
  cuda::CUdeviceptr memory = 0;
  // The driver refuses to allocate nothing.
  if (Status s = impl->driver.check(
          impl->driver.base->cuMemAlloc_v2(&memory, size_t(std::max<int64_t>(bytes, 1))),
          "cuMemAlloc");
      !s)
    return Status(s.code(), "cannot allocate " + std::to_string(bytes) +
                                " bytes on the device: " + s.message());
  return reinterpret_cast<void *>(memory);
}

Status Device::free(void *memory) const {
  return impl->driver.check(impl->driver.base->cuMemFree_v2(address(memory)), "cuMemFree");
}

Status Device::copyToDevice(void *device, const void *host, int64_t bytes) const {
  if (bytes == 0)
    return Status();
  return impl->driver.check(
      impl->driver.base->cuMemcpyHtoD_v2(address(device), host, size_t(bytes)), "cuMemcpyHtoD");
}

Status Device::copyToHost(void *host, const void *device, int64_t bytes) const {
  if (bytes == 0)
    return Status();
  return impl->driver.check(
      impl->driver.base->cuMemcpyDtoH_v2(host, address(device), size_t(bytes)), "cuMemcpyDtoH");
}

Status Device::fill(void *device, unsigned char byte, int64_t bytes) const {
  if (bytes == 0)
    return Status();
  return impl->driver.check(impl->driver.cuMemsetD8_v2(address(device), byte, size_t(bytes)),
                            "cuMemsetD8");
}

Expected<int64_t> Device::freeMemory() const {
  size_t free = 0, total = 0;
  if (Status s = impl->driver.check(impl->driver.cuMemGetInfo_v2(&free, &total), "cuMemGetInfo");
      !s)
    return s;
  return int64_t(free);
}

Status Device::synchronize() const {
  return impl->driver.check(impl->driver.cuCtxSynchronize(), "running the kernels");
}

//===----------------------------------------------------------------------===//
// Event
//===----------------------------------------------------------------------===//

struct Event::Impl {
  Device device;
  const DeviceDriver &driver;
  cuda::CUevent event = nullptr;
  Impl(Device device, const DeviceDriver &driver) : device(std::move(device)), driver(driver) {}
  ~Impl() {
    if (event)
      driver.cuEventDestroy_v2(event);
  }
};

Expected<Event> Event::create(const Device &device) {
  auto impl = std::make_shared<Impl>(device, *deviceDriver());
  if (Status s = impl->driver.check(impl->driver.cuEventCreate(&impl->event, 0), "cuEventCreate");
      !s)
    return s;
  return Event(std::move(impl));
}

Status Event::record(Stream stream) const {
  return impl->driver.check(impl->driver.cuEventRecord(impl->event, stream), "cuEventRecord");
}

Status Event::synchronize() const {
  return impl->driver.check(impl->driver.cuEventSynchronize(impl->event), "running the kernels");
}

Expected<double> Event::millisecondsSince(const Event &start) const {
  float milliseconds = 0;
  if (Status s = impl->driver.check(
          impl->driver.cuEventElapsedTime(&milliseconds, start.impl->event, impl->event),
          "cuEventElapsedTime");
      !s)
    return s;
  return double(milliseconds);
}

//===----------------------------------------------------------------------===//
// DeviceBuffer
//===----------------------------------------------------------------------===//

Expected<DeviceBuffer> DeviceBuffer::create(const Device &device, int64_t bytes) {
  auto memory = device.allocate(bytes);
  if (!memory)
    return memory.status();
  return DeviceBuffer(device, *memory, bytes);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer &&other) noexcept
    : device(other.device), memory(std::exchange(other.memory, nullptr)),
      bytes(std::exchange(other.bytes, 0)) {}

DeviceBuffer &DeviceBuffer::operator=(DeviceBuffer &&other) noexcept {
  std::swap(device, other.device);
  std::swap(memory, other.memory);
  std::swap(bytes, other.bytes);
  return *this;
}

DeviceBuffer::~DeviceBuffer() {
  if (memory)
    (void)device.free(memory);
}
