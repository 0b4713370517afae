# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler, and modules that it runs on the CPU, over the C API of the library `longwing`."""

import ctypes
import functools
import os
import pathlib

from . import _library, _tensors
from ._library import Tensor, TensorInfo
from ._module import Argument, BaseFunction, Module, PackageModule, fill
from .errors import CompileError, LaunchError, Location

_p, _s, _i, _n = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t


class Diagnostic(ctypes.Structure):
    """lw_diagnostic"""

    _fields_ = [("severity", ctypes.c_int32), ("line", ctypes.c_uint32), ("column", ctypes.c_uint32), ("file", _s),
                ("message", _s), ("text", _s)]


Handler = ctypes.CFUNCTYPE(None, ctypes.POINTER(Diagnostic), _p)


@functools.lru_cache(None)
def library():
    """The compiler, with the prototypes of longwing-c/Compiler.h and longwing-c/Cpu.h."""
    return _library.declare(_library.open_library("longwing"), {
        "lw_compiler_version": (_s,),
        "lw_compiler_target": (_s, _n),
        "lw_compile_options_create": (_p,),
        "lw_compile_options_free": (None, _p),
        "lw_compile_options_set": (_i, _p, _s, _s),
        "lw_compile": (_p, _s, _n, _s, _p, Handler, _p),
        "lw_artefact_data": (_p, _p, ctypes.POINTER(_n)),
        "lw_artefact_report": (_s, _p),
        "lw_artefact_free": (None, _p),
        "lw_cpu_compile": (_p, _s, _n, _s, _i, Handler, _p),
        "lw_cpu_free": (None, _p),
        "lw_cpu_num_functions": (_n, _p),
        "lw_cpu_function_name": (_s, _p, _n),
        "lw_cpu_num_arguments": (_n, _p, _n),
        "lw_cpu_num_results": (_n, _p, _n),
        "lw_cpu_argument": (_i, _p, _n, _n, ctypes.POINTER(TensorInfo)),
        "lw_cpu_result": (_i, _p, _n, _n, ctypes.POINTER(TensorInfo)),
        "lw_cpu_run": (_p, _p, _n, ctypes.POINTER(Tensor), _n),
        "lw_cpu_error": (_s,),
        "lw_cpu_results_get": (_i, _p, _n, ctypes.POINTER(Tensor)),
        "lw_cpu_results_free": (None, _p),
    })


class _Listener:
    """Keeps the error that the compiler reports."""

    def __init__(self):
        self.error = None
        self.handler = Handler(self._take)

    def _take(self, diagnostic, user):
        diagnostic = diagnostic.contents
        if diagnostic.severity == 0 and self.error is None:
            text, message, file = (value.decode(errors="replace").rstrip()
                                   for value in (diagnostic.text, diagnostic.message, diagnostic.file))
            self.error = CompileError(message, Location(file, diagnostic.line, diagnostic.column), text)

    def raised(self):
        return self.error or CompileError("the compiler failed without a diagnostic")


def _read(model, name):
    """The bytes of a model, and what stands for it in diagnostics."""
    if isinstance(model, bytes):
        return model, name or "<model>"
    if isinstance(model, str) and "\n" in model:
        return model.encode(), name or "<model>"
    path = pathlib.Path(model)
    return path.read_bytes(), name or os.fspath(model)


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def compile(model, target, ptxas=None, name=None, waive=None, schedule=None):
    """See longwing.compile."""
    source, name = _read(model, name)
    if target == "x86-64":
        if schedule:
            raise CompileError("the target x86-64 has no schedule, got " + ", ".join(schedule))
        return CpuModule(source, name)
    options = {} if waive is None else {"waive": waive}
    data, report = emit(source, "package", name=name, target=target, ptxas=ptxas, schedule=schedule, **options)
    module = PackageModule(data)
    module.report = report
    return module


