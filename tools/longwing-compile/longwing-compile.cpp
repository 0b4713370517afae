//===- longwing-compile.cpp - Compiles a model ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Compiler.h"
#include "tools/support/Files.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace longwing;

static constexpr StringLiteral toolName = "longwing-compile";

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static cl::OptionCategory general("Input and output");
static cl::OptionCategory code("Code generation");
static cl::OptionCategory looking("Looking inside");

static cl::opt<std::string> input(cl::Positional, cl::desc("IN.mlir"), cl::init("-"),
                                  cl::cat(general));
static cl::opt<std::string> output("o", cl::desc("Where the result goes; - is standard output"),
                                   cl::value_desc("OUT"), cl::init("-"), cl::cat(general));
static cl::opt<std::string>
    emitKind("emit",
             cl::desc("seq, tile, nvvm, llvm, ptx, cubin, package or header.\n"
                      "If not given, what the name of OUT ends in:\n"
                      ".seq.mlir .tile.mlir .nvvm.mlir .ll .ptx .cubin .lwp .h"),
             cl::value_desc("KIND"), cl::cat(general));
static cl::opt<bool> bytecode("bytecode", cl::desc("Write seq, tile and nvvm as bytecode"),
                              cl::cat(general));

static cl::opt<std::string> target("target", cl::desc("sm_90a (default) or x86-64"),
                                   cl::value_desc("NAME"), cl::init("sm_90a"), cl::cat(code));
static cl::opt<bool> listTargets("list-targets", cl::desc("List the targets and stop"),
                                 cl::cat(code));
static cl::opt<std::string> schedule("schedule",
                                     cl::desc("Override the choices of the compiler:\n"
                                              "consumers=N      warpgroups of 64 query rows each\n"
                                              "keys=N           keys of a tile\n"
                                              "stages=N         slots of the key and of the value ring\n"
                                              "query-stages=N   slots of the ring of query tiles\n"
                                              "persistent=BOOL  one CTA per multiprocessor\n"
                                              "overlap=BOOL     overlap softmax with products"),
                                     cl::value_desc("NAME=VALUE,..."), cl::cat(code));
static cl::opt<std::string>
    ptxas("ptxas",
          cl::desc("The assembler. If not given: on PATH, in $CUDA_HOME/bin, in\n"
                   "/usr/local/cuda/bin. Without one there is PTX only"),
          cl::value_desc("PATH"), cl::cat(code));
static cl::opt<bool> withoutPtxas("no-ptxas",
                                  cl::desc("Do not run ptxas: packages and headers hold PTX only"),
                                  cl::cat(code));
static cl::list<std::string>
    waivers("waive", cl::CommaSeparated,
            cl::desc("Faults that only warn: spills, C7508, C7510 to C7519, all"),
            cl::value_desc("FAULT,..."), cl::cat(code));

static cl::opt<std::string>
    headerNamespace("namespace", cl::desc("The C++ namespace of a header, if not IN's name"),
                    cl::value_desc("NAME"), cl::cat(code));

static cl::opt<bool>
    printConfig("print-config",
                cl::desc("Print the tiles, stages, SRAM and registers of each kernel"),
                cl::cat(looking));
static cl::opt<std::string> dumpPhases("dump-phases",
                                       cl::desc("Write the IR after every phase, numbered"),
                                       cl::value_desc("DIR"), cl::cat(looking));
static cl::opt<bool> verifyEach("verify-each-pass",
                                cl::desc("Check the IR after every pass, not only every phase"),
                                cl::cat(looking));

static cl::extrahelp examples(R"(
EXAMPLES:

  longwing-compile model.mlir -o model.ptx
      The PTX of the kernels of a model, for Hopper.
  longwing-compile model.mlir -o model.lwp --print-config
      A package: all that longwing-run, the C API or Python need to run the model. Shows what was chosen.
  longwing-compile model.mlir -o model.h
      One C++ file with the kernels and a launcher, to be compiled into an application.
  longwing-compile model.mlir -o model.cubin --schedule=keys=128,stages=2 --dump-phases=phases
      With another schedule; the directory phases shows each step from seq to PTX.
  cat model.mlir | longwing-compile - --emit=tile
      The tile program of a model, on standard output.
)");

static void printVersion(raw_ostream &os) {
  os << "longwing " LONGWING_VERSION ", LLVM " LLVM_VERSION_STRING "\n";
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

static Expected<Emit> chooseEmit() {
  if (!emitKind.empty()) {
    if (std::optional<Emit> emit = parseEmit(emitKind))
      return *emit;
    return createStringError("unknown emit kind '" + emitKind +
                             "', expected seq, tile, nvvm, llvm, ptx, cubin, package or header");
  }
  if (std::optional<Emit> emit = emitForFile(output))
    return *emit;
  return createStringError("cannot tell from the name '" + output +
                           "' what to write: give --emit=KIND");
}

static int run() {
  if (listTargets) {
    for (const Target &each : targets())
      outs() << left_justify(each.name, 10) << each.description << "\n";
    return 0;
  }
  Expected<Emit> emit = chooseEmit();
  if (!emit)
    return tool::fail(toolName, emit.takeError());
  CompileOptions options;
  options.target = target;
  options.emit = *emit;
  options.schedule = schedule;
  options.ptxas = ptxas;
  options.withoutPtxas = withoutPtxas;
  options.waivers = {waivers.begin(), waivers.end()};
  options.headerNamespace = headerNamespace;
  options.dumpDirectory = dumpPhases;
  options.bytecode = bytecode;
  options.verifyEach = verifyEach;
  if (output == "-" && (isBinary(*emit) || bytecode) && sys::Process::StandardOutIsDisplayed())
    return tool::fail(toolName, "this would write bytes to the terminal: give -o FILE");

  Expected<std::unique_ptr<MemoryBuffer>> source = tool::readInput(input);
  if (!source)
    return tool::fail(toolName, source.takeError());
  StringRef name = input == "-" ? StringRef("<stdin>") : StringRef(input);
  std::optional<Artefact> artefact =
      compile(std::string_view((*source)->getBufferStart(), (*source)->getBufferSize()), name,
              options, [](const Message &message) { errs() << message.text; });
  if (!artefact)
    return 1;
  if (Error error = tool::writeOutput(output, artefact->bytes))
    return tool::fail(toolName, std::move(error));
  if (printConfig)
    (output == "-" ? errs() : outs()) << formatReport(artefact->report);
  return 0;
}

int main(int argc, char **argv) {
  sys::PrintStackTraceOnErrorSignal(argv[0]);
  setBugReportMsg(
      "This is a bug of longwing-compile. Please report it with the input and this trace.\n");
  tool::exitOnFatalErrors(toolName.data());
  cl::HideUnrelatedOptions({&general, &code, &looking});
  cl::SetVersionPrinter(printVersion);
  cl::ParseCommandLineOptions(argc, argv,
                              "Compiles a model of the seq dialect, or of a level below it\n");
  return run();
}
