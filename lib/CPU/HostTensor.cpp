//===- HostTensor.cpp - Tensors in the caller's memory --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

using namespace longwing::cpu;

unsigned longwing::cpu::sizeOf(DType dtype) {
  switch (dtype) {
  case DType::I1:
  case DType::I8:
    return 1;
  case DType::F16:
  case DType::BF16:
    return 2;
  case DType::F32:
  case DType::I32:
    return 4;
  case DType::F64:
  case DType::I64:
    return 8;
  }
  llvm_unreachable("a DType has a size");
}

llvm::StringRef longwing::cpu::toString(DType dtype) {
  static const char *const names[] = {"f16", "bf16", "f32", "f64", "i1", "i8", "i32", "i64"};
  return names[unsigned(dtype)];
}

int64_t HostTensor::numElements() const {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

bool HostTensor::isContiguous() const {
  if (strides.empty())
    return true;
  int64_t expected = 1;
  for (auto [size, stride] : llvm::reverse(llvm::zip(sizes, strides))) {
    if (size != 1 && stride != expected)
      return numElements() == 0;
    expected *= size;
  }
  return true;
}

HostArray::HostArray(DType dtype, std::vector<int64_t> sizes) {
  view.dtype = dtype;
  view.sizes = std::move(sizes);
  // One byte at least, so that an empty tensor has an address too.
  memory.reset(new char[std::max<int64_t>(1, view.numElements() * sizeOf(dtype))]());
  view.data = memory.get();
}
