//===- RuntimeTest.cpp - Loading and launching, on a fake driver ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Runtime.h"
#include "FakeCuda.h"
#include "TestPackage.h"

#include <gmock/gmock.h>

#include <cstring>
#include <thread>

using namespace longwing;
using fakecuda::state;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {
class RuntimeTest : public testing::Test {
protected:
  RuntimeTest() {
    fakecuda::reset();
    // A map and three sizes; then views: a pointer, the sizes, the strides.
    const std::vector<size_t> map = {128, 4, 4, 4};
    auto withViews = [&](std::vector<int> ranks) {
      std::vector<size_t> bytes = map;
      for (int rank : ranks)
        bytes.insert(bytes.end(), size_t(1 + 2 * rank), 8);
      return bytes;
    };
    state().kernels = {{"sum", withViews({2})}, {"scale", withViews({2, 1, 3})}};
    module = std::move(*Module::create(test::scalePackage()));
  }

  Status launch(const TensorRef &x, const TensorRef &y, Stream stream = nullptr) {
    return module->functions()[0].launch({x}, {y}, workspace, sizeof(workspace), stream);
  }

  std::unique_ptr<Module> module;
  alignas(256) char data[4096];
  alignas(256) char out[4096];
  alignas(256) char workspace[1024];
};
} // namespace

static TensorRef bf16(void *data, std::vector<int64_t> sizes) {
  return TensorRef::contiguous(data, DType::BF16, sizes);
}

