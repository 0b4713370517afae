# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays in the card's memory for programs that have NumPy only."""

import contextlib
import ctypes

from . import _library, _tensors
from ._library import check
from .errors import LaunchError


class DeviceArray:
    """A contiguous array on a CUDA device, freed with its last reference. `to_device` makes one."""

    def __init__(self, shape, dtype, device=0):
        self.shape, self.dtype, self.device = tuple(shape), dtype, device
        self._library, self._memory = _library.runtime(), ctypes.c_void_p()
        check(self._library.lw_device_set(device))
        check(self._library.lw_device_allocate(max(self.nbytes, 1), ctypes.byref(self._memory)))

    @property
    def nbytes(self):
        size = _tensors.DTYPE_BYTES[self.dtype]
        for extent in self.shape:
            size *= extent
        return size

    @property
    def pointer(self):
        return self._memory.value

    def numpy(self):
        """A copy on the CPU, after all work of the device is done."""
        array = _tensors.numpy_framework().empty(self.shape, self.dtype, _tensors.CPU, 0)
        self.copy_to(array)
        return array

    def copy_to(self, array):
        """Writes a contiguous array on the CPU."""
        check(self._library.lw_device_set(self.device))
        check(self._library.lw_device_synchronize())
        check(self._library.lw_device_copy_out(_tensors.view(array, self.dtype).pointer, self._memory, self.nbytes))

    def __repr__(self):
        return f"DeviceArray({'x'.join(map(str, self.shape))} of {self.dtype} on cuda:{self.device})"

    def __del__(self):
        if self.__dict__.get("_memory"):
            self._library.lw_device_free(self._memory)


class DeviceArrays:
    """The framework of DeviceArray, on the default stream."""

    name = "longwing"

    def owns(self, tensor):
        return isinstance(tensor, DeviceArray)

    def view(self, tensor):
        return _tensors.View(tensor.pointer, tensor.shape, _tensors.contiguous_strides(tensor.shape), tensor.dtype,
                             _tensors.CUDA, tensor.device, self, tensor)

    def empty(self, shape, dtype, device, index):
        return DeviceArray(shape, dtype, index)

    def workspace(self, size, index):
        return DeviceArray((size,), "i8", index)

    def stream(self, index):
        return None

    def device(self, index):
        check(_library.runtime().lw_device_set(index))
        return contextlib.nullcontext()


def to_device(array, device=0, dtype=None):
    """Copies a tensor from the CPU. NumPy's uint16 stands for bfloat16."""
    view = _tensors.view(array, dtype)
    if view.device != _tensors.CPU:
        raise LaunchError(f"expected a tensor on the CPU, got one on {view.where()}", "INVALID_ARGUMENT")
    if not _tensors.is_contiguous(view):
        import numpy

        source = array if isinstance(array, numpy.ndarray) else numpy.from_dlpack(array)
        return to_device(numpy.ascontiguousarray(source), device, view.dtype)
    result = DeviceArray(view.shape, view.dtype, device)
    check(result._library.lw_device_copy_in(result.pointer, view.pointer, result.nbytes))
    return result


def synchronize(device=0):
    """Waits for all work of a device."""
    check(_library.runtime().lw_device_set(device))
    check(_library.runtime().lw_device_synchronize())
