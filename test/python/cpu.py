# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""CpuProgram of the C++ library, for tests: NumPy in, NumPy out.

bfloat16, which NumPy lacks, is held in uint16 arrays of class BF16.
"""

import ctypes

import numpy as np

import support

LIBRARY = support.BIN.parent / "lib" / "liblongwing-cpu-test.so"
DTYPES = ["f16", "bf16", "f32", "f64", "i1", "i8", "i32", "i64"]
NUMPY = {"f16": np.float16, "bf16": np.uint16, "f32": np.float32, "f64": np.float64, "i1": np.bool_, "i8": np.int8,
         "i32": np.int32, "i64": np.int64}


class BF16(np.ndarray):
    """The bits of bfloat16 numbers."""


def to_bf16(array):
    """Rounds float32 to bfloat16, to nearest, ties to even (finite values)."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype(np.uint16).reshape(np.shape(array)).view(BF16)


def to_float64(array):
    if isinstance(array, BF16):
        array = (np.asarray(array).astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):  # signalling NaNs become quiet
        return np.asarray(array).astype(np.float64)


def cast(array, dtype):
    return to_bf16(array) if dtype == "bf16" else np.asarray(array).astype(NUMPY[dtype])


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("sizes", ctypes.c_int64 * 8), ("strides", ctypes.c_int64 * 8)]


def dtype_of(array):
    if isinstance(array, BF16):
        return "bf16"
    return next(name for name, dtype in NUMPY.items() if dtype == array.dtype.type and name != "bf16")


def describe(array):
    sizes = (ctypes.c_int64 * 8)(*array.shape)
    strides = (ctypes.c_int64 * 8)(*(stride // array.itemsize for stride in array.strides))
    return Tensor(array.ctypes.data, DTYPES.index(dtype_of(array)), array.ndim, sizes, strides)


def read(tensor):
    shape = tuple(tensor.sizes[: tensor.rank])
    name = DTYPES[tensor.dtype]
    count = int(np.prod(shape, dtype=np.int64))
    raw = ctypes.string_at(tensor.data, count * np.dtype(NUMPY[name]).itemsize)
    array = np.frombuffer(raw, NUMPY[name]).reshape(shape).copy()
    return array.view(BF16) if name == "bf16" else array


class CpuError(Exception):
    pass


def library():
    lib = ctypes.CDLL(str(LIBRARY))
    lib.longwing_test_compile.restype = ctypes.c_void_p
    lib.longwing_test_message.restype = ctypes.c_char_p
    return lib


class Program:
    """A module compiled for the CPU: seq in float64 (`precision="f64"`) or float32, or a lowered one."""

    def __init__(self, text, precision="f64", lowered=False, processor=""):
        self.lib = library()
        self.handle = ctypes.c_void_p(
            self.lib.longwing_test_compile(text.encode(), precision == "f64", lowered, processor.encode()))
        if not self.lib.longwing_test_compiled(self.handle):
            raise CpuError(self.message())

    def __del__(self):
        self.lib.longwing_test_free(self.handle)

    def message(self):
        return self.lib.longwing_test_message(self.handle).decode()

    def __call__(self, *arguments, function="main"):
        tensors = (Tensor * max(1, len(arguments)))(*map(describe, arguments))
        results = (Tensor * 8)()
        count = self.lib.longwing_test_run(self.handle, function.encode(), len(arguments), tensors, results)
        if count < 0:
            raise CpuError(self.message())
        return [read(result) for result in results[:count]]
