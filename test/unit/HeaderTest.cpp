//===- HeaderTest.cpp - Emitted headers, on a fake driver -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "odd.h"
#include "scaling.h"

#include "FakeCuda.h"
#include "TestPackage.h"
#include "longwing/Runtime.h"

#include <gmock/gmock.h>

using fakecuda::state;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {
class HeaderTest : public testing::Test {
protected:
  HeaderTest() {
    fakecuda::reset();
    // One device for each test: a header loads its code into a context only once.
    static int device = 0;
    fakecuda::setCurrent(device++);
    std::vector<size_t> sum = {128, 4, 4, 4, 8, 8, 8, 8, 8}, scale = sum;
    scale.insert(scale.end(), 10, 8);
    state().kernels = {
        {"sum", sum}, {"scale", scale}, {"first\\", {8, 8, 8, 8, 8}}, {"second", {}}};
  }
  ~HeaderTest() override { fakecuda::setCurrent(-1); }

  alignas(256) char data[4096];
  alignas(256) char out[4096];
  alignas(256) char workspace[1024];
};
} // namespace

/// The header and the runtime launch the same kernels with the same parameters.
TEST_F(HeaderTest, LaunchesAsTheRuntimeDoes) {
  void *stream = data;
  auto x = scaling::lw::contiguous(data, {2, 34, 64});
  x.strides[0] = 40 * 64;
  scaling::Tensor y;
  ASSERT_EQ(scaling::scale_sizes(x, &y), 0) << scaling::error_message();
  EXPECT_EQ(y.sizes[1], 34);
  EXPECT_EQ(y.strides[0], 34 * 64);
  int64_t bytes = 0;
  ASSERT_EQ(scaling::scale_workspace_bytes(x, &bytes), 0);
  EXPECT_EQ(bytes, 512);
  y.data = out;
  ASSERT_EQ(scaling::scale_launch(x, y, workspace, stream), 0) << scaling::error_message();
  auto launches = state().launches;
  auto maps = state().maps;
  state().launches.clear();
  state().maps.clear();

  using namespace longwing;
  auto module = std::move(*Module::create(test::scalePackage()));
  TensorRef input = TensorRef::contiguous(data, DType::BF16, {2, 34, 64});
  input.strides[0] = 40 * 64;
  Status status = module->functions()[0].launch(
      {input}, {TensorRef::contiguous(out, DType::BF16, {2, 34, 64})}, workspace, 1024, stream);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(launches.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    const auto &mine = launches[i], &its = state().launches[i];
    EXPECT_EQ(mine.name, its.name);
    EXPECT_EQ(mine.grid, its.grid);
    EXPECT_EQ(mine.block, its.block);
    EXPECT_EQ(mine.sharedBytes, its.sharedBytes);
    EXPECT_EQ(mine.stream, its.stream);
    ASSERT_EQ(mine.parameters.size(), its.parameters.size());
    for (size_t p = 0; p < mine.parameters.size(); ++p)
      if (i != 1 || p != 9) // The constant, of which each has its own copy.
        EXPECT_EQ(mine.parameters[p], its.parameters[p]) << i << " " << p;
    EXPECT_EQ(maps[i].strides, state().maps[i].strides);
    EXPECT_EQ(maps[i].box, state().maps[i].box);
    EXPECT_EQ(maps[i].swizzle, state().maps[i].swizzle);
  }
}

TEST_F(HeaderTest, ReturnsErrorCodes) {
  auto x = scaling::lw::contiguous(data, {2, 2, 64}), y = scaling::lw::contiguous(out, {2, 2, 64});
  auto expectInvalid = [&](const scaling::Tensor &a, const scaling::Tensor &b, void *space,
                           const char *message) {
    EXPECT_EQ(scaling::scale_launch(a, b, space, nullptr), scaling::lw::kInvalidArgument);
    EXPECT_THAT(scaling::error_message(), HasSubstr(message));
  };
  expectInvalid(scaling::lw::contiguous(data, {2, 3, 64}), y, workspace,
                "expected an even number of rows");
  expectInvalid(scaling::lw::contiguous(data, {2, 2, 32}), y, workspace,
                "'x': expected size 64 in dimension 2, got 32");
  expectInvalid(x, scaling::lw::contiguous(out, {2, 4, 64}), workspace,
                "'y': expected size 2 in dimension 1, got 4");
  expectInvalid(x, y, nullptr, "expected a workspace of 256 bytes");
  expectInvalid(scaling::lw::contiguous(nullptr, {2, 2, 64}), y, workspace, "a null pointer");
  expectInvalid(scaling::lw::contiguous(data + 8, {2, 2, 64}), y, workspace, "aligned to 16");
  state().failures = {{"cuLaunchKernel", 700}};
  EXPECT_EQ(scaling::scale_launch(x, y, workspace, nullptr), 700);
  EXPECT_THAT(scaling::error_message(), HasSubstr("illegal memory access"));
  EXPECT_TRUE(state().launches.empty());
}

TEST_F(HeaderTest, LoadsBeforeACapture) {
  auto x = scaling::lw::contiguous(data, {2, 2, 64}), y = scaling::lw::contiguous(out, {2, 2, 64});
  state().capturing = true;
  EXPECT_EQ(scaling::scale_launch(x, y, workspace, nullptr), scaling::lw::kInvalidArgument);
  EXPECT_THAT(scaling::error_message(), HasSubstr("call prepare before the capture"));
  state().capturing = false;
  ASSERT_EQ(scaling::prepare(), 0) << scaling::error_message();
  auto before = state().calls;
  state().capturing = true;
  EXPECT_EQ(scaling::scale_launch(x, y, workspace, nullptr), 0);
  EXPECT_EQ(state().calls["cuMemAlloc_v2"], before["cuMemAlloc_v2"]);
  EXPECT_EQ(state().calls["cuModuleLoadData"], 1);
}

TEST_F(HeaderTest, RefusesOtherDevices) {
  state().major = 8;
  EXPECT_EQ(scaling::prepare(), scaling::lw::kUnsupported);
  EXPECT_THAT(scaling::error_message(), HasSubstr("compute capability 9.0, got 8.0"));
}

/// Any name is allowed, and expressions mean what they mean in a manifest.
TEST_F(HeaderTest, OddNames) {
  using namespace longwing;
  auto numbers = odd_names::lw::contiguous(data, {5, 4});
  odd_names::Tensor scalar{out, {1}, {1}};
  ASSERT_EQ(odd_names::main_launch(numbers, scalar, scalar, scalar, scalar, scalar, scalar, nullptr,
                                   nullptr),
            0)
      << odd_names::error_message();
  ASSERT_EQ(state().launches.size(), 2u);
  Package package = test::oddPackage();
  Bindings bindings;
  bindings.size = [](unsigned, unsigned d) { return d ? 4 : 5; };
  auto grid = package.manifest.functions[0].launches[0].grid.evaluate(bindings);
  ASSERT_TRUE(grid.ok());
  EXPECT_THAT(state().launches[0].grid, ElementsAre(unsigned(*grid), 1, 1));
  EXPECT_EQ(state().launches[0].name, "first\\");
  void *second = data + 4 * 4;
  EXPECT_EQ(std::memcmp(state().launches[0].parameters[1].data(), &second, 8), 0);
  EXPECT_EQ(state().images[0], "// p");
  // An empty grid of INT64_MIN is refused.
  numbers = odd_names::lw::contiguous(data, {100, 4});
  EXPECT_EQ(odd_names::main_launch(numbers, scalar, scalar, scalar, scalar, scalar, scalar, nullptr,
                                   nullptr),
            odd_names::lw::kInvalidArgument);
}
