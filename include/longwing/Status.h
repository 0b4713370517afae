//===- Status.h - Errors without exceptions ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Used where LLVM may not be: by packages and the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_STATUS_H
#define LONGWING_STATUS_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace longwing {

/// What kind of thing went wrong. The values are those of `lw_status` in the C API.
enum class StatusCode : int {
  Ok = 0,
  InvalidArgument = 1, ///< The caller's tensors or names do not fit.
  BadPackage = 2,      ///< A package is truncated, corrupted, newer or malformed.
  IO = 3,              ///< A file could not be read or written.
  NoDriver = 4,        ///< There is no usable libcuda.so.1, or no device.
  Unsupported = 5,     ///< The device cannot run the package's code.
  Driver = 6,          ///< A call of the CUDA driver failed.
  Internal = 7,        ///< Out of memory, or a defect of Longwing.
};

/// Success, or a code and a message for the user.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(StatusCode code, std::string message) : statusCode(code), text(std::move(message)) {}

  bool ok() const { return statusCode == StatusCode::Ok; }
  explicit operator bool() const { return ok(); }
  StatusCode code() const { return statusCode; }
  const std::string &message() const { return text; }

private:
  StatusCode statusCode = StatusCode::Ok;
  std::string text;
};

/// A value, or the status that says why there is none.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : content(std::move(value)) {}
  Expected(Status error) : error(std::move(error)) { assert(!this->error.ok()); }

  bool ok() const { return content.has_value(); }
  explicit operator bool() const { return ok(); }
  T &operator*() { return *content; }
  const T &operator*() const { return *content; }
  T *operator->() { return &*content; }
  const T *operator->() const { return &*content; }
  const Status &status() const { return error; }

private:
  std::optional<T> content;
  Status error;
};

} // namespace longwing

#endif // LONGWING_STATUS_H
