//===- Runtime.cpp - What compiled code calls on the CPU ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csetjmp>
#include <cstring>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace longwing::cpu;

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

namespace {
/// Where a failure of compiled code on this thread returns to, and what it says.
struct Landing {
  std::jmp_buf place;
  const char *message = nullptr;
};
thread_local Landing *landing = nullptr;

using Task = void (*)(void *record, int64_t begin, int64_t end);
} // namespace

/// Leaves compiled code. Its frames hold nothing that a destructor would free.
[[noreturn]] static void fail(const char *message) {
  landing->message = message;
  std::longjmp(landing->place, 1);
}

/// Runs `body` so that `fail` ends it; the message, or null. `body` must own nothing.
template <typename Body>
static const char *guarded(Body body) {
  Landing here;
  Landing *outer = landing;
  landing = &here;
  if (setjmp(here.place) == 0)
    body();
  landing = outer;
  return here.message;
}

bool runtime::call(void (*function)(void **), void **arguments, std::string &message) {
  const char *failure = guarded([=] { function(arguments); });
  if (failure)
    message = failure;
  return !failure;
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

namespace {
/// Workers that wait for a loop; the thread that brings one works too.
class Pool {
public:
  /// Runs one loop; the message of a failed part, or null.
  const char *run(Task task, void *record, int64_t begin, int64_t end, unsigned threads) {
    std::lock_guard<std::mutex> oneLoop(loopMutex);
    resize(threads - 1);
    {
      std::lock_guard<std::mutex> lock(mutex);
      job = {task, record, end, std::max<int64_t>(1, (end - begin) / (int64_t(threads) * 16))};
      next = begin;
      failure = nullptr;
      busy = workers.size();
      ++generation;
    }
    wake.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [&] { return busy == 0; });
    return failure;
  }

private:
  struct Job {
    Task task = nullptr;
    void *record = nullptr;
    int64_t end = 0, chunk = 1;
  };

  void resize(unsigned count) {
    if (workers.size() == count)
      return;
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread &worker : workers)
      worker.join();
    workers.clear();
    stopping = false;
    for (unsigned i = 0; i < count; ++i)
      workers.emplace_back([this, seen = generation] { serve(seen); });
  }

  void serve(uint64_t seen) {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return stopping || generation != seen; });
      if (stopping)
        return;
      seen = generation;
      lock.unlock();
      work();
      lock.lock();
      if (--busy == 0)
        done.notify_one();
    }
  }

  void work() {
    inside = true;
    for (int64_t begin; (begin = next.fetch_add(job.chunk)) < job.end && !failure;) {
      int64_t end = std::min(begin + job.chunk, job.end);
      const Job *current = &job;
      if (const char *message = guarded([=] { current->task(current->record, begin, end); }))
        failure = message;
    }
    inside = false;
  }

public:
  /// Whether this thread is already running a part of a loop.
  static thread_local bool inside;

private:
  std::mutex loopMutex, mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
  Job job;
  std::atomic<int64_t> next{0};
  std::atomic<const char *> failure{nullptr};
  size_t busy = 0;
  uint64_t generation = 0;
  bool stopping = false;
};
thread_local bool Pool::inside = false;
} // namespace

static std::atomic<unsigned> requestedThreads{0};

void runtime::setThreads(unsigned count) { requestedThreads = count; }

/// The pool of this process. A fork has no threads but the one that forked: it gets a new pool. No
/// pool is destroyed, since its threads may outlive the end of main.
static Pool &pool() {
  static std::mutex mutex;
  static Pool *current = nullptr;
  static pid_t owner = 0;
  std::lock_guard<std::mutex> lock(mutex);
  if (owner != getpid()) {
    current = new Pool;
    owner = getpid();
  }
  return *current;
}

static void parallelFor(Task task, void *record, int64_t begin, int64_t end) {
  unsigned threads = requestedThreads;
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  if (threads == 1 || end - begin <= 1 || Pool::inside) {
    if (begin < end)
      task(record, begin, end);
    return;
  }
  if (const char *message = pool().run(task, record, begin, end, threads))
    fail(message);
}

//===----------------------------------------------------------------------===//
// 16-bit floating point
//===----------------------------------------------------------------------===//

