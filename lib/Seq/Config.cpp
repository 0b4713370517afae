//===- Config.cpp - Tiles and schedules of sequence operations ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/Config.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace longwing;

namespace {
/// Reads the entries of an operation's configuration; what it does not name keeps its value.
struct Reader {
  explicit Reader(Operation *op) : dict(op->getAttrOfType<DictionaryAttr>(kConfigAttr)) {}
  void operator()(StringRef name, int64_t &value) const {
    if (auto attr = dict ? dict.getAs<IntegerAttr>(name) : IntegerAttr())
      value = attr.getInt();
  }
  void operator()(StringRef name, bool &value) const {
    if (auto attr = dict ? dict.getAs<BoolAttr>(name) : BoolAttr())
      value = attr.getValue();
  }
  DictionaryAttr dict;
};

/// Collects the entries of an operation's configuration.
struct Writer {
  explicit Writer(Operation *op) : op(op), b(op->getContext()) {}
  ~Writer() { op->setAttr(kConfigAttr, b.getDictionaryAttr(entries)); }
  void operator()(StringRef name, int64_t value) {
    entries.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(value)));
  }
  void operator()(StringRef name, bool value) {
    entries.push_back(b.getNamedAttr(name, b.getBoolAttr(value)));
  }
  Operation *op;
  Builder b;
  SmallVector<NamedAttribute> entries;
};

/// The entries of each configuration, for a reader or a writer.
template <typename Config, typename Access>
void visitAttention(Config &config, Access &&entry) {
  entry("consumers", config.consumers);
  entry("keys", config.keys);
  entry("overlap", config.overlap);
  entry("persistent", config.persistent);
  entry("query_stages", config.queryStages);
  entry("stages", config.stages);
}

template <typename Config, typename Access>
void visitLinearAttention(Config &config, Access &&entry) {
  entry("chunk", config.chunk);
  entry("consumers", config.consumers);
  entry("exact", config.exact);
  entry("persistent", config.persistent);
  entry("split", config.split);
  entry("stages", config.stages);
}
} // namespace

AttentionConfig AttentionConfig::read(seq::AttentionOp op) {
  AttentionConfig config;
  visitAttention(config, Reader(op));
  return config;
}

void AttentionConfig::write(seq::AttentionOp op) const { visitAttention(*this, Writer(op)); }

LinearAttentionConfig LinearAttentionConfig::read(seq::LinearAttentionOp op) {
  LinearAttentionConfig config;
  visitLinearAttention(config, Reader(op));
  return config;
}

void LinearAttentionConfig::write(seq::LinearAttentionOp op) const {
  visitLinearAttention(*this, Writer(op));
}
