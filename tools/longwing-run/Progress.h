//===- Progress.h - Says that long work goes on -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_PROGRESS_H
#define LONGWING_TOOLS_RUN_PROGRESS_H

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace longwing::run {

/// Work that may take long: from its third second on, standard error hears of it every five.
class Progress {
public:
  explicit Progress(std::string what) : what(std::move(what)), thread([this] { tell(); }) {}
  ~Progress() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      done = true;
    }
    changed.notify_all();
    thread.join();
    if (told)
      print("done after");
  }

private:
  void tell() {
    std::unique_lock<std::mutex> lock(mutex);
    for (auto wait = std::chrono::seconds(3);
         !changed.wait_for(lock, wait, [this] { return done; }); wait = std::chrono::seconds(5)) {
      told = true;
      print("running for");
    }
  }
  void print(const char *state) {
    std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
    llvm::errs() << what << ": " << state << llvm::format(" %.0f s\n", elapsed.count());
  }

  std::string what;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false, told = false;
  std::thread thread;
};

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_PROGRESS_H
