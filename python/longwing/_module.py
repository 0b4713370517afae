# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules and their functions, over the runtime's C API."""

import ctypes
import json
import os
import pathlib
import threading

from . import _library, _tensors
from ._device import to_device
from ._library import DYNAMIC, Tensor, TensorInfo, check
from .errors import LaunchError

_thread = threading.local()


class Argument:
    """The name, element type and shape of an argument or result; a size of None is met at run time."""

    __slots__ = ("name", "dtype", "shape")

    def __init__(self, info):
        self.name = (info.name or b"").decode()
        self.dtype = _tensors.DTYPES[info.dtype]
        self.shape = tuple(None if size == DYNAMIC else size for size in info.shape[:info.rank])

    def __repr__(self):
        sizes = "x".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name}: {sizes}{'x' if sizes else ''}{self.dtype}"


def fill(tensor, view):
    """Describes a view to the runtime."""
    rank = len(view.shape)
    if rank > _library.MAX_RANK:
        raise TypeError(f"expected at most {_library.MAX_RANK} dimensions, got {rank}")
    tensor.data, tensor.dtype, tensor.rank = view.pointer, _tensors.DTYPE_NUMBER[view.dtype], rank
    for axis in range(rank):
        tensor.sizes[axis] = view.shape[axis]
        tensor.strides[axis] = view.strides[axis]


