//===- CApiTest.cpp - The runtime's C API, on a fake driver ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "TestPackage.h"
#include "longwing-c/Runtime.h"

#include <gmock/gmock.h>

using namespace longwing;
using testing::HasSubstr;

namespace {
class CApiTest : public testing::Test {
protected:
  CApiTest() {
    fakecuda::reset();
    fakecuda::state().kernels = {{"sum", {}}, {"scale", {}}};
    std::string bytes = test::scalePackage().serialize();
    EXPECT_EQ(lw_module_load_bytes(bytes.data(), bytes.size(), &module), LW_OK);
    x.data = data;
    x.dtype = LW_BF16;
    x.rank = 3;
    const int64_t sizes[] = {2, 2, 64}, strides[] = {128, 64, 1};
    std::copy(sizes, sizes + 3, x.sizes);
    std::copy(strides, strides + 3, x.strides);
  }
  ~CApiTest() override { lw_module_free(module); }

  lw_module *module = nullptr;
  lw_tensor x{};
  alignas(256) char data[1024];
  alignas(256) char out[1024];
  alignas(256) char workspace[256];
};
} // namespace

TEST_F(CApiTest, DescribesFunctions) {
  ASSERT_EQ(lw_module_num_functions(module), 1u);
  EXPECT_STREQ(lw_function_name(module, 0), "scale");
  EXPECT_EQ(lw_function_name(module, 1), nullptr);
  EXPECT_EQ(lw_function_num_arguments(module, 0), 1u);
  EXPECT_EQ(lw_function_num_results(module, 0), 1u);
  lw_tensor_info info;
  ASSERT_EQ(lw_function_argument(module, 0, 0, &info), LW_OK);
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.dtype, LW_BF16);
  EXPECT_EQ(info.rank, 3);
  EXPECT_EQ(info.shape[0], LW_DYNAMIC);
  EXPECT_EQ(info.shape[2], 64);
  EXPECT_EQ(lw_function_result(module, 0, 1, &info), LW_INVALID_ARGUMENT);
  size_t number = 7;
  EXPECT_EQ(lw_module_find_function(module, "scale", &number), LW_OK);
  EXPECT_EQ(number, 0u);
  EXPECT_THAT(lw_module_manifest(module), HasSubstr("\"target\": \"sm_90a\""));
}

TEST_F(CApiTest, Launches) {
  lw_tensor y{};
  ASSERT_EQ(lw_function_infer(module, 0, &x, 1, &y, 1), LW_OK) << lw_last_error();
  EXPECT_EQ(y.rank, 3);
  EXPECT_EQ(y.sizes[1], 2);
  EXPECT_EQ(y.strides[0], 128);
  y.data = out;
  int64_t bytes = 0;
  ASSERT_EQ(lw_function_workspace_bytes(module, 0, &x, 1, &bytes), LW_OK);
  EXPECT_EQ(bytes, 256);
  ASSERT_EQ(lw_module_prepare(module), LW_OK);
  ASSERT_EQ(lw_function_launch(module, 0, &x, 1, &y, 1, workspace, bytes, nullptr), LW_OK)
      << lw_last_error();
  EXPECT_EQ(fakecuda::state().launches.size(), 2u);
}

TEST_F(CApiTest, SaysWhatIsWrong) {
  lw_module *other = nullptr;
  EXPECT_EQ(lw_module_load("/nowhere/model.lwp", &other), LW_IO);
  EXPECT_THAT(lw_last_error(), HasSubstr("'/nowhere/model.lwp'"));
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(lw_module_load_bytes("junk", 4, &other), LW_BAD_PACKAGE);
  EXPECT_EQ(lw_module_load(nullptr, &other), LW_INVALID_ARGUMENT);
  int64_t bytes = 0;
  x.rank = 9;
  EXPECT_EQ(lw_function_workspace_bytes(module, 0, &x, 1, &bytes), LW_INVALID_ARGUMENT);
  EXPECT_THAT(lw_last_error(), HasSubstr("rank from 0 to 8"));
  EXPECT_EQ(lw_function_workspace_bytes(module, 3, &x, 1, &bytes), LW_INVALID_ARGUMENT);
  lw_module_free(nullptr);
}

TEST_F(CApiTest, Devices) {
  int count = 0;
  EXPECT_EQ(lw_device_count(&count), LW_OK);
  EXPECT_EQ(count, 2);
  char name[16];
  EXPECT_EQ(lw_device_name(0, name, sizeof(name)), LW_OK);
  EXPECT_STREQ(name, "Fake H200");
  EXPECT_EQ(lw_device_set(1), LW_OK);
  void *memory = nullptr;
  ASSERT_EQ(lw_device_allocate(8, &memory), LW_OK);
  int64_t in = 5, back = 0;
  EXPECT_EQ(lw_device_copy_in(memory, &in, 8), LW_OK);
  EXPECT_EQ(lw_device_copy_out(&back, memory, 8), LW_OK);
  EXPECT_EQ(back, 5);
  EXPECT_EQ(lw_device_free(memory), LW_OK);
  EXPECT_EQ(lw_device_synchronize(), LW_OK);
  EXPECT_EQ(lw_device_set(5), LW_NO_DRIVER);
}
