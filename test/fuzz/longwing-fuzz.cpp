//===- longwing-fuzz.cpp - Mutated models through the whole compiler ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Input i of a seed is always the same: a model of the corpus, changed in a few places. A
// child process compiles one input after the other; one that crashes it, or outlasts the
// time limit, is written to a file, and a new child goes on behind it. What is not a crash
// is checked too: an artefact, or exactly one error.
//
//   longwing-fuzz --seed=1 --count=3000 --save=DIR MODELS...
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"

#include "longwing/Compiler.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace longwing;

namespace {

struct Options {
  uint64_t seed = 1;
  uint64_t first = 0, count = 1000;
  unsigned seconds = 20;
  std::string save = ".", emit;
  bool print = false;
};

/// What the child tells the parent, in shared memory.
struct Progress {
  volatile uint64_t next;
  volatile uint64_t compiled, refused, broken;
};

enum : int { kContractBroken = 97 };

/// Most inputs go all the way to PTX; some stop early or take the CPU's way.
CompileOptions compileOptions(const Options &options, uint64_t index) {
  CompileOptions result;
  result.withoutPtxas = true;
  if (!options.emit.empty()) {
    result.emit = *parseEmit(options.emit);
    return result;
  }
  static const Emit kinds[] = {Emit::Ptx, Emit::Ptx, Emit::Tile, Emit::Seq, Emit::Package};
  result.emit = kinds[index % 5];
  if (index % 11 == 0) {
    result.target = "x86-64";
    result.emit = Emit::Llvm;
  }
  return result;
}

/// Compiles one input and says whether the compiler kept its word.
bool compileOne(const std::string &text, const CompileOptions &options, Progress &progress) {
  unsigned errors = 0;
  auto artefact = compile(text, "fuzz.mlir", options, [&](const Message &message) {
    errors += message.severity == Message::Severity::Error;
  });
  if (artefact) {
    progress.compiled = progress.compiled + 1;
    if (errors == 0 && !artefact->bytes.empty())
      return true;
    fprintf(stderr, "an artefact came with %u errors and %zu bytes\n", errors,
            artefact->bytes.size());
    return false;
  }
  progress.refused = progress.refused + 1;
  if (errors == 1)
    return true;
  fprintf(stderr, "a refused input came with %u errors, not 1\n", errors);
  return false;
}

[[noreturn]] void child(const Options &options, const std::vector<std::string> &corpus,
                        Progress &progress) {
#ifndef LONGWING_SANITIZED
  rlimit memory{4ull << 30, 4ull << 30};
  setrlimit(RLIMIT_AS, &memory);
#endif
  rlimit core{0, 0};
  setrlimit(RLIMIT_CORE, &core);
  while (progress.next < options.first + options.count) {
    std::string text = mutate(corpus, options.seed, progress.next);
    alarm(options.seconds);
    if (!compileOne(text, compileOptions(options, progress.next), progress))
      _exit(kContractBroken);
    alarm(0);
    progress.next = progress.next + 1;
  }
  _exit(0);
}

void report(const Options &options, const std::vector<std::string> &corpus, uint64_t index,
            int status) {
  std::string path = options.save + "/fuzz-" + std::to_string(options.seed) + "-" +
                     std::to_string(index) + ".mlir";
  std::ofstream(path) << mutate(corpus, options.seed, index);
  const char *what = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "took too long"
                     : WIFSIGNALED(status)                    ? strsignal(WTERMSIG(status))
                     : WEXITSTATUS(status) == kContractBroken ? "broke the contract"
                                                              : "exited";
  auto compiled = compileOptions(options, index);
  printf("input %llu (target %s, emit %s): %s; written to %s\n", (unsigned long long)index,
         compiled.target.c_str(), std::string(emitName(compiled.emit)).c_str(), what, path.c_str());
}

bool parseNumber(const char *text, uint64_t &value) {
  char *end = nullptr;
  errno = 0;
  value = strtoull(text, &end, 10);
  return errno == 0 && *text && !*end;
}

bool parseOption(const std::string &argument, Options &options) {
  auto take = [&](const char *name, std::string &value) {
    size_t length = strlen(name);
    if (argument.compare(0, length, name) != 0)
      return false;
    value = argument.substr(length);
    return true;
  };
  std::string value;
  uint64_t number = 0;
  if (take("--seed=", value))
    return parseNumber(value.c_str(), options.seed);
  if (take("--first=", value))
    return parseNumber(value.c_str(), options.first);
  if (take("--count=", value))
    return parseNumber(value.c_str(), options.count);
  if (take("--seconds=", value)) {
    bool valid = parseNumber(value.c_str(), number) && number > 0 && number < 100000;
    options.seconds = static_cast<unsigned>(number);
    return valid;
  }
  if (take("--emit=", options.emit))
    return parseEmit(options.emit).has_value();
  if (take("--save=", options.save))
    return true;
  return (options.print = argument == "--print");
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.compare(0, 2, "--") == 0) {
      if (!parseOption(argument, options)) {
        fprintf(stderr, "error: cannot read the option %s\n", argv[i]);
        return 2;
      }
      continue;
    }
    std::ifstream file(argument, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty()) {
      fprintf(stderr, "error: cannot read %s\n", argv[i]);
      return 2;
    }
    corpus.push_back(text.str());
  }
  if (corpus.empty()) {
    fprintf(stderr,
            "usage: longwing-fuzz [--seed=N] [--first=N] [--count=N] [--seconds=N] [--emit=KIND] "
            "[--save=DIR] [--print] MODELS...\n");
    return 2;
  }
  if (options.print) {
    fputs(mutate(corpus, options.seed, options.first).c_str(), stdout);
    return 0;
  }

  auto *progress = static_cast<Progress *>(
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (progress == MAP_FAILED)
    return 2;
  progress->next = options.first;
  while (progress->next < options.first + options.count) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
      return 2;
    if (pid == 0)
      child(options, corpus, *progress);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
      return 2;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      continue;
    report(options, corpus, progress->next, status);
    progress->broken = progress->broken + 1;
    progress->next = progress->next + 1;
  }
  printf("%llu inputs: %llu compiled, %llu refused, %llu broke the compiler\n",
         (unsigned long long)options.count, (unsigned long long)progress->compiled,
         (unsigned long long)progress->refused, (unsigned long long)progress->broken);
  return progress->broken ? 1 : 0;
}