def emit(model, kind, *, target="sm_90a", name=None, ptxas=None, schedule=None, **options):
    """Compiles a model to a form of `longwing-compile --emit`: its bytes, and the report of --print-config.

    Further options are those of longwing-compile, with _ for -.
    """
    source, name = _read(model, name)
    settings = {"target": target, "emit": kind, **{key.replace("_", "-"): value for key, value in options.items()}}
    if ptxas is not None:
        settings["ptxas"] = os.fspath(ptxas)
    if schedule:
        settings["schedule"] = ",".join(f"{key}={_text(value)}" for key, value in schedule.items())
    lib, listener = library(), _Listener()
    chosen = lib.lw_compile_options_create()
    try:
        for key, value in settings.items():
            if lib.lw_compile_options_set(chosen, key.encode(), _text(value).encode()):
                raise CompileError(f"the compiler does not take the option {key}={_text(value)}")
        artefact = lib.lw_compile(source, len(source), name.encode(), chosen, listener.handler, None)
    finally:
        lib.lw_compile_options_free(chosen)
    if not artefact:
        raise listener.raised()
    try:
        size = ctypes.c_size_t()
        data = lib.lw_artefact_data(artefact, ctypes.byref(size))
        return ctypes.string_at(data, size.value), lib.lw_artefact_report(artefact).decode(errors="replace")
    finally:
        lib.lw_artefact_free(artefact)


# ===----------------------------------------------------------------------=== #
# On the CPU
# ===----------------------------------------------------------------------=== #


class CpuFunction(BaseFunction):
    """A function on the CPU. Its results are NumPy arrays, or PyTorch tensors where the first argument is one."""

    def __init__(self, module, number):
        self._module, self._number = module, number
        lib, handle = library(), module._handle

        def infos(count, get):
            info = TensorInfo()
            for index in range(count(handle, number)):
                if get(handle, number, index, ctypes.byref(info)):
                    raise CompileError("the function has an argument or result of a kind that cannot be passed")
                yield Argument(info)

        super().__init__(lib.lw_cpu_function_name(handle, number).decode(),
                         list(infos(lib.lw_cpu_num_arguments, lib.lw_cpu_argument)),
                         list(infos(lib.lw_cpu_num_results, lib.lw_cpu_result)))

    def _run(self, views, outputs):
        for view, argument in zip(views, self.arguments):
            if view.device != _tensors.CPU:
                raise LaunchError(f"{self.name}: expected {argument.name!r} on the CPU, got it on {view.where()}",
                                  "INVALID_ARGUMENT")
        lib = library()
        arguments = (Tensor * len(views))()
        for tensor, view in zip(arguments, views):
            fill(tensor, view)
        results = lib.lw_cpu_run(self._module._handle, self._number, arguments, len(views))
        if not results:
            raise LaunchError(lib.lw_cpu_error().decode(errors="replace"), "INVALID_ARGUMENT")
        try:
            framework = views[0].framework if views else _tensors.numpy_framework()
            return [self._take(results, number, framework, outputs) for number in range(len(self.results))]
        finally:
            lib.lw_cpu_results_free(results)

    def _take(self, results, number, framework, outputs):
        tensor = Tensor()
        if library().lw_cpu_results_get(results, number, ctypes.byref(tensor)):
            raise LaunchError(f"{self.name}: the result {self.results[number].name!r} cannot be passed")
        dtype, shape = _tensors.DTYPES[tensor.dtype], tuple(tensor.sizes[:tensor.rank])
        output = framework.empty(shape, dtype, _tensors.CPU, 0) if outputs is None else outputs[number]
        view = _tensors.view(output, dtype)
        if not _tensors.is_host_result(view, shape, dtype):
            raise LaunchError(f"{self.name}: expected the result {self.results[number].name!r} as a contiguous tensor of "
                              f"{shape} of {dtype} on the CPU", "INVALID_ARGUMENT")
        size = _tensors.DTYPE_BYTES[dtype]
        for extent in shape:
            size *= extent
        if size:
            ctypes.memmove(view.pointer, tensor.data, size)
        return output


class CpuModule(Module):
    """A model compiled for this machine; with precision "f64" it is the oracle, whose results are float64."""

    target = "x86-64"

    def __init__(self, source, name="<model>", precision="f32"):
        self._handle = None
        listener = _Listener()
        handle = library().lw_cpu_compile(source, len(source), name.encode(), {"f32": 0, "f64": 1}[precision],
                                          listener.handler, None)
        if not handle:
            raise listener.raised()
        self._handle = handle
        made = [CpuFunction(self, number) for number in range(library().lw_cpu_num_functions(handle))]
        self.functions = {function.name: function for function in made}

    def __del__(self):
        if self.__dict__.get("_handle"):
            library().lw_cpu_free(self._handle)
            self._handle = None


def oracle(model, name=None):
    """See longwing.oracle."""
    source, name = _read(model, name)
    return CpuModule(source, name, "f64")