template <typename T>
static T valueOf(const std::vector<unsigned char> &bytes) {
  T value;
  EXPECT_EQ(bytes.size(), sizeof(T));
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

//===----------------------------------------------------------------------===//
// What is launched
//===----------------------------------------------------------------------===//

TEST_F(RuntimeTest, LaunchesEveryKernel) {
  Stream stream = reinterpret_cast<Stream>(0x5);
  Status status = launch(bf16(data, {2, 34, 64}), bf16(out, {2, 34, 64}), stream);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(state().launches.size(), 2u);
  const auto &sum = state().launches[0], &scale = state().launches[1];
  EXPECT_EQ(sum.name, "sum");
  EXPECT_THAT(sum.grid, ElementsAre(4, 1, 1));
  EXPECT_THAT(sum.block, ElementsAre(256, 1, 1));
  EXPECT_EQ(sum.sharedBytes, 65536u);
  EXPECT_EQ(sum.stream, stream);
  EXPECT_EQ(state().sharedLimits["sum"], 65536);
  EXPECT_EQ(scale.name, "scale");
  EXPECT_THAT(scale.block, ElementsAre(384, 1, 1));
  // The cubin is preferred to the PTX, and both kernels are in it.
  EXPECT_THAT(state().images, ElementsAre("cubi"));
}

TEST_F(RuntimeTest, PassesParameters) {
  ASSERT_TRUE(launch(bf16(data, {2, 34, 64}), bf16(out, {2, 34, 64})).ok());
  const auto &p = state().launches[1].parameters;
  EXPECT_EQ(p[0], std::vector<unsigned char>(128, 2)); // The second map.
  EXPECT_EQ(valueOf<int32_t>(p[1]), 2);
  EXPECT_EQ(valueOf<int32_t>(p[2]), 34);
  EXPECT_EQ(valueOf<int32_t>(p[3]), 64);
  EXPECT_EQ(valueOf<void *>(p[4]), workspace);
  EXPECT_EQ(valueOf<int64_t>(p[5]), 2);
  EXPECT_EQ(valueOf<int64_t>(p[7]), 34); // Its stride.
  auto *constant = valueOf<float *>(p[9]);
  EXPECT_THAT(std::vector<float>(constant, constant + 2), ElementsAre(1.0f, 2.0f));
  EXPECT_EQ(valueOf<void *>(p[12]), out);
  EXPECT_EQ(valueOf<int64_t>(p[16]), 34 * 64);
  EXPECT_EQ(valueOf<int64_t>(p[18]), 1);
}

TEST_F(RuntimeTest, EncodesMaps) {
  ASSERT_TRUE(launch(bf16(data, {2, 34, 64}), bf16(out, {2, 34, 64})).ok());
  const auto &map = state().maps[0];
  EXPECT_EQ(map.type, 9); // CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
  EXPECT_EQ(map.address, data);
  EXPECT_THAT(map.sizes, ElementsAre(64, 34, 2)); // Fastest first.
  EXPECT_THAT(map.strides, ElementsAre(128, 34 * 128));
  EXPECT_THAT(map.box, ElementsAre(64, 32, 1));
  EXPECT_THAT(map.elementStrides, ElementsAre(1, 1, 1));
  EXPECT_EQ(map.interleave, 0);
  EXPECT_EQ(map.swizzle, 3); // 128 bytes a row.
  EXPECT_EQ(map.l2Promotion, 3);
  EXPECT_EQ(map.fill, 0);
}

TEST_F(RuntimeTest, SwizzleFollowsTheBox) {
  const std::pair<int64_t, int> cases[] = {{64, 3}, {32, 2}, {16, 1}, {8, 0}};
  for (auto [columns, swizzle] : cases) {
    fakecuda::state().maps.clear();
    Package package = test::scalePackage();
    package.manifest.functions[0].launches[0].parameters[0].box[2] = columns;
    auto other = std::move(*Module::create(std::move(package)));
    ASSERT_TRUE(
        other->functions()[0]
            .launch({bf16(data, {1, 2, 64})}, {bf16(out, {1, 2, 64})}, workspace, 1024, nullptr)
            .ok());
    EXPECT_EQ(state().maps[0].swizzle, swizzle) << columns;
  }
}

TEST_F(RuntimeTest, TakesStrides) {
  TensorRef x = bf16(data, {2, 4, 64});
  x.strides = {64, 2 * 64, 1}; // As a transposed [4, 2, 64].
  ASSERT_TRUE(launch(x, bf16(out, {2, 4, 64})).ok());
  EXPECT_THAT(state().maps[0].strides, ElementsAre(256, 128));
}

TEST_F(RuntimeTest, StridesOfSingleDimensionsAreFree) {
  TensorRef x = bf16(data, {1, 2, 64});
  x.strides[0] = 7;
  ASSERT_TRUE(launch(x, bf16(out, {1, 2, 64})).ok());
  EXPECT_EQ(state().maps[0].strides[1] % 16, 0u);
}

/// One of two launches runs: the second where no map can be made of x, at an odd address or with odd strides.
TEST_F(RuntimeTest, SubstitutesWhereMapsCannotBeMade) {
  Package package = test::scalePackage();
  Launch &other = package.manifest.functions[0].launches[1];
  other.substitute = true;
  other.parameters[0].kind = Parameter::Kind::View;
  other.parameters[0].box.clear();
  state().kernels["scale"] = std::vector<size_t>(22, 8);
  auto read = Manifest::parse(package.manifest.json());
  ASSERT_TRUE(bool(read)) << read.status().message();
  package.manifest = *read;
  module = std::move(*Module::create(std::move(package)));
  TensorRef wide = bf16(data, {2, 4, 64});
  wide.strides = {4 * 65, 65, 1};
  const std::pair<TensorRef, const char *> cases[] = {
      {bf16(data, {2, 4, 64}), "sum"}, {bf16(data + 2, {2, 4, 64}), "scale"}, {wide, "scale"}};
  for (const auto &[x, name] : cases) {
    state().launches.clear();
    Status status = launch(x, bf16(out, {2, 4, 64}));
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(state().launches.size(), 1u);
    EXPECT_EQ(state().launches[0].name, name);
  }
}

TEST_F(RuntimeTest, NothingToDoLaunchesNothing) {
  ASSERT_TRUE(launch(bf16(nullptr, {2, 0, 64}), bf16(nullptr, {2, 0, 64})).ok());
  EXPECT_TRUE(state().launches.empty());
}

TEST_F(RuntimeTest, EmptyTensorsHaveMaps) {
  // A kernel that has work though x is empty: y = zeros, say.
  Package package = test::scalePackage();
  FunctionInfo &function = package.manifest.functions[0];
  function.results[0].sizes = {2, 2, 64};
  function.launches.erase(function.launches.begin());
  function.launches[0].grid = 1;
  function.launches[0].parameters.back().sizes = {2, 2, 64};
  module = std::move(*Module::create(std::move(package)));
  Status status = launch(bf16(nullptr, {2, 0, 64}), bf16(out, {2, 2, 64}));
  ASSERT_TRUE(status.ok()) << status.message();
  // One element, somewhere in memory; the kernel sees the true sizes.
  EXPECT_THAT(state().maps[0].sizes, ElementsAre(1, 1, 1));
  EXPECT_NE(state().maps[0].address, nullptr);
  EXPECT_EQ(valueOf<int32_t>(state().launches[0].parameters[2]), 0);
}

TEST_F(RuntimeTest, GridIsBoundedByMultiprocessors) {
  std::vector<char> big(size_t(300) * 2 * 64 * 2 + 256);
  auto aligned = reinterpret_cast<uintptr_t>(big.data() + 255) / 256 * 256;
  void *memory = reinterpret_cast<void *>(aligned);
  std::vector<char> space(300 * 2 * 4 + 512);
  void *work =
      reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(space.data() + 255) / 256 * 256);
  Status status = module->functions()[0].launch({bf16(memory, {300, 2, 64})},
                                                {bf16(memory, {300, 2, 64})}, work, 2560, nullptr);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(state().launches[0].grid[0], 132u);
  EXPECT_EQ(state().launches[1].grid[0], 300u);
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

TEST_F(RuntimeTest, LoadsOncePerContext) {
  TensorRef x = bf16(data, {2, 2, 64}), y = bf16(out, {2, 2, 64});
  for (int device : {0, 1, 0, 1}) {
    fakecuda::setCurrent(device);
    ASSERT_TRUE(launch(x, y).ok());
  }
  EXPECT_EQ(state().calls["cuModuleLoadData"], 2);
  EXPECT_NE(state().launches[0].context, state().launches[2].context);
  EXPECT_EQ(state().calls["cuDevicePrimaryCtxRetain"], 0);
  module.reset();
  EXPECT_EQ(state().calls["cuModuleUnload"], 2);
  EXPECT_EQ(state().allocatedBytes, 0);
  EXPECT_EQ(state().contextDepth, 0);
}

TEST_F(RuntimeTest, WithoutAContextUsesTheFirstDevice) {
  ASSERT_TRUE(launch(bf16(data, {2, 2, 64}), bf16(out, {2, 2, 64})).ok());
  EXPECT_NE(state().launches[0].context, nullptr);
  EXPECT_EQ(state().contextDepth, 0); // And leaves none behind.
}

TEST_F(RuntimeTest, LaunchAllocatesNothing) {
  ASSERT_TRUE(module->prepare().ok());
  auto before = state().calls;
  state().capturing = true;
  ASSERT_TRUE(launch(bf16(data, {2, 2, 64}), bf16(out, {2, 2, 64})).ok());
  for (const char *name : {"cuMemAlloc_v2", "cuModuleLoadData", "cuCtxSynchronize"})
    EXPECT_EQ(state().calls[name], before[name]) << name;
}

TEST_F(RuntimeTest, DoesNotLoadDuringCapture) {
  state().capturing = true;
  Status status = launch(bf16(data, {2, 2, 64}), bf16(out, {2, 2, 64}));
  EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("call prepare before the capture"));
}