/// Rounds to a format of `mantissa` stored bits, once: through float first, a double would be
/// rounded twice.
static uint16_t roundTo(double value, int mantissa, int bias) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  uint16_t sign = uint16_t(bits >> 48) & 0x8000;
  uint16_t infinity = uint16_t((2 * bias + 1) << mantissa);
  int exponent = int(bits >> 52 & 0x7ff);
  uint64_t significand = bits & 0xfffffffffffff;
  if (exponent == 0x7ff)
    return sign | infinity | (significand ? 1u << (mantissa - 1) : 0u);
  if (exponent == 0)
    return sign; // A denormal of double is less than half of any 16-bit number.
  significand |= 1ull << 52;
  int e = exponent - 1023, least = 1 - bias;
  int shift = std::max(e, least) - mantissa - (e - 52);
  if (shift > 54)
    return sign;
  uint64_t kept = significand >> shift, rest = significand & ((1ull << shift) - 1);
  uint64_t half = 1ull << (shift - 1);
  if (rest > half || (rest == half && (kept & 1)))
    ++kept;
  // A carry out of the significand is a carry into the exponent, also from denormal to normal.
  uint64_t result = kept + (e > least ? uint64_t(e - least) << mantissa : 0);
  return sign | uint16_t(std::min<uint64_t>(result, infinity));
}

uint16_t runtime::roundToF16(double value) { return roundTo(value, 10, 15); }
uint16_t runtime::roundToBF16(double value) { return roundTo(value, 7, 127); }

float runtime::extendF16(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, rest = half & 0x3ff;
  if (exponent == 0) {
    float magnitude = float(rest) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  uint32_t bits = sign | (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | rest << 13;
  float value;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

// Compiled code calls these by the ABI of _Float16 and __bf16, which lie in the low 16 bits of the
// register that a float lies in; not every C++ compiler has those types.
static float inRegister(uint16_t bits) {
  uint32_t wide = bits;
  float value;
  std::memcpy(&value, &wide, sizeof wide);
  return value;
}
static float truncF32ToF16(float value) { return inRegister(runtime::roundToF16(value)); }
static float truncF64ToF16(double value) { return inRegister(runtime::roundToF16(value)); }
static float truncF32ToBF16(float value) { return inRegister(runtime::roundToBF16(value)); }
static float truncF64ToBF16(double value) { return inRegister(runtime::roundToBF16(value)); }
static float extendF16ToF32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return runtime::extendF16(uint16_t(bits));
}

//===----------------------------------------------------------------------===//
// Copies between strided buffers
//===----------------------------------------------------------------------===//

namespace {
/// A memref of any rank: a pointer to its descriptor, in which sizes and then strides follow.
struct UnrankedMemRef {
  int64_t rank;
  struct Descriptor {
    char *allocated, *aligned;
    int64_t offset, dims[];
  } *descriptor;
};
} // namespace

static void copyDimension(int64_t rank, int64_t bytes, const char *from, const int64_t *fromDims,
                          char *to, const int64_t *toDims, int64_t total) {
  if (rank == 0) {
    std::memcpy(to, from, bytes);
    return;
  }
  for (int64_t i = 0; i < fromDims[0]; ++i)
    copyDimension(rank - 1, bytes, from + i * fromDims[total] * bytes, fromDims + 1,
                  to + i * toDims[total] * bytes, toDims + 1, total);
}

static void memrefCopy(int64_t bytes, UnrankedMemRef *from, UnrankedMemRef *to) {
  auto *source = from->descriptor, *target = to->descriptor;
  copyDimension(from->rank, bytes, source->aligned + source->offset * bytes, source->dims,
                target->aligned + target->offset * bytes, target->dims, from->rank);
}

const std::vector<runtime::Symbol> &runtime::symbols() {
  static const std::vector<Symbol> all = {
      {"longwing_cpu_fail", reinterpret_cast<void *>(fail)},
      {"longwing_parallel_for", reinterpret_cast<void *>(parallelFor)},
      {"memrefCopy", reinterpret_cast<void *>(memrefCopy)},
      {"__truncsfhf2", reinterpret_cast<void *>(truncF32ToF16)},
      {"__truncdfhf2", reinterpret_cast<void *>(truncF64ToF16)},
      {"__truncsfbf2", reinterpret_cast<void *>(truncF32ToBF16)},
      {"__truncdfbf2", reinterpret_cast<void *>(truncF64ToBF16)},
      {"__extendhfsf2", reinterpret_cast<void *>(extendF16ToF32)},
  };
  return all;
}
