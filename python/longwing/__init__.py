# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Longwing: compiles long-sequence models and runs them on any framework's tensors.

    import longwing, torch

    module = longwing.compile("examples/causal_attention.mlir", target="sm_90a")
    o, lse = module.main(q, k, v)          # torch in, torch out, on torch's current stream

`compile` needs the library `longwing` (the compiler); `load` needs `longwing-runtime` only, which depends on
neither LLVM nor the CUDA toolkit.
"""

from . import models
from ._device import DeviceArray, synchronize, to_device
from ._library import device_count
from ._module import Module
from ._tensors import from_bfloat16, to_bfloat16
from .errors import CompileError, LaunchError, Location, LongwingError

__version__ = "0.1.0"
__all__ = ["CompileError", "DeviceArray", "LaunchError", "Location", "LongwingError", "Module", "compile", "device_count",
           "emit", "from_bfloat16", "load", "models", "oracle", "synchronize", "to_bfloat16", "to_device"]


def load(package):
    """Loads a package: a path, or its bytes."""
    from ._module import PackageModule

    return PackageModule(package)


def compile(model, target="auto", *, ptxas=None, name=None, waive=None, **schedule):
    """Compiles a model and loads it.

    `model` is a path (str or pathlib.Path), or the model itself: text with a line break, or bytes.
    `target` is "sm_90a" (Hopper), "x86-64" (this machine's CPU), or "auto": the card where there is one.
    `ptxas` names NVIDIA's assembler; without one the package holds PTX, which the driver assembles.
    `name` stands for a model given as text in diagnostics.
    `waive` names faults of a kernel that are to be let pass, such as "spills" (see longwing-compile --help).
    Further arguments override the schedule: `consumers=2, keys=128, stages=2, ...`.

    Raises CompileError, whose `location` says where in the model.
    """
    from . import _compiler

    if target == "auto":
        target = "sm_90a" if device_count() else "x86-64"
    return _compiler.compile(model, target, ptxas=ptxas, name=name, waive=waive, schedule=schedule)


def emit(model, kind, **options):
    """Compiles a model to text or bytes: kind is "seq", "tile", "nvvm", "llvm", "ptx", "cubin", "package" or "header".

    Gives the artefact and the report of the kernels' tiles and registers.
    """
    from . import _compiler

    return _compiler.emit(model, kind, **options)


def oracle(model, name=None):
    """A model in float64 on this CPU: what it means, without the rounding of any kernel."""
    from . import _compiler

    return _compiler.oracle(model, name)
