# Configuration of lit, LLVM's test runner, for the .mlir and .test files.
#
# Features that a test may ask for with REQUIRES: or UNSUPPORTED::
#   ptxas    an NVIDIA assembler was found (LONGWING_PTXAS, PATH, /usr/local/cuda/bin)
#   cuda     the machine has an NVIDIA card
#   sanitized  the build has sanitizers: a plain program cannot link its libraries
#   TOOL     the tool is built, for each tool (longwing-opt, longwing-compile, ...)

import ctypes
import os
import shutil

import lit.formats

config.name = "Longwing"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt", "python", "gpu", "fuzz", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.longwing_binary_dir, "test")

tools_dir = os.path.join(config.longwing_binary_dir, "bin")
library_dir = os.path.join(config.longwing_binary_dir, "lib")
config.environment["PATH"] = os.pathsep.join([tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "")])
config.environment["LONGWING_LIBRARY_DIR"] = library_dir
config.environment["PYTHONPATH"] = os.path.join(config.longwing_source_dir, "python")
for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]

TOOLS = ["longwing-opt", "longwing-compile", "longwing-run", "longwing-reduce", "longwing-lsp-server"]


def find_ptxas():
    named = os.environ.get("LONGWING_PTXAS")
    if named:
        return named if os.access(named, os.X_OK) else None
    return shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")


def has_card():
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


# The tools, FileCheck, not and count are found through PATH.
for tool in TOOLS:
    if os.path.exists(os.path.join(tools_dir, tool)):
        config.available_features.add(tool)

if os.environ.get("LONGWING_SANITIZED"):
    config.available_features.add("sanitized")
ptxas = find_ptxas()
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
if has_card():
    config.available_features.add("cuda")
config.substitutions.append(("%python", f'"{config.python}"'))
config.substitutions.append(("%cc", f'"{config.cc}"'))
config.substitutions.append(("%cxx", f'"{config.cxx}"'))
config.substitutions.append(("%source", config.longwing_source_dir))
config.substitutions.append(("%build", config.longwing_binary_dir))
config.substitutions.append(("%examples", os.path.join(config.longwing_source_dir, "examples")))
