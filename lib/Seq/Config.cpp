//===- Config.cpp - Tiles and schedules of sequence operations ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/Config.h"

#include "longwing/Seq/ScanConfig.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace longwing;

namespace {
/// Reads the entries of an operation's configuration; what it does not name keeps its value.
struct Reader {
  explicit Reader(DictionaryAttr dict) : dict(dict) {}
  explicit Reader(Operation *op) : Reader(op->getAttrOfType<DictionaryAttr>(kConfigAttr)) {}
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

/// Collects entries.
struct Entries {
  explicit Entries(MLIRContext *context) : b(context) {}
  void operator()(StringRef name, int64_t value) {
    entries.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(value)));
  }
  void operator()(StringRef name, bool value) {
    entries.push_back(b.getNamedAttr(name, b.getBoolAttr(value)));
  }
  DictionaryAttr dictionary() { return b.getDictionaryAttr(entries); }
  Builder b;
  SmallVector<NamedAttribute> entries;
};

/// Collects the entries of an operation's configuration, and sets it in the end.
struct Writer : Entries {
  explicit Writer(Operation *op) : Entries(op->getContext()), op(op) {}
  ~Writer() { op->setAttr(kConfigAttr, dictionary()); }
  Operation *op;
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
  entry("segment_consumers", config.segmentConsumers);
  entry("segment_stages", config.segmentStages);
  entry("split", config.split);
  entry("stages", config.stages);
  entry("value_stages", config.valueStages);
}

template <typename Config, typename Access>
void visitScan(Config &config, Access &&entry) {
  entry("cluster", config.cluster);
  entry("consumers", config.consumers);
  entry("lanes", config.lanes);
  entry("member", config.member);
  entry("polynomials", config.polynomials);
  entry("registers", config.registers);
  entry("stages", config.stages);
  entry("steps", config.steps);
  entry("unroll", config.unroll);
  entry("widen", config.widen);
  entry("width", config.width);
}

/// The kernels for few sequences and for fewer, how many are no longer that, and segments of them.
constexpr StringLiteral kFew = "few", kSequences = "sequences", kFewest = "fewest", kSeveral = "several", kPlaces = "places",
                        kSegments = "segments";
} // namespace

AttentionConfig AttentionConfig::read(seq::AttentionOp op) {
  AttentionConfig config;
  visitAttention(config, Reader(op));
  return config;
}

int64_t longwing::spareOf(Operation *op) {
  auto times = op->getAttrOfType<IntegerAttr>(kSpareAttr);
  return times ? times.getInt() : 0;
}

void longwing::markPlain(Operation *op, const Twine &why) {
  std::string text = ("'" + op->getName().getStringRef() + "' " + why).str();
  op->setAttr(kPlainAttr, StringAttr::get(op->getContext(), text));
}

void AttentionConfig::write(seq::AttentionOp op) const { visitAttention(*this, Writer(op)); }

LinearAttentionConfig LinearAttentionConfig::read(seq::LinearAttentionOp op) {
  LinearAttentionConfig config;
  visitLinearAttention(config, Reader(op));
  return config;
}

LinearAttentionConfig LinearAttentionConfig::ofSegments() const {
  LinearAttentionConfig config = *this;
  if (!segmentConsumers)
    return config;
  config.consumers = segmentConsumers;
  config.stages = segmentStages;
  config.valueStages = std::min<int64_t>(segmentStages, 2);
  config.persistent = false; // each CTA has one
  return config;
}

void LinearAttentionConfig::write(seq::LinearAttentionOp op) const {
  visitLinearAttention(*this, Writer(op));
}

ScanConfig ScanConfig::read(Operation *op) {
  ScanConfig config;
  visitScan(config, Reader(op));
  return config;
}

void ScanConfig::write(Operation *op) const { visitScan(*this, Writer(op)); }

ScanPair ScanPair::read(Operation *op) {
  ScanPair pair;
  pair.many = ScanConfig::read(op);
  auto dict = op->getAttrOfType<DictionaryAttr>(kConfigAttr);
  if (auto fewest = dict ? dict.getAs<DictionaryAttr>(kFewest) : DictionaryAttr()) {
    pair.fewest.emplace();
    visitScan(*pair.fewest, Reader(fewest));
  }
  if (auto few = dict ? dict.getAs<DictionaryAttr>(kFew) : DictionaryAttr()) {
    pair.few.emplace();
    visitScan(*pair.few, Reader(few));
    Reader outer(dict);
    outer(kSequences, pair.sequences);
    outer(kSeveral, pair.several);
    outer(kPlaces, pair.places);
    outer(kSegments, pair.segments);
  }
  return pair;
}

void ScanPair::write(Operation *op) const {
  Writer writer(op);
  visitScan(many, writer);
  if (!few)
    return;
  auto add = [&](StringRef name, const ScanConfig &config) {
    Entries entries(op->getContext());
    ScanConfig copy = config;
    visitScan(copy, entries);
    writer.entries.push_back(writer.b.getNamedAttr(name, entries.dictionary()));
  };
  add(kFew, *few);
  writer(kSequences, sequences);
  if (fewest) {
    add(kFewest, *fewest);
    writer(kSeveral, several);
  }
  if (!places)
    return;
  writer(kPlaces, places);
  writer(kSegments, segments);
}
