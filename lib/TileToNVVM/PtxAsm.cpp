//===- PtxAsm.cpp - The one place where inline PTX is built ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace longwing;

/// The constraint letter of a register of the type.
static StringRef letter(Type type) {
  if (type.isF32())
    return "f";
  if (type.isInteger(64))
    return "l";
  if (type.isInteger(1))
    return "b";
  return "r";
}

static SmallVector<Value> inlineAsm(OpBuilder &b, Location loc, StringRef text,
                                    StringRef constraints, ValueRange operands,
                                    ArrayRef<Type> results, bool sideEffects = true) {
  Type type = results.empty()       ? Type()
              : results.size() == 1 ? results.front()
                                    : LLVM::LLVMStructType::getLiteral(b.getContext(), results);
  auto dialect = LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT);
  auto op = LLVM::InlineAsmOp::create(b, loc, type, operands, text, constraints,
                                      /*has_side_effects=*/sideEffects, /*is_align_stack=*/false,
                                      LLVM::tailcallkind::TailCallKind::None, dialect, ArrayAttr());
  if (results.size() == 1)
    return {op.getRes()};
  SmallVector<Value> values;
  for (size_t i = 0; i < results.size(); ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, loc, op.getRes(), i));
  return values;
}

namespace {
/// Numbers operands and collects their constraints: outputs first, then inputs, then tied inputs.
struct Constraints {
  std::string text;
  unsigned count = 0;

  void add(const Twine &constraint) {
    if (!text.empty())
      text += ',';
    text += constraint.str();
    ++count;
  }
};
} // namespace

SmallVector<Value> ptx::wgmma(OpBuilder &b, Location loc, const Wgmma &product) {
  unsigned partRegisters = product.n / 2, registers = product.parts * partRegisters;
  bool registerA = product.a.size() > 1;
  Constraints constraints;
  SmallVector<Value> operands;
  for (unsigned i = 0; i < registers; ++i)
    constraints.add("=f");
  unsigned a0 = constraints.count;
  for (Value value : product.a) {
    constraints.add(letter(value.getType()));
    operands.push_back(value);
  }
  unsigned descriptorB = constraints.count;
  constraints.add("l");
  operands.push_back(product.b);
  for (auto [i, value] : llvm::enumerate(product.d)) {
    constraints.add(Twine(i)); // tied to output i
    operands.push_back(value);
  }

  std::string text;
  llvm::raw_string_ostream os(text);
  os << "{ .reg .b64 a, b; .reg .pred none; setp.ne.b32 none, 0, 0; wgmma.fence.sync.aligned; ";
  StringRef type = product.element.isBF16() ? "bf16" : "f16";
  size_t steps = product.bOffset.size() / product.parts;
  for (size_t i = 0; i < product.bOffset.size(); ++i) {
    unsigned part = i / steps, step = i % steps;
    // Descriptors count in units of 16 bytes.
    if (!registerA)
      os << "add.s64 a, $" << a0 << ", " << (product.aOffset[step] >> 4) << "; ";
    os << "add.s64 b, $" << descriptorB << ", " << (product.bOffset[i] >> 4) << "; "
       << "wgmma.mma_async.sync.aligned.m64n" << product.n << "k16.f32." << type << "." << type
       << " {";
    for (unsigned r = 0; r < partRegisters; ++r)
      os << (r ? ", $" : "$") << part * partRegisters + r;
    os << "}, ";
    if (registerA) {
      os << "{";
      for (unsigned r = 0; r < 4; ++r)
        os << (r ? ", $" : "$") << a0 + 4 * step + r;
      os << "}";
    } else {
      os << "a";
    }
    bool adds = step > 0 || !product.d.empty();
    os << ", b, " << (adds ? "1" : "none") << (product.negate ? ", -1, 1, " : ", 1, 1, ");
    if (!registerA)
      os << "0, ";
    os << (product.transposeB ? "1" : "0") << "; ";
  }
  os << "wgmma.commit_group.sync.aligned; }";
  SmallVector<Type> results(registers, b.getF32Type());
  return inlineAsm(b, loc, text, constraints.text, operands, results);
}

SmallVector<Value> ptx::wgmmaWait(OpBuilder &b, Location loc, int64_t pending, ValueRange values) {
  Constraints constraints;
  SmallVector<Type> types(values.getTypes());
  for (Type type : types)
    constraints.add("=" + letter(type));
  for (size_t i = 0; i < types.size(); ++i)
    constraints.add(Twine(i));
  std::string text = ("wgmma.wait_group.sync.aligned " + Twine(pending) + ";").str();
  return inlineAsm(b, loc, text, constraints.text, values, types);
}

