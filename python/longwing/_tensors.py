# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of any framework as (pointer, sizes, strides, element type, device), and results of the same framework.

PyTorch, CuPy and NumPy are read directly, because that takes a microsecond; all others go through DLPack.
"""

import contextlib
import ctypes
import sys

# The values are those of lw_dtype.
DTYPES = ("f16", "bf16", "f32", "f64", "f8E4M3FN", "f8E5M2", "i1", "i8", "i16", "i32", "i64")
DTYPE_NUMBER = {name: number for number, name in enumerate(DTYPES)}
DTYPE_BYTES = dict(zip(DTYPES, (2, 2, 4, 8, 1, 1, 1, 1, 2, 4, 8)))

CPU, CUDA = "cpu", "cuda"


class View:
    """A tensor that `owner` keeps alive. Strides are in elements."""

    __slots__ = ("pointer", "shape", "strides", "dtype", "device", "index", "framework", "owner")

    def __init__(self, pointer, shape, strides, dtype, device, index, framework, owner):
        self.pointer, self.shape, self.strides = pointer, tuple(shape), tuple(strides)
        self.dtype, self.device, self.index = dtype, device, index
        self.framework, self.owner = framework, owner

    def where(self):
        return self.device if self.device == CPU else f"{self.device}:{self.index}"


# ===----------------------------------------------------------------------=== #
# Frameworks
# ===----------------------------------------------------------------------=== #


class Torch:
    """PyTorch. Work is enqueued on its current stream, which may be captured into a graph."""

    name = "torch"

    def __init__(self, torch):
        self.torch = torch
        names = dict(f16=torch.float16, bf16=torch.bfloat16, f32=torch.float32, f64=torch.float64, i1=torch.bool,
                     i8=torch.int8, i16=torch.int16, i32=torch.int32, i64=torch.int64)
        for name, attribute in (("f8E4M3FN", "float8_e4m3fn"), ("f8E5M2", "float8_e5m2")):
            if hasattr(torch, attribute):
                names[name] = getattr(torch, attribute)
        self.dtypes = names
        self.names = {dtype: name for name, dtype in names.items()}

    def owns(self, tensor):
        return isinstance(tensor, self.torch.Tensor)

    def view(self, tensor):
        device = tensor.device
        if device.type not in (CPU, CUDA):
            raise TypeError(f"expected a tensor on the CPU or on a CUDA device, got one on {device}")
        dtype = self.names.get(tensor.dtype)
        if dtype is None:
            raise TypeError(f"tensors of {tensor.dtype} are not supported")
        return View(tensor.data_ptr(), tensor.shape, tensor.stride(), dtype, device.type, device.index or 0, self, tensor)

    def empty(self, shape, dtype, device, index):
        place = CPU if device == CPU else f"{CUDA}:{index}"
        return self.torch.empty(tuple(shape), dtype=self.dtypes[dtype], device=place)

    def workspace(self, size, index):
        return self.empty((size,), "i8", CUDA, index)

    def stream(self, index):
        return self.torch.cuda.current_stream(index).cuda_stream

    def device(self, index):
        if self.torch.cuda.current_device() == index:
            return contextlib.nullcontext()
        return self.torch.cuda.device(index)


class CuPy:
    """CuPy, on its current stream. It has no bfloat16: bit patterns in uint16 stand for it."""

    name = "cupy"

    def __init__(self, cupy):
        self.cupy = cupy

    def owns(self, tensor):
        return isinstance(tensor, self.cupy.ndarray)

    def view(self, tensor):
        size = tensor.dtype.itemsize
        return View(tensor.data.ptr, tensor.shape, (stride // size for stride in tensor.strides), _numpy_name(tensor.dtype),
                    CUDA, tensor.device.id, self, tensor)

    def empty(self, shape, dtype, device, index):
        with self.cupy.cuda.Device(index):
            return self.cupy.empty(tuple(shape), dtype=_numpy_dtype(dtype))

    def workspace(self, size, index):
        return self.empty((size,), "i8", CUDA, index)

    def stream(self, index):
        return self.cupy.cuda.get_current_stream().ptr

    def device(self, index):
        return self.cupy.cuda.Device(index)


class NumPy:
    """NumPy, on the CPU. ml_dtypes' bfloat16 is used where it is installed, else uint16 holds the bit patterns."""

    name = "numpy"

    def __init__(self, numpy):
        self.numpy = numpy

    def owns(self, tensor):
        return isinstance(tensor, self.numpy.ndarray)

    def view(self, tensor):
        size = tensor.dtype.itemsize
        if any(stride % size for stride in tensor.strides):
            raise TypeError("expected strides that are multiples of the element's size")
        return View(tensor.ctypes.data, tensor.shape, (stride // size for stride in tensor.strides),
                    _numpy_name(tensor.dtype), CPU, 0, self, tensor)

    def empty(self, shape, dtype, device, index):
        return self.numpy.empty(tuple(shape), dtype=_numpy_dtype(dtype))


_NUMPY_NAMES = {"float16": "f16", "float32": "f32", "float64": "f64", "bfloat16": "bf16", "uint16": "bf16 bits",
                "float8_e4m3fn": "f8E4M3FN", "float8_e5m2": "f8E5M2", "bool": "i1", "int8": "i8", "int16": "i16",
                "int32": "i32", "int64": "i64"}


def _numpy_name(dtype):
    try:
        return _NUMPY_NAMES[dtype.name]
    except KeyError:
        raise TypeError(f"arrays of {dtype.name} are not supported") from None


def _numpy_dtype(name):
    import numpy

    if name in ("bf16", "f8E4M3FN", "f8E5M2"):
        ml_dtypes = sys.modules.get("ml_dtypes")
        if ml_dtypes is not None:
            return getattr(ml_dtypes, {"bf16": "bfloat16", "f8E4M3FN": "float8_e4m3fn", "f8E5M2": "float8_e5m2"}[name])
        return numpy.uint16 if name == "bf16" else numpy.uint8
    return {"f16": numpy.float16, "f32": numpy.float32, "f64": numpy.float64, "i1": numpy.bool_, "i8": numpy.int8,
            "i16": numpy.int16, "i32": numpy.int32, "i64": numpy.int64}[name]


# ===----------------------------------------------------------------------=== #
# DLPack
# ===----------------------------------------------------------------------=== #


class _DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


_DL_DEVICES = {1: CPU, 2: CUDA, 3: CPU, 13: CUDA}  # CPU, CUDA, CUDA host, CUDA managed
_DL_DTYPES = {(2, 16): "f16", (2, 32): "f32", (2, 64): "f64", (4, 16): "bf16", (6, 8): "i1", (0, 8): "i8", (0, 16): "i16",
              (0, 32): "i32", (0, 64): "i64", (1, 16): "bf16 bits", (10, 8): "f8E4M3FN", (12, 8): "f8E5M2"}
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


class DLPack:
    """Any other framework: its tensors are taken on the CPU, where NumPy makes the results."""

    name = "DLPack"

    def owns(self, tensor):
        return hasattr(tensor, "__dlpack__")

    def view(self, tensor):
        capsule = tensor.__dlpack__()  # keeps the tensor alive until it is collected
        raw = ctypes.cast(_capsule_pointer(capsule, b"dltensor"), ctypes.POINTER(_DLTensor)).contents
        device = _DL_DEVICES.get(raw.device_type)
        dtype = _DL_DTYPES.get((raw.code, raw.bits)) if raw.lanes == 1 else None
        if device is None or dtype is None:
            raise TypeError(f"DLPack device {raw.device_type} with element type {raw.code}.{raw.bits}x{raw.lanes} "
                            "is not supported")
        shape = tuple(raw.shape[i] for i in range(raw.ndim))
        strides = tuple(raw.strides[i] for i in range(raw.ndim)) if raw.strides else contiguous_strides(shape)
        return View((raw.data or 0) + raw.byte_offset, shape, strides, dtype, device, raw.device_id, self, (tensor, capsule))

    def empty(self, shape, dtype, device, index):
        if device != CPU:
            raise TypeError("results on a CUDA device are made by PyTorch or CuPy: pass tensors of one of them "
                            "(torch.from_dlpack(x), cupy.from_dlpack(x)), or give out=")
        import numpy

        return numpy.empty(tuple(shape), dtype=_numpy_dtype(dtype))

    def workspace(self, size, index):
        return self.empty((size,), "i8", CUDA, index)

    def stream(self, index):
        return None  # __dlpack__() without a stream has made the default stream safe to use

    def device(self, index):
        from . import _library

        _library.check(_library.runtime().lw_device_set(index))
        return contextlib.nullcontext()


def contiguous_strides(shape):
    strides, product = [], 1
    for size in reversed(shape):
        strides.append(product)
        product *= max(size, 1)
    return tuple(reversed(strides))


def is_contiguous(view):
    """Whether the elements lie one after the other; the stride of a dimension of size 1 does not matter."""
    return 0 in view.shape or all(size == 1 or stride == expected for size, stride, expected in
                                  zip(view.shape, view.strides, contiguous_strides(view.shape)))


# ===----------------------------------------------------------------------=== #
# Choosing among them
# ===----------------------------------------------------------------------=== #

_KNOWN = {"torch": Torch, "cupy": CuPy, "numpy": NumPy}
_made = {}


def framework_of(tensor):
    """The framework of a tensor. A framework that nobody imported cannot have made it."""
    for framework in _made.values():
        if framework.owns(tensor):
            return framework
    for name, make in _KNOWN.items():
        if name not in _made and name in sys.modules and hasattr(sys.modules[name], "__version__"):
            framework = _made[name] = make(sys.modules[name])
            if framework.owns(tensor):
                return framework
    from ._device import DeviceArrays

    for other in (DeviceArrays(), DLPack()):
        if other.owns(tensor):
            return other
    raise TypeError(f"expected a tensor (PyTorch, CuPy, NumPy, or any with __dlpack__), got {type(tensor).__name__}")


def numpy_framework():
    import numpy

    return _made.setdefault("numpy", NumPy(numpy))


def is_host_result(view, shape, dtype):
    """Whether a view can take a result that lies contiguously in memory of the CPU."""
    return view.shape == tuple(shape) and view.dtype == dtype and view.device == CPU and is_contiguous(view)


def view(tensor, expected_dtype=None):
    """A tensor's view; unsigned 16-bit integers are taken as bfloat16 where that is expected."""
    result = framework_of(tensor).view(tensor)
    if result.dtype == "bf16 bits":
        if expected_dtype not in (None, "bf16"):
            raise TypeError(f"expected elements of {expected_dtype}, got uint16 (which stands for bf16 only)")
        result.dtype = "bf16"
    return result


def to_bfloat16(array):
    """Rounds a NumPy array to bfloat16, to nearest even: bit patterns in uint16."""
    import numpy

    bits = numpy.ascontiguousarray(array, dtype=numpy.float32).view(numpy.uint32)
    # Adding the bit that is kept last, plus just under a half, rounds a tie to even; a NaN must not carry over.
    rounded = (bits + (numpy.uint32(0x7FFF) + ((bits >> numpy.uint32(16)) & numpy.uint32(1)))) >> numpy.uint32(16)
    quiet = (bits >> numpy.uint32(16)) | numpy.uint32(0x0040)
    is_nan = (bits & numpy.uint32(0x7FFFFFFF)) > numpy.uint32(0x7F800000)
    return numpy.where(is_nan, quiet, rounded).astype(numpy.uint16)


def from_bfloat16(array):
    """A NumPy array of bfloat16, as bit patterns or of ml_dtypes, in float32."""
    import numpy

    bits = numpy.ascontiguousarray(array).view(numpy.uint16)
    return (bits.astype(numpy.uint32) << numpy.uint32(16)).view(numpy.float32)
