//===- Schedule.cpp - The user's overrides of the schedule ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Schedule.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace longwing;

static LogicalResult parseNumber(StringRef name, StringRef value,
                                 mlir::detail::PassOptions::Option<int64_t> &option, Location loc) {
  int64_t number = 0;
  // 0 is what the passes take for no override.
  if (value.getAsInteger(10, number) || number == 0)
    return emitError(loc) << "schedule option '" << name
                          << "': expected a number other than 0, got '" << value << "'";
  option = number;
  return success();
}

static LogicalResult parseFlag(StringRef name, StringRef value,
                               mlir::detail::PassOptions::Option<std::string> &option,
                               Location loc) {
  if (value != "true" && value != "false")
    return emitError(loc) << "schedule option '" << name << "': expected true or false, got '"
                          << value << "'";
  option = value.str();
  return success();
}

static LogicalResult parseOption(StringRef option, ScheduleOptions &schedule, Location loc) {
  auto [name, value] = option.split('=');
  if (name == "consumers")
    return parseNumber(name, value, schedule.consumers, loc);
  if (name == "keys")
    return parseNumber(name, value, schedule.keys, loc);
  if (name == "stages")
    return parseNumber(name, value, schedule.stages, loc);
  if (name == "query-stages")
    return parseNumber(name, value, schedule.queryStages, loc);
  if (name == "lanes")
    return parseNumber(name, value, schedule.lanes, loc);
  if (name == "width")
    return parseNumber(name, value, schedule.width, loc);
  if (name == "steps")
    return parseNumber(name, value, schedule.steps, loc);
  if (name == "cluster")
    return parseNumber(name, value, schedule.cluster, loc);
  if (name == "unroll")
    return parseNumber(name, value, schedule.unroll, loc);
  if (name == "registers")
    return parseNumber(name, value, schedule.registers, loc);
  if (name == "persistent")
    return parseFlag(name, value, schedule.persistent, loc);
  if (name == "overlap")
    return parseFlag(name, value, schedule.overlap, loc);
  if (name == "precise")
    return parseFlag(name, value, schedule.precise, loc);
  // seq-configure checks these, beside the operation.
  for (auto [known, option] : {std::pair("conv", &schedule.conv), {"radices", &schedule.radices},
                               {"polynomials", &schedule.polynomials}})
    if (name == known)
      return *option = value.str(), success();
  return emitError(loc) << "unknown schedule option '" << name
                        << "', expected consumers, keys, stages, query-stages, lanes, width, steps, "
                           "unroll, cluster, registers, polynomials, persistent, overlap, conv, radices or precise";
}

LogicalResult longwing::parseSchedule(StringRef text, ScheduleOptions &schedule, Location loc) {
  for (StringRef option : llvm::split(text, ','))
    if (StringRef trimmed = option.trim(); !trimmed.empty())
      if (failed(parseOption(trimmed, schedule, loc)))
        return failure();
  return success();
}
