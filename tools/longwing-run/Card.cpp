//===- Card.cpp - Runs a package on the card ------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Card.h"

#include <algorithm>

using namespace longwing;
using namespace longwing::run;

namespace {
/// Arrays on the host and their places on the card.
class Tensors {
public:
  Status add(const Device &device, Array &array) {
    // An empty tensor needs an address all the same.
    Expected<DeviceBuffer> buffer =
        DeviceBuffer::create(device, std::max<int64_t>(1, array.bytes.size()));
    if (!buffer)
      return buffer.status();
    refs.push_back(TensorRef::contiguous(buffer->data(), array.dtype, array.sizes));
    buffers.push_back(std::move(*buffer));
    return {};
  }
  std::vector<TensorRef> refs;
  std::vector<DeviceBuffer> buffers;
};

/// One call, ready to be made.
struct Call {
  const Function &function;
  Tensors arguments, results;
  std::optional<DeviceBuffer> workspace;

  Status launch() const {
    return function.launch(arguments.refs, results.refs, workspace ? workspace->data() : nullptr,
                           workspace ? workspace->size() : 0, /*stream=*/nullptr);
  }
};
} // namespace

static Status copyIn(const Device &device, std::vector<Array> &arrays, Tensors &tensors) {
  for (Array &array : arrays) {
    if (Status status = tensors.add(device, array); !status)
      return status;
    if (!array.bytes.empty())
      if (Status status = device.copyToDevice(tensors.buffers.back().data(), array.bytes.data(),
                                              array.bytes.size());
          !status)
        return status;
  }
  return {};
}

/// Results start as NaN, so that an element which nobody writes is seen.
static Status makeResults(const Device &device, Call &call, std::vector<Array> &results) {
  auto sizes = call.function.resultSizes(call.arguments.refs);
  if (!sizes)
    return sizes.status();
  for (size_t i = 0; i < sizes->size(); ++i) {
    results.emplace_back(call.function.info().results[i].dtype, (*sizes)[i]);
    if (Status status = call.results.add(device, results.back()); !status)
      return status;
    const DeviceBuffer &buffer = call.results.buffers.back();
    if (Status status = device.fill(buffer.data(), 0xff, buffer.size()); !status)
      return status;
  }
  Expected<int64_t> bytes = call.function.workspaceBytes(call.arguments.refs);
  if (!bytes)
    return bytes.status();
  if (*bytes == 0)
    return {};
  Expected<DeviceBuffer> workspace = DeviceBuffer::create(device, *bytes);
  if (!workspace)
    return workspace.status();
  call.workspace = std::move(*workspace);
  return {};
}

static Status copyOut(const Device &device, const Tensors &tensors, std::vector<Array> &arrays) {
  for (size_t i = 0; i < arrays.size(); ++i)
    if (!arrays[i].bytes.empty())
      if (Status status = device.copyToHost(arrays[i].bytes.data(), tensors.buffers[i].data(),
                                            arrays[i].bytes.size());
          !status)
        return status;
  return {};
}

/// Calls `repeats` times, an event between each and the next.
static Status time(const Device &device, const Call &call, unsigned repeats,
                   std::vector<double> &milliseconds) {
  constexpr unsigned warmUps = 5;
  for (unsigned i = 0; i < warmUps; ++i)
    if (Status status = call.launch(); !status)
      return status;
  std::vector<Event> events;
  for (unsigned i = 0; i <= repeats; ++i) {
    Expected<Event> event = Event::create(device);
    if (!event)
      return event.status();
    events.push_back(std::move(*event));
  }
  for (unsigned i = 0; i <= repeats; ++i) {
    if (Status status = events[i].record(nullptr); !status)
      return status;
    if (i == repeats)
      break;
    if (Status status = call.launch(); !status)
      return status;
  }
  if (Status status = device.synchronize(); !status)
    return status;
  for (unsigned i = 0; i < repeats; ++i) {
    Expected<double> elapsed = events[i + 1].millisecondsSince(events[i]);
    if (!elapsed)
      return elapsed.status();
    milliseconds.push_back(*elapsed);
  }
  return {};
}

Expected<CardRun> run::runOnCard(const Module &module, const std::string &name,
                                 std::vector<Array> &arguments, unsigned repeats) {
  Expected<Device> device = Device::open();
  if (!device)
    return device.status();
  Expected<Function> function = module.function(name);
  if (!function)
    return function.status();
  CardRun run;
  run.device = device->name();
  Call call{*function, {}, {}, std::nullopt};
  if (Status status = copyIn(*device, arguments, call.arguments); !status)
    return status;
  if (Status status = function->check(call.arguments.refs); !status)
    return status;
  if (Status status = makeResults(*device, call, run.results); !status)
    return status;
  if (Status status = call.launch(); !status)
    return status;
  if (Status status = device->synchronize(); !status)
    return status;
  if (Status status = copyOut(*device, call.results, run.results); !status)
    return status;
  if (repeats)
    if (Status status = time(*device, call, repeats, run.milliseconds); !status)
      return status;
  return run;
}
