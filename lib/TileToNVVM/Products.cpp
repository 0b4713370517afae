//===- Products.cpp - Matrix products on tensor cores ---------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// The 64-bit matrix descriptor of an operand, 128-byte swizzled or not at all (0):
///
///    63 62 ....... 45 ........ 32 ....... 29 ........ 16 ....... 13 ......... 0
///   | swizzle = 1 |  stride >> 4 |       | leading >> 4 |       | address >> 4 |
Value Emitter::descriptor(Value address, int64_t leadingBytes, int64_t strideBytes,
                          bool swizzled) {
  const uint64_t kSwizzle128 = uint64_t(swizzled) << 62;
  // In a cluster the address carries the CTA's rank from bit 24 on; it must not reach the fields.
  Value low = LLVM::LShrOp::create(b, loc, both(address, i32(0x3FFFF)), i32(4));
  uint64_t fields =
      kSwizzle128 | uint64_t(strideBytes >> 4) << 32 | uint64_t(leadingBytes >> 4) << 16;
  Value wideLow = LLVM::ZExtOp::create(b, loc, b.getI64Type(), low);
  return LLVM::OrOp::create(b, loc, wideLow, i64(fields));
}

void Emitter::emitMma(MmaAsyncOp op) {
  if (isIn<RunsAttr>(op.getA().getType()))
    return emitRunProduct(op);
  constexpr int64_t kRowsOfAtom = 8; // of the swizzle
  auto a = cast<RankedTensorType>(op.getA().getType()), bType = op.getB().getType();
  int64_t steps = a.getDimSize(1) / kMmaStep;
  int64_t panelSteps = kPanelBytes / 2 / kMmaStep;
  int64_t rowsB = bType.getDimSize(0);
  /// Bytes to a step of 16 contiguous columns: 32 within a panel, then the next panel.
  auto across = [&](int64_t step, int64_t rows) {
    return step / panelSteps * rows * kPanelBytes + step % panelSteps * kMmaStep * 2;
  };

  ptx::Wgmma product;
  product.n = op.getResult().getType().getDimSize(1);
  product.element = a.getElementType();
  if (isIn<AFragAttr>(a)) {
    product.a = get(op.getA());
  } else {
    // Each warpgroup multiplies its own 64 rows, or, in a blocked product, the same ones.
    Value rows = one(op.getA());
    if (!op.getBlocked())
      rows = add(rows, mul(tileGroup, kWarpgroupRows * kPanelBytes));
    product.a = {descriptor(rows, 16, kRowsOfAtom * kPanelBytes)};
  }
  // With n contiguous, the next 64 columns of n are a panel away; with k contiguous the field is
  // not used.
  product.transposeB = !op.getTransposeB();
  int64_t leading = product.transposeB ? rowsB * kPanelBytes : 16;
  Value right = one(op.getB());
  if (op.getBlocked())
    right = add(right, mul(tileGroup, a.getDimSize(1) * kPanelBytes));
  product.b = descriptor(right, leading, kRowsOfAtom * kPanelBytes);
  product.negate = op.getNegate();
  for (int64_t step = 0; step < steps; ++step) {
    product.aOffset.push_back(across(step, a.getDimSize(0)));
    product.bOffset.push_back(product.transposeB ? step * kMmaStep * kPanelBytes
                                                 : across(step, rowsB));
  }
  if (op.getC())
    product.d = get(op.getC());
  set(op.getResult(), ptx::wgmma(b, loc, product));
}

void Emitter::emitWait(MmaWaitOp op) {
  Values waited = ptx::wgmmaWait(b, loc, op.getPending(), flatten(op.getValues()));
  unflatten(op.getResults(), waited);
}