class BaseFunction:
    """A function of a module: call it with its arguments, in order or by name."""

    def __init__(self, name, arguments, results):
        self.name, self.arguments, self.results = name, arguments, results

    def __repr__(self):
        inputs, outputs = (", ".join(map(repr, group)) for group in (self.arguments, self.results))
        return f"{self.name}({inputs}) -> ({outputs})"

    def __call__(self, *arguments, out=None, **named):
        """Gives the result, or a tuple of them, as tensors of the framework that the first argument comes from.

        `out` names tensors that take the results instead: one, or a tuple.
        """
        views = [_tensors.view(tensor, argument.dtype)
                 for tensor, argument in zip(self._bind(arguments, named), self.arguments)]
        outputs = None
        if out is not None:
            outputs = out if isinstance(out, (tuple, list)) else (out,)
            if len(outputs) != len(self.results):
                raise TypeError(f"{self.name}: expected {len(self.results)} tensors in out, got {len(outputs)}")
        outputs = self._run(views, outputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _bind(self, arguments, named):
        if named:
            arguments = list(arguments)
            for argument in self.arguments[len(arguments):]:
                if argument.name not in named:
                    raise TypeError(f"{self.name}: the argument {argument.name!r} is missing")
                arguments.append(named.pop(argument.name))
            if named:
                raise TypeError(f"{self.name}: there is no argument {next(iter(named))!r}, or it is given twice")
        if len(arguments) != len(self.arguments):
            raise TypeError(f"{self.name}: expected {len(self.arguments)} arguments "
                            f"({', '.join(argument.name for argument in self.arguments)}), got {len(arguments)}")
        return arguments


_MAX_PLANS = 256


class _Plan:
    """A call's tensors without their addresses, the results' shapes and the size of the workspace."""

    __slots__ = ("arguments", "results", "shapes", "workspace_bytes")

    def __init__(self, arguments, results, workspace_bytes):
        self.arguments, self.results = arguments, results
        self.shapes = [tuple(result.sizes[:result.rank]) for result in results]
        self.workspace_bytes = workspace_bytes(arguments)


class Function(BaseFunction):
    """A function of a package, run on the card."""

    def __init__(self, module, number):
        library, handle = module._library, module._handle
        self._module, self._number = module, number

        def infos(count, get):
            info = TensorInfo()
            for index in range(count(handle, number)):
                check(get(handle, number, index, ctypes.byref(info)))
                yield Argument(info)

        super().__init__(library.lw_function_name(handle, number).decode(),
                         list(infos(library.lw_function_num_arguments, library.lw_function_argument)),
                         list(infos(library.lw_function_num_results, library.lw_function_result)))
        self._argument_array = Tensor * len(self.arguments)
        self._result_array = Tensor * len(self.results)
        self._plans = {}

    def _run(self, views, outputs):
        places = {view.where() for view in views}
        if len(places) > 1:
            raise LaunchError(f"{self.name}: expected all arguments on one device, got {', '.join(sorted(places))}",
                              "INVALID_ARGUMENT")
        if views and views[0].device == _tensors.CPU:
            return self._run_from_host(views, outputs)
        index = views[0].index if views else 0
        framework = views[0].framework
        with framework.device(index):
            return self._run_on_device(views, outputs, framework, index)

    def _run_on_device(self, views, outputs, framework, index):
        _use_device(index)
        plan = self._plan(views)
        arguments = self._argument_array.from_buffer_copy(plan.arguments)
        results = self._result_array.from_buffer_copy(plan.results)
        for tensor, view in zip(arguments, views):
            tensor.data = view.pointer
        if outputs is None:
            outputs = [framework.empty(shape, result.dtype, _tensors.CUDA, index)
                       for shape, result in zip(plan.shapes, self.results)]
        self._take_outputs(outputs, results, plan.shapes, index)
        size = plan.workspace_bytes
        workspace = framework.workspace(size, index) if size else None
        pointer = _tensors.view(workspace).pointer if size else None
        self._launch(arguments, results, pointer, size, framework.stream(index))
        return outputs

    def _plan(self, views):
        """What a call needs to know that depends on sizes and strides only, remembered from call to call."""
        key = tuple([(view.shape, view.strides, view.dtype) for view in views])
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = _Plan(*self._describe(views), self._workspace_bytes)
        return plan

    def _run_from_host(self, views, outputs):
        """Arguments on the CPU travel to device 0, results come back. For convenience, not for speed."""
        arguments = [to_device(view.owner[0] if isinstance(view.owner, tuple) else view.owner, 0, view.dtype)
                     for view in views]
        results = self._run([_tensors.view(array) for array in arguments], None)
        if outputs is None:
            outputs = [views[0].framework.empty(result.shape, result.dtype, _tensors.CPU, 0) for result in results]
        for output, result, info in zip(outputs, results, self.results):
            view = _tensors.view(output, info.dtype)
            if not _tensors.is_host_result(view, result.shape, result.dtype):
                raise LaunchError(f"{self.name}: expected the result {info.name!r} as a contiguous tensor of {result.shape} of "
                                  f"{result.dtype} on the CPU", "INVALID_ARGUMENT")
            result.copy_to(output)
        return outputs

    def _describe(self, views):
        arguments, results = self._argument_array(), self._result_array()
        for tensor, view in zip(arguments, views):
            fill(tensor, view)
        check(self._module._library.lw_function_infer(self._module._handle, self._number, arguments, len(arguments),
                                                      results, len(results)))
        return arguments, results

    def _take_outputs(self, outputs, results, shapes, index):
        for output, tensor, expected, result in zip(outputs, results, shapes, self.results):
            view = _tensors.view(output, result.dtype)
            if view.shape != expected or view.dtype != result.dtype:
                raise LaunchError(f"{self.name}: expected the result {result.name!r} as {expected} of {result.dtype}, "
                                  f"got {view.shape} of {view.dtype}", "INVALID_ARGUMENT")
            if (view.device, view.index) != (_tensors.CUDA, index):
                raise LaunchError(f"{self.name}: expected the result {result.name!r} on the arguments' device, got it on "
                                  f"{view.where()}", "INVALID_ARGUMENT")
            fill(tensor, view)

    def _workspace_bytes(self, arguments):
        size = ctypes.c_int64()
        check(self._module._library.lw_function_workspace_bytes(self._module._handle, self._number, arguments,
                                                                len(arguments), ctypes.byref(size)))
        return size.value

    def _launch(self, arguments, results, workspace, size, stream):
        check(self._module._library.lw_function_launch(self._module._handle, self._number, arguments, len(arguments),
                                                       results, len(results), workspace, size, stream))


def _use_device(index):
    """Makes the device's context current on a thread that has not used it yet."""
    used = _thread.__dict__.setdefault("used", set())
    if index not in used:
        check(_library.runtime().lw_device_set(index))
        used.add(index)


class Module:
    """Compiled functions. `module.main(...)` calls one; `module.functions` names them all."""

    target = None

    def __getattr__(self, name):
        functions = self.__dict__.get("functions", {})
        if name in functions:
            return functions[name]
        raise AttributeError(f"the module has no function {name!r}; it has {', '.join(functions) or 'none'}")

    def __repr__(self):
        return "\n".join([f"Module for {self.target}:"] + [f"  {function!r}" for function in self.functions.values()])


class PackageModule(Module):
    """A package in the runtime: what `load` gives, and `compile` for a CUDA target."""

    def __init__(self, source):
        self._library = _library.runtime()
        self._handle = None
        handle = ctypes.c_void_p()
        if isinstance(source, bytes):
            self.package = source
            check(self._library.lw_module_load_bytes(source, len(source), ctypes.byref(handle)))
        else:
            self.package = None
            self._path = os.fspath(source)
            check(self._library.lw_module_load(os.fsencode(source), ctypes.byref(handle)))
        self._handle = handle
        self.manifest = json.loads(self._library.lw_module_manifest(handle))
        self.target = self.manifest.get("target")
        made = [Function(self, number) for number in range(self._library.lw_module_num_functions(handle))]
        self.functions = {function.name: function for function in made}

    def prepare(self, device=0):
        """Loads the kernels on a device. The first call does so too, but not inside a graph capture."""
        _use_device(device)
        check(self._library.lw_module_prepare(self._handle))

    def save(self, path):
        """Writes the package to a file that `load` reads."""
        data = self.package if self.package is not None else pathlib.Path(self._path).read_bytes()
        pathlib.Path(path).write_bytes(data)

    def __del__(self):
        if self.__dict__.get("_handle"):
            self._library.lw_module_free(self._handle)
            self._handle = None