TEST_F(RuntimeTest, ManyThreadsLoadOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      fakecuda::setCurrent(0);
      failed += !launch(bf16(data, {2, 2, 64}), bf16(out, {2, 2, 64})).ok();
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(state().calls["cuModuleLoadData"], 1);
  EXPECT_EQ(state().launches.size(), 16u);
}

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

TEST_F(RuntimeTest, ChecksArguments) {
  TensorRef y = bf16(out, {2, 2, 64});
  auto message = [&](const TensorRef &x) {
    Status status = launch(x, y);
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message(TensorRef::contiguous(data, DType::F16, {2, 2, 64})),
            "'x': expected elements of bf16, got f16");
  EXPECT_EQ(message(bf16(data, {2, 2})), "'x': expected 3 dimensions, shape [?, ?, 64], got 2");
  EXPECT_EQ(message(bf16(data, {2, 2, 32})), "'x': expected shape [?, ?, 64], got [2, 2, 32]");
  EXPECT_EQ(message(bf16(nullptr, {2, 2, 64})), "'x': expected data, got a null pointer");
  EXPECT_EQ(message(bf16(data, {2, 3, 64})), "expected an even number of rows, got 1 != 0");
  EXPECT_THAT(message(bf16(data + 8, {2, 2, 64})), HasSubstr("aligned to 16 bytes"));
  EXPECT_THAT(message(bf16(data, {int64_t(1) << 60, 2, 64})), HasSubstr("less than 2^63 bytes"));
  TensorRef x = bf16(data, {2, 2, 64});
  x.strides[2] = 2;
  EXPECT_THAT(message(x), HasSubstr("'x': expected a contiguous last dimension"));
  x.strides = {64 * 2, 65, 1};
  EXPECT_THAT(message(x), HasSubstr("multiples of 16 bytes, got 130 bytes in dimension 1"));
  x.strides = {int64_t(1) << 40, 64, 1};
  EXPECT_THAT(message(x), HasSubstr("from 0 to 2^40 bytes"));
  EXPECT_TRUE(state().launches.empty());
}

