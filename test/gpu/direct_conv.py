#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The convolutions without transforms that test_direct_conv.py runs, by name.

    python3 test/gpu/direct_conv.py DIR     compiles all of them into DIR, for LONGWING_PACKAGES
"""

import os
import pathlib
import sys

CHANNELS = 5
# Name: kind, element, taps, and what else the convolution has.
LONG = {
    "causal_7": dict(kind="causal", element="f16", taps=7),
    "causal_100_last": dict(kind="causal", element="f16", taps=100, order="last", stored="f16", skip=True),
    "causal_128_bf16": dict(kind="causal", element="bf16", taps=128),
    "causal_300": dict(kind="causal", element="f16", taps=300),
    "anticausal_130": dict(kind="anticausal", element="f16", taps=130, pre=True),
    "shared_70_65": dict(kind="two_sided_shared", element="f16", taps=70, reverse=65, post=True),
    "disjoint_64_64": dict(kind="two_sided_disjoint", element="f16", taps=64, reverse=64),
    "circular_65": dict(kind="circular", element="f16", taps=65),
    "circular_250": dict(kind="circular", element="f16", taps=250, pre=True, post=True),
    "gated_9": dict(kind="causal", element="bf16", taps=9, pre=True, post=True, skip=True, ungated=True),
    "whole_500": dict(kind="causal", element="f16", taps=500, length=500),
    "whole_384": dict(kind="two_sided_shared", element="f16", taps=384, reverse=300, length=384, skip=True),
    "whole_circular_448": dict(kind="circular", element="bf16", taps=448, length=448),
    # Sequences of whole chunks: several a tile, one, several tiles each.
    "boxes_64": dict(kind="causal", element="f16", taps=16, length=64, pre=True, post=True, skip=True, ungated=True),
    "boxes_256": dict(kind="causal", element="f16", taps=256, length=256),
    "boxes_512": dict(kind="causal", element="bf16", taps=512, length=512, pre=True, post=True),
    "boxes_1024": dict(kind="causal", element="f16", taps=7, length=1024),
    "boxes_1024_bf16": dict(kind="causal", element="bf16", taps=128, length=1024, skip=True),
    "boxes_4096": dict(kind="two_sided_disjoint", element="bf16", taps=3, length=4096, reverse=64, pre=True),
    "boxes_4224": dict(kind="causal", element="f16", taps=256, length=4224, post=True),
    "boxes_8192": dict(kind="anticausal", element="f16", taps=66, length=8192),
    "boxes_circular_256": dict(kind="circular", element="f16", taps=256, length=256, pre=True),
    "boxes_circular_1024": dict(kind="circular", element="bf16", taps=65, length=1024),
}
SHORT = {
    "short_4_states": dict(kind="causal", element="bf16", width=4, silu=True, states=True),
    "short_3": dict(kind="causal", element="f16", width=3),
    "short_8_centred": dict(kind="centred", element="f16", width=8, silu=True),
    # Time before channels: few, a number that rows of 16 bytes do not hold, more than a CTA has.
    **{f"channels_{channels}_{element}": dict(kind="causal", element=element, width=4, silu=True, states=True, axis=1,
                                              channels=channels)
       for channels, element in ((5, "bf16"), (520, "f16"), (1536, "bf16"), (1537, "f16"), (264, "f32"))},
    "channels_2": dict(kind="causal", element="f16", width=2, axis=1, channels=64),
    "channels_8_centred": dict(kind="centred", element="bf16", width=8, silu=True, axis=1, channels=1032),
    "channels_5_states": dict(kind="causal", element="f32", width=5, states=True, axis=1, channels=7),
}


def long_text(kind, element, taps, reverse=0, length="?", order="first", pre=False, post=False, skip=False,
              ungated=False, stored="f32"):
    u = f"tensor<?x{CHANNELS}x{length}x{element}>"
    h, r = f"tensor<{CHANNELS}x{taps}x{stored}>", f"tensor<{CHANNELS}x{reverse}x{stored}>"
    arguments, text = [f"%u: {u}", f"%h: {h}"], f"seq.long_conv {kind} %u filter(%h : {h})"

    def take(given, word, type):
        nonlocal text
        if given:
            arguments.append(f"%{word}: {type}")
            text += f" {word}(%{word} : {type})"

    take(reverse, "reverse", r)
    text += f" taps {order}"
    take(pre, "pre", u)
    take(post, "post", u)
    take(skip, "skip", f"tensor<{CHANNELS}xf32>")
    text += " {skip_ungated}" if ungated else ""
    return f"func.func @main({', '.join(arguments)}) -> {u} {{\n  %y = {text} : {u} -> {u}\n  return %y : {u}\n}}\n"


def short_text(kind, element, width, silu=False, states=False, axis=2, channels=CHANNELS):
    x, s = (f"tensor<?x{channels}x{size}x{element}>" if axis == 2 else f"tensor<?x{size}x{channels}x{element}>"
            for size in ("?", width - 1))
    w, bias = f"tensor<{channels}x{width}xf32>", f"tensor<{channels}xf32>"
    return f"""func.func @main(%x: {x}, %w: {w}, %b: {bias}{f", %s: {s}" if states else ""}) -> {f"({x}, {s})" if states else x} {{
  %r{":2" if states else ""} = seq.short_conv {kind} %x, %w taps last bias(%b : {bias})
      {f"initial(%s : {s})" if states else ""} {{axis = {axis} : i64{", silu" if silu else ""}}}
      : {x}, {w} -> {x}{f", {s}" if states else ""}
  return {f"%r#0, %r#1 : {x}, {s}" if states else f"%r : {x}"}
}}
"""


def text(name):
    return long_text(**LONG[name]) if name in LONG else short_text(**SHORT[name])


_loaded = {}


def compile_kernel(name):
    """By Toeplitz products."""
    import longwing

    return longwing.compile(text(name), target="sm_90a", conv="toeplitz")


def kernel(name):
    """The function of that name: loaded from LONGWING_PACKAGES, or compiled now."""
    import longwing

    if name not in _loaded:
        folder = os.environ.get("LONGWING_PACKAGES")
        _loaded[name] = (longwing.load(pathlib.Path(folder) / f"{name}.lwp") if folder else
                         compile_kernel(name))
    return _loaded[name].main


if __name__ == "__main__":
    import packages

    sys.exit(packages.main(__doc__, [*LONG, *SHORT], compile_kernel))
