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

AttentionConfig AttentionConfig::read(seq::AttentionOp op) {
  AttentionConfig config;
  auto dict = op->getAttrOfType<DictionaryAttr>(kConfigAttr);
  if (!dict)
    return config;
  auto integer = [&](StringRef name, int64_t &value) {
    if (auto attr = dict.getAs<IntegerAttr>(name))
      value = attr.getInt();
  };
  auto boolean = [&](StringRef name, bool &value) {
    if (auto attr = dict.getAs<BoolAttr>(name))
      value = attr.getValue();
  };
  integer("consumers", config.consumers);
  integer("keys", config.keys);
  integer("stages", config.stages);
  integer("query_stages", config.queryStages);
  boolean("persistent", config.persistent);
  boolean("overlap", config.overlap);
  return config;
}

void AttentionConfig::write(seq::AttentionOp op) const {
  Builder b(op.getContext());
  op->setAttr(kConfigAttr, b.getDictionaryAttr({
                               b.getNamedAttr("consumers", b.getI64IntegerAttr(consumers)),
                               b.getNamedAttr("keys", b.getI64IntegerAttr(keys)),
                               b.getNamedAttr("overlap", b.getBoolAttr(overlap)),
                               b.getNamedAttr("persistent", b.getBoolAttr(persistent)),
                               b.getNamedAttr("query_stages", b.getI64IntegerAttr(queryStages)),
                               b.getNamedAttr("stages", b.getI64IntegerAttr(stages)),
                           }));
}
