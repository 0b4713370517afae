# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds and opens the shared libraries `longwing-runtime` and `longwing`."""

import ctypes
import functools
import os
import pathlib

from .errors import LaunchError

MAX_RANK = 8
DYNAMIC = -(2**63)

# The values are those of lw_status.
STATUS = ("OK", "INVALID_ARGUMENT", "BAD_PACKAGE", "IO", "NO_DRIVER", "UNSUPPORTED", "DRIVER", "INTERNAL")


class Tensor(ctypes.Structure):
    """lw_tensor"""

    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("sizes", ctypes.c_int64 * MAX_RANK), ("strides", ctypes.c_int64 * MAX_RANK)]


class TensorInfo(ctypes.Structure):
    """lw_tensor_info"""

    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.c_int64 * MAX_RANK)]


def folders():
    """Where the libraries are looked for: a named folder, beside the package, a build beside its sources."""
    named = os.environ.get("LONGWING_LIBRARY_DIR")
    if named:
        yield pathlib.Path(named)
    package = pathlib.Path(__file__).resolve().parent
    yield package
    yield package / "lib"
    sources = package.parents[1]
    for preset in ("release", "portable", "dev"):
        yield sources / "build" / preset / "lib"


def find(name):
    """The path of a library, or its bare name for the system to find."""
    file = f"lib{name}.so"
    for folder in folders():
        if (folder / file).exists():
            return str(folder / file)
    return file


def open_library(name):
    path = find(name)
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        searched = ", ".join(str(folder) for folder in folders())
        raise ImportError(f"the library {name} could not be loaded ({error}); searched {searched}. "
                          "LONGWING_LIBRARY_DIR can name its folder") from None


def declare(library, prototypes):
    for name, (result, *arguments) in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_p, _s, _i, _l, _n = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int64, ctypes.c_size_t
_tensors = ctypes.POINTER(Tensor)


@functools.lru_cache(None)
def runtime():
    """The runtime, with the prototypes of longwing-c/Runtime.h."""
    return declare(open_library("longwing-runtime"), {
        "lw_runtime_version": (_s,),
        "lw_last_error": (_s,),
        "lw_module_load": (_i, _s, ctypes.POINTER(_p)),
        "lw_module_load_bytes": (_i, _s, _n, ctypes.POINTER(_p)),
        "lw_module_free": (None, _p),
        "lw_module_manifest": (_s, _p),
        "lw_module_prepare": (_i, _p),
        "lw_module_num_functions": (_n, _p),
        "lw_function_name": (_s, _p, _n),
        "lw_function_num_arguments": (_n, _p, _n),
        "lw_function_num_results": (_n, _p, _n),
        "lw_function_argument": (_i, _p, _n, _n, ctypes.POINTER(TensorInfo)),
        "lw_function_result": (_i, _p, _n, _n, ctypes.POINTER(TensorInfo)),
        "lw_function_infer": (_i, _p, _n, _tensors, _n, _tensors, _n),
        "lw_function_workspace_bytes": (_i, _p, _n, _tensors, _n, ctypes.POINTER(_l)),
        "lw_function_launch": (_i, _p, _n, _tensors, _n, _tensors, _n, _p, _l, _p),
        "lw_device_count": (_i, ctypes.POINTER(_i)),
        "lw_device_set": (_i, _i),
        "lw_device_name": (_i, _i, _s, _n),
        "lw_device_allocate": (_i, _l, ctypes.POINTER(_p)),
        "lw_device_free": (_i, _p),
        "lw_device_copy_in": (_i, _p, _p, _l),
        "lw_device_copy_out": (_i, _p, _p, _l),
        "lw_device_synchronize": (_i,),
    })


def check(status):
    """Raises what the runtime reports."""
    if status:
        name = STATUS[status] if 0 <= status < len(STATUS) else str(status)
        raise LaunchError(runtime().lw_last_error().decode(errors="replace"), name)


def device_count():
    """The number of CUDA devices; 0 where there is no driver or no runtime library."""
    count = ctypes.c_int(0)
    try:
        return 0 if runtime().lw_device_count(ctypes.byref(count)) else count.value
    except ImportError:
        return 0
