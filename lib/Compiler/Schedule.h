//===- Schedule.h - The user's overrides of the schedule --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_SCHEDULE_H
#define LONGWING_LIB_COMPILER_SCHEDULE_H

#include "longwing/Pipelines.h"

#include "mlir/IR/Location.h"

namespace longwing {

/// Reads "consumers=2,persistent=true". What the values may be is for seq-configure to say; that
/// they are numbers, and that the names exist, is checked here.
mlir::LogicalResult parseSchedule(llvm::StringRef text, ScheduleOptions &schedule,
                                  mlir::Location loc);

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_SCHEDULE_H