static bool hasText(Operation *op, StringRef text) {
  auto assembly = dyn_cast_or_null<LLVM::InlineAsmOp>(op);
  return assembly && assembly.getAsmString().contains(text);
}

bool ptx::isProduct(Operation *op) { return hasText(op, "wgmma.mma_async"); }
bool ptx::isWait(Operation *op) { return hasText(op, "wgmma.wait_group"); }

Value ptx::opaque(OpBuilder &b, Location loc, Value value, bool pinned) {
  bool wide = value.getType().isInteger(64);
  return inlineAsm(b, loc, wide ? "mov.b64 $0, $1;" : "mov.b32 $0, $1;", wide ? "=l,l" : "=r,r",
                   value, value.getType(), /*sideEffects=*/pinned)
      .front();
}

/// The zero is subtracted: where several sums have it as a term, ptxas (13.0, -O2) makes each of them by an IMAD.HI that
/// adds a pair of registers, and takes two of these for one whose pairs differ in the upper half alone.
Value ptx::remade(OpBuilder &b, Location loc, Value value) {
  return inlineAsm(b, loc,
                   "{ .reg .b32 now; mov.u32 now, %clock; and.b32 now, now, 255; "
                   "mul.hi.u32 now, now, 255; sub.s32 $0, $1, now; }",
                   "=r,r", value, value.getType(), /*sideEffects=*/true)
      .front();
}

Value ptx::loadHere(OpBuilder &b, Location loc, Value address, unsigned bits) {
  bool half = bits == 16;
  return inlineAsm(b, loc, half ? "ld.global.nc.b16 $0, [$1];" : "ld.global.nc.b32 $0, [$1];", half ? "=h,l" : "=r,l", address,
                   b.getIntegerType(bits))
      .front();
}

SmallVector<Value> ptx::loadIf(OpBuilder &b, Location loc, Value address, Value predicate,
                               int64_t words, bool half) {
  std::string text = "{ .reg .pred p; setp.ne.b32 p, $" + std::to_string(words + 1) + ", 0; ";
  std::string outputs, constraints;
  for (int64_t i = 0; i < words; ++i) {
    std::string name = "$" + std::to_string(i);
    text += (half ? "mov.b16 " : "mov.b32 ") + name + ", 0; ";
    outputs += (i ? ", " : "") + name;
    constraints += half ? "=h," : "=r,";
  }
  std::string vector = words > 1 ? ".v" + std::to_string(words) : "";
  text += "@p ld.global" + vector + (half ? ".b16 " : ".b32 ") + (words > 1 ? "{" : "") + outputs +
          (words > 1 ? "}" : "") + ", [$" + std::to_string(words) + "]; }";
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), predicate);
  Type word = half ? b.getI16Type() : b.getI32Type();
  return inlineAsm(b, loc, text, constraints + "l,r,~{memory}", {address, flag},
                   SmallVector<Type>(words, word));
}

void ptx::prefetchIf(OpBuilder &b, Location loc, Value address, Value bytes, Value predicate) {
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), predicate);
  inlineAsm(b, loc, "{ .reg .pred p; setp.ne.b32 p, $2, 0; @p cp.async.bulk.prefetch.L2.global [$0], $1; }", "l,r,r",
            {address, bytes, flag}, {});
}

void ptx::storeIf(OpBuilder &b, Location loc, Value address, Value predicate, ValueRange words,
                  bool half) {
  std::string values, constraints = "l,r";
  for (size_t i = 0; i < words.size(); ++i) {
    values += (i ? ", $" : "$") + std::to_string(i + 2);
    constraints += half ? ",h" : ",r";
  }
  bool several = words.size() > 1;
  std::string vector = several ? ".v" + std::to_string(words.size()) : "";
  std::string text = "{ .reg .pred p; setp.ne.b32 p, $1, 0; @p st.global" + vector +
                     (half ? ".b16" : ".b32") + " [$0], " +
                     (several ? "{" + values + "}" : values) + "; }";
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), predicate);
  SmallVector<Value> operands = {address, flag};
  llvm::append_range(operands, words);
  inlineAsm(b, loc, text, constraints + ",~{memory}", operands, {});
}

