# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of one recurrence over channels, as text, and tensors for them."""

import numpy as np


def tensor(shape, element):
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def function(operation, arguments, results, attributes=()):
    """A model of one operation: `arguments` and `results` are (name, type) pairs."""
    signature = ", ".join(f'%{name}: {type_} {{longwing.name = "{name}"}}' for name, type_ in arguments)
    types = [type_ for _, type_ in results]
    named = ", ".join(f'{type_} {{longwing.name = "{name}"}}' for name, type_ in results)
    values = "%r" if len(results) == 1 else ", ".join(f"%r#{i}" for i in range(len(results)))
    given = "%r" if len(results) == 1 else f"%r:{len(results)}"
    flags = " {" + ", ".join(attributes) + "}" if attributes else ""
    return (f"func.func @main({signature}) -> ({named}) {{\n  {given} = {operation[0]}{flags}\n"
            f"      : {operation[1]} -> {', '.join(types)}\n  return {values} : {', '.join(types)}\n}}\n")


def selective_scan(channels, states=16, groups=1, dtype="bf16", batch="?", length="?", coefficients=None,
                   skip=True, gate=True, bias=True, softplus=True, init=False, state=False, offsets=False,
                   reverse=False, constant=False):
    """The text of a model with one seq.selective_scan."""
    if offsets:
        batch = 1
    steps = tensor([batch, length, channels], dtype)
    table = tensor([channels, states] if constant else [batch, length, groups, states], coefficients or dtype)
    per_channel, rates = tensor([channels], "f32"), tensor([channels, states], "f32")
    kept = tensor(["?" if offsets else batch, channels, states], "f32")
    arguments = [("u", steps), ("delta", steps), ("a", rates), ("b", table), ("c", table)]
    extra = [("skip", per_channel, skip), ("gate", steps, gate), ("bias", per_channel, bias), ("init", kept, init),
             ("offsets", "tensor<?xi32>", offsets)]
    extra = [(name, type_) for name, type_, wanted in extra if wanted]
    operands = " ".join(f"{name}(%{name} : {type_})" for name, type_ in extra)
    attributes = [name for name, wanted in (("softplus", softplus), ("reverse", reverse)) if wanted]
    results = [("y", steps)] + ([("last", kept)] if state else [])
    return function((f"seq.selective_scan %u, %delta, %a, %b, %c {operands}", ", ".join(t for _, t in arguments)),
                    arguments + extra, results, attributes)


def scan(form, channels, dtype="bf16", batch="?", length="?", constant=False, init=False, state=False, reverse=False,
         offsets=False, config=""):
    """The text of a model with one seq.scan."""
    if offsets:
        batch = 1
    steps, per_channel = tensor([batch, length, channels], dtype), tensor([channels], "f32")
    kept = tensor(["?" if offsets else batch, *([3] if form == "wkv" else []), channels], "f32")
    arguments = [("a", per_channel if constant or form == "wkv" else steps), ("b", steps)]
    extra = [("key", steps, form == "wkv"), ("bonus", per_channel, form == "wkv"), ("init", kept, init),
             ("offsets", "tensor<?xi32>", offsets)]
    extra = [(name, type_) for name, type_, wanted in extra if wanted]
    operands = " ".join(f"{name}(%{name} : {type_})" for name, type_ in extra)
    results = [("y", steps)] + ([("last", kept)] if state else [])
    return function((f"seq.scan {form} %a, %b {operands}", ", ".join(t for _, t in arguments)), arguments + extra,
                    results, (["reverse"] if reverse else []) + ([f"seq.config = {{{config}}}"] if config else []))


def selective_scan_inputs(rng, channels, states=16, groups=1, batch=2, length=33, rate=1.0):
    """float64 arrays by name; a caller rounds and takes what its model has."""
    steps = (batch, length, channels)
    return {"u": rng.standard_normal(steps), "delta": rng.standard_normal(steps) * 0.5 - 1,
            "a": -rate * rng.uniform(0.1, 1, (channels, states)) * np.arange(1, states + 1),
            "b": rng.standard_normal((batch, length, groups, states)),
            "c": rng.standard_normal((batch, length, groups, states)), "skip": rng.standard_normal(channels),
            "gate": rng.standard_normal(steps), "bias": rng.standard_normal(channels) * 0.1,
            "init": rng.standard_normal((batch, channels, states))}