TEST_F(RuntimeTest, ChecksResultsAndWorkspace) {
  TensorRef x = bf16(data, {2, 2, 64});
  EXPECT_THAT(launch(x, bf16(out, {2, 4, 64})).message(),
              HasSubstr("'y': expected shape [2, 2, 64], got [2, 4, 64]"));
  const Function function = module->functions()[0];
  EXPECT_EQ(*function.workspaceBytes({x}), 256);
  TensorRef y = bf16(out, {2, 2, 64});
  EXPECT_THAT(function.launch({x}, {y}, workspace, 128, nullptr).message(),
              HasSubstr("expected a workspace of 256 bytes, got 128"));
  EXPECT_THAT(function.launch({x}, {y}, nullptr, 1024, nullptr).message(), HasSubstr("got 0"));
  EXPECT_THAT(function.launch({x}, {y}, workspace + 16, 512, nullptr).message(),
              HasSubstr("aligned to 256"));
  EXPECT_THAT(function.launch({x}, {}, workspace, 512, nullptr).message(),
              HasSubstr("expected 1 results, got 0"));
}

/// A kernel may rely on how a result lies in memory, which is known when it is launched and not before.
TEST_F(RuntimeTest, ChecksStridesOfResults) {
  Package package = test::scalePackage();
  package.manifest.functions[0].checks.push_back(
      {Expr::stride(1, 1), 64, Expr::Kind::Eq, "expected no gaps between rows of y"});
  module = std::move(*Module::create(std::move(package)));
  TensorRef x = bf16(data, {2, 2, 64}), y = bf16(out, {2, 2, 64});
  EXPECT_EQ(*module->functions()[0].workspaceBytes({x}), 256);
  EXPECT_TRUE(launch(x, y).ok());
  y.strides = {256, 128, 1};
  EXPECT_EQ(launch(x, y).message(), "expected no gaps between rows of y, got 128 != 64");
}

TEST_F(RuntimeTest, ReportsTheDriver) {
  TensorRef x = bf16(data, {2, 2, 64}), y = bf16(out, {2, 2, 64});
  for (const char *name :
       {"cuCtxGetCurrent", "cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute",
        "cuTensorMapEncodeTiled", "cuMemAlloc_v2", "cuLaunchKernel"}) {
    state().failures = {{name, 700}};
    module = std::move(*Module::create(test::scalePackage()));
    Status status = launch(x, y);
    EXPECT_EQ(status.code(), StatusCode::Driver) << name;
    EXPECT_THAT(status.message(), HasSubstr("illegal memory access")) << name;
    EXPECT_EQ(state().contextDepth, 0) << name;
    // And works when the reason is gone.
    state().failures.clear();
    EXPECT_TRUE(launch(x, y).ok()) << name;
  }
}

TEST_F(RuntimeTest, NeedsTheRightDevice) {
  state().major = 10;
  Status status = launch(bf16(data, {2, 2, 64}), bf16(out, {2, 2, 64}));
  EXPECT_EQ(status.code(), StatusCode::Unsupported);
  EXPECT_THAT(status.message(), HasSubstr("needs a device of compute capability 9.0, got 10.0"));
}

TEST_F(RuntimeTest, FindsFunctions) {
  EXPECT_EQ(module->function("scale")->info().name, "scale");
  EXPECT_EQ(module->function("")->info().name, "scale");
  EXPECT_EQ(module->function("main").status().message(),
            "there is no function 'main'; the package has 'scale'");
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

TEST_F(RuntimeTest, Devices) {
  EXPECT_EQ(*Device::count(), 2);
  auto device = Device::open(1);
  ASSERT_TRUE(device.ok()) << device.status().message();
  EXPECT_EQ(device->name(), "Fake H100");
  EXPECT_EQ(device->multiprocessors(), 132);
  EXPECT_EQ(device->capability(), (std::pair<int, int>{9, 0}));
  {
    auto buffer = DeviceBuffer::create(*device, 4);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(state().allocatedBytes, 4);
    int in = 42, back = 0;
    ASSERT_TRUE(device->copyToDevice(buffer->data(), &in, 4).ok());
    ASSERT_TRUE(device->copyToHost(&back, buffer->data(), 4).ok());
    EXPECT_EQ(back, 42);
  }
  EXPECT_EQ(state().allocatedBytes, 0);
  auto start = Event::create(*device), stop = Event::create(*device);
  ASSERT_TRUE(start.ok() && stop.ok());
  EXPECT_DOUBLE_EQ(*stop->millisecondsSince(*start), 2.5);
  EXPECT_EQ(Device::open(2).status().message(), "expected a CUDA device below 2, got 2");
  state().failures = {{"cuMemAlloc_v2", 2}};
  EXPECT_THAT(DeviceBuffer::create(*device, 1 << 20).status().message(),
              HasSubstr("cannot allocate 1048576 bytes"));
}