Value ptx::permute(OpBuilder &b, Location loc, Value low, Value high, int64_t selector) {
  return inlineAsm(b, loc, "prmt.b32 $0, $1, $2, " + std::to_string(selector) + ";", "=r,r,r",
                   {low, high}, low.getType(), /*sideEffects=*/false)
      .front();
}

Value ptx::permute(OpBuilder &b, Location loc, Value low, Value high, Value selector) {
  return inlineAsm(b, loc, "prmt.b32 $0, $1, $2, $3;", "=r,r,r,r", {low, high, selector}, low.getType(),
                   /*sideEffects=*/false)
      .front();
}

Value ptx::pinned(OpBuilder &b, Location loc, Value value) {
  return inlineAsm(b, loc, "shfl.sync.bfly.b32 $0, $1, 0, 31, 0xffffffff;", "=r,r", value,
                   value.getType())
      .front();
}

Value ptx::meetIf(OpBuilder &b, Location loc, Value number, int64_t threads, Value predicate) {
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), predicate);
  std::string text = "{ .reg .pred p, q; setp.ne.b32 p, $2, 0; barrier.cta.red.and.pred q, $1, " + std::to_string(threads) +
                     ", p; selp.b32 $0, 1, 0, q; }";
  Value met = inlineAsm(b, loc, text, "=r,r,r,~{memory}", {number, flag}, flag.getType()).front();
  return LLVM::TruncOp::create(b, loc, predicate.getType(), met);
}

void ptx::arrive(OpBuilder &b, Location loc, Value barrier, Value predicate, Value read, Value zero) {
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), predicate);
  SmallVector<Value> operands = {barrier, flag};
  if (read)
    operands.append({read, zero});
  inlineAsm(b, loc,
            "{ .reg .pred p; .reg .b32 at; setp.ne.b32 p, $1, 0; " +
                std::string(read ? "mad.lo.s32 at, $2, $3, $0; " : "mov.b32 at, $0; ") +
                "@p mbarrier.arrive.shared::cta.b64 _, [at]; }",
            read ? "r,r,r,r,~{memory}" : "r,r,~{memory}", operands, {});
}

/// "{$first, $first+1, ...}"
static std::string braced(unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", $" : "$") + std::to_string(first + i);
  return text + "}";
}

//===----------------------------------------------------------------------===//
// Between the CTAs of a cluster
//===----------------------------------------------------------------------===//

Value ptx::inMember(OpBuilder &b, Location loc, Value address, Value member) {
  return inlineAsm(b, loc, "mapa.shared::cluster.u32 $0, $1, $2;", "=r,r,r", {address, member},
                   address.getType(), /*sideEffects=*/false)
      .front();
}

void ptx::copyToMember(OpBuilder &b, Location loc, Value target, Value source, Value barrier, int64_t bytes) {
  inlineAsm(b, loc,
            "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [$0], [$1], " + std::to_string(bytes) +
                ", [$2];",
            "r,r,r,~{memory}", {target, source, barrier}, {});
}

/// What arrives is in shared memory: an acquire of all memory would throw the L1 cache away.
void ptx::waitForCluster(OpBuilder &b, Location loc, Value barrier, Value parity) {
  inlineAsm(b, loc,
            "{ .reg .pred p; again: mbarrier.try_wait.parity.relaxed.cluster.shared::cta.b64 p, [$0], $1; "
            "@!p bra again; fence.acquire.sync_restrict::shared::cluster.cluster; }",
            "r,r,~{memory}", {barrier, parity}, {});
}

//===----------------------------------------------------------------------===//
// A matrix for each warp
//===----------------------------------------------------------------------===//

static std::string address(unsigned operand, int64_t offset) {
  return "[$" + std::to_string(operand) + " + " + std::to_string(offset) + "]";
}

SmallVector<Value> ptx::mma(OpBuilder &b, Location loc, StringRef form, ValueRange a,
                            ValueRange factor, ValueRange c) {
  unsigned n = c.size();
  Type type = c.front().getType();
  Constraints constraints;
  for (unsigned i = 0; i < n; ++i)
    constraints.add("=" + letter(type));
  SmallVector<Value> operands(a);
  llvm::append_range(operands, factor);
  for (size_t i = 0; i < operands.size(); ++i)
    constraints.add("r");
  llvm::append_range(operands, c);
  for (unsigned i = 0; i < n; ++i)
    constraints.add(letter(type));
  unsigned right = n + a.size(), sum = right + factor.size();
  std::string text = "mma.sync.aligned." + form.str() + " " + braced(0, n) + ", " + braced(n, a.size()) + ", " +
                     braced(right, factor.size()) + ", " + braced(sum, n) + ";";
  return inlineAsm(b, loc, text, constraints.text, operands, SmallVector<Type>(n, type),
                   /*sideEffects=*/false);
}

Value ptx::negatePair(OpBuilder &b, Location loc, Value pair) {
  return inlineAsm(b, loc, "neg.f16x2 $0, $1;", "=r,r", pair, pair.getType(), /*sideEffects=*/false)
      .front();
}

SmallVector<Value> ptx::loadMatrix(OpBuilder &b, Location loc, Value base, int64_t offset,
                                   bool transpose) {
  std::string text = "ldmatrix.sync.aligned.m8n8.x4." + std::string(transpose ? "trans." : "") +
                     "shared.b16 " + braced(0, 4) + ", " + address(4, offset) + ";";
  return inlineAsm(b, loc, text, "=r,=r,=r,=r,r,~{memory}", base,
                   SmallVector<Type>(4, b.getI32Type()));
}

Value ptx::moveMatrix(OpBuilder &b, Location loc, Value word) {
  return inlineAsm(b, loc, "movmatrix.sync.aligned.m8n8.trans.b16 $0, $1;", "=r,r", word,
                   word.getType())
      .front();
}

void ptx::storeMatrix(OpBuilder &b, Location loc, Value base, int64_t offset, ValueRange words) {
  SmallVector<Value> operands = {base};
  llvm::append_range(operands, words);
  inlineAsm(b, loc,
            "stmatrix.sync.aligned.m8n8.x4.shared.b16 " + address(0, offset) + ", " + braced(1, 4) +
                ";",
            "r,r,r,r,r,~{memory}", operands, {});
}

SmallVector<Value> ptx::loadWords(OpBuilder &b, Location loc, Value base, int64_t offset,
                                  int64_t count, bool lasts) {
  bool shared = base.getType().isInteger(32);
  std::string vector = count > 1 ? ".v" + std::to_string(count) : "", outputs;
  for (int64_t i = 0; i < count; ++i)
    outputs += "=r,";
  std::string words = count > 1 ? braced(0, count) : "$0";
  std::string load = shared ? "ld.shared" : lasts ? "ld.global.L1::evict_last" : "ld.global";
  return inlineAsm(b, loc, load + vector + ".b32 " + words + ", " + address(count, offset) + ";",
                   outputs + (shared ? "r" : "l") + ",~{memory}", base, SmallVector<Type>(count, b.getI32Type()));
}

/// Cache policies as createpolicy.fractional makes them, for all accesses.
static constexpr int64_t kEvictFirst = 0x12F0000000000000, kEvictLast = 0x14F0000000000000;

Value ptx::streamPolicy(OpBuilder &b, Location loc) {
  return LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(kEvictFirst));
}

SmallVector<Value> ptx::loadLasting(OpBuilder &b, Location loc, Value address) {
  Value policy = LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(kEvictLast));
  std::string text = "ld.global.L2::cache_hint.v4.b32 " + braced(0, 4) + ", [$4], $5;";
  return inlineAsm(b, loc, text, "=r,=r,=r,=r,l,l,~{memory}", {address, policy}, SmallVector<Type>(4, b.getI32Type()));
}

void ptx::waitIf(OpBuilder &b, Location loc, Value base, int64_t offset, Value parity,
                 Value predicate) {
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), predicate);
  inlineAsm(b, loc,
            "{ .reg .pred p; setp.eq.b32 p, $2, 0; @p bra done; "
            "again: mbarrier.try_wait.parity.shared::cta.b64 p, " +
                address(0, offset) + ", $1; @!p bra again; done: }",
            "r,r,r,~{memory}", {base, parity, flag}, {});
}

void ptx::arriveWarp(OpBuilder &b, Location loc, Value base, int64_t offset, Value elected) {
  Value flag = LLVM::ZExtOp::create(b, loc, b.getI32Type(), elected);
  inlineAsm(b, loc,
            "{ .reg .pred p; bar.warp.sync 0xffffffff; setp.ne.b32 p, $1, 0; "
            "@p mbarrier.arrive.shared::cta.b64 _, " +
                address(0, offset) + "; }",
            "r,r,~{memory}", {base, flag}, {});
}
