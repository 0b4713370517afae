#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The convolutions by Fourier transform that the tests of this folder run, by name.

    python3 test/gpu/fourier.py DIR     compiles all of them into DIR

A machine with a card but no compiler then runs the tests with LONGWING_PACKAGES=DIR.
"""

import os
import pathlib
import sys

CHANNELS = 5


def case(kind, length, taps=None, element="f16", reverse=None, order="first", pre=False, post=False, skip=False,
         conv="transform"):
    return dict(kind=kind, length=length, taps=taps or length, element=element, reverse=reverse, order=order, pre=pre,
                post=post, skip=skip, conv=conv)


def cases():
    made = {}
    for kind in ("causal", "circular"):
        for length in (1, 2, 3, 15, 16, 17, 255, 256, 257, 512, 768, 1000, 1024, 2048, 2500, 4096):
            made[f"{kind}_{length}"] = case(kind, length)
        made[f"{kind}_gated_1024_bf16"] = case(kind, 1024, 300, "bf16", pre=True, post=True, skip=True)
        made[f"{kind}_gated_4096"] = case(kind, 4096, 4096, pre=True, post=True)
        made[f"{kind}_gated_1000"] = case(kind, 1000, 1700, pre=True, post=True)
        for length in (5001, 8192):  # in the SRAM of one CTA
            made[f"{kind}_{length}"] = case(kind, length, min(length, 6000))
        for length in (8760, 14113, 16384, 20000, 30001, 32768):
            made[f"{kind}_{length}"] = case(kind, length)
        made[f"{kind}_gated_30001"] = case(kind, 30001, pre=True, post=True)
        made[f"{kind}_gated_8192"] = case(kind, 8192, pre=True, post=True)
        made[f"{kind}_gated_8192_bf16"] = case(kind, 8192, 3000, "bf16", pre=True, post=True)
        # In passes through memory.
        for length in (40000, 65536, 131072, 262144, 524288, 1048576, 3000000, 4194304):
            made[f"{kind}_{length}"] = case(kind, length)
        for length in (14113, 32768, 65536, 262144, 1048576, 4194304):
            made[f"{kind}_gated_{length}_bf16"] = case(kind, length, length // 3, "bf16", pre=True, post=True, skip=True)
        # By sums, and by stages.
        for length in (1, 2, 3, 15, 16, 17, 255, 256, 257, 1000, 1024, 2048, 4096, 8192, 8760, 14113, 16384, 32768, 65536, 131072,
                       262144, 1048576, 4194304):
            made[f"{kind}_{length}_f32"] = case(kind, length, element="f32")
        for length in (257, 1000, 4096, 14113, 65536, 1000000):
            made[f"{kind}_gated_{length}_f32"] = case(kind, length, length // 2, "f32", pre=True, post=True, skip=True)
    made["anticausal_5000_f32"] = case("anticausal", 5000, 7000, "f32", order="last", post=True)
    made["shared_3000_f32"] = case("two_sided_shared", 3000, reverse=2000, element="f32")
    made["disjoint_4096_f32"] = case("two_sided_disjoint", 4096, 3000, reverse=5000, element="f32", pre=True)
    for length in (256, 512, 1000, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
        made[f"causal_{length}_bf16"] = case("causal", length, element="bf16")
    # In blocks of 16K to 1M samples, in passes: two to eight and more than the filter reaches over, whole ones or not.
    for length in (40000, 300001, 1048576, 2097152, 4194304, 7000000):
        made[f"blocks_{length}"] = case("causal", length, conv="blocks")
    made["blocks_gated_1048576_bf16"] = case("causal", 1048576, 500000, "bf16", pre=True, post=True, skip=True, conv="blocks")
    made["blocks_gated_3000000"] = case("causal", 3000000, pre=True, post=True, conv="blocks")
    made["blocks_anticausal_1500000_bf16"] = case("anticausal", 1500000, 1400000, "bf16", order="last", pre=True, conv="blocks")
    made["blocks_anticausal_4194304"] = case("anticausal", 4194304, 300000, skip=True, conv="blocks")
    made["shared_16384"] = case("two_sided_shared", 16384, reverse=9000)
    made["disjoint_25000"] = case("two_sided_disjoint", 25000, 25000, reverse=25000)
    # A last row that is shorter, in boxes.
    made["causal_gated_30000"] = case("causal", 30000, pre=True, post=True, skip=True)
    made["causal_1000000"] = case("causal", 1000000, pre=True, post=True)
    made["anticausal_20000"] = case("anticausal", 20000, 5000, post=True)
    made["anticausal_3072"] = case("anticausal", 3072, post=True)
    made["shared_1500"] = case("two_sided_shared", 1500, 1500, reverse=700)
    made["disjoint_2560"] = case("two_sided_disjoint", 2560, 800, reverse=2560)
    # In blocks: of 4096 samples, and of 32768, all of which or some the filter reaches over.
    for length in (8192, 16384, 20001, 32768, 65536, 131072):
        made[f"blocks_{length}"] = case("causal", length, conv="blocks")
        made[f"blocks_gated_{length}_bf16"] = case("causal", length, length // 2, "bf16", order="last", pre=True, post=True,
                                                   skip=True, conv="blocks")
    made["blocks_gated_98320"] = case("causal", 98320, pre=True, post=True, conv="blocks")
    made["blocks_anticausal_12000"] = case("anticausal", 12000, post=True, conv="blocks")
    made["blocks_anticausal_80001"] = case("anticausal", 80001, 9000, skip=True, conv="blocks")
    made["blocks_long_1048576"] = case("causal", 1048576, 4096, conv="blocks")
    made["blocks_long_300000"] = case("causal", 300000, 40000, pre=True, post=True, conv="blocks")
    made["last_768"] = case("causal", 768, 2000, "bf16", order="last")
    return made


def model(kind, length, taps, element, reverse, order, pre, post, skip, conv, channels=CHANNELS):
    tensor, filters = f"tensor<?x{channels}x{length}x{element}>", f"tensor<{channels}x{taps}xf32>"
    arguments, text = [f"%u: {tensor}", f"%h: {filters}"], f"seq.long_conv {kind} %u filter(%h : {filters})"
    if reverse:
        arguments.append(f"%r: tensor<{channels}x{reverse}xf32>")
        text += f" reverse(%r : tensor<{channels}x{reverse}xf32>)"
    text += f" taps {order}"
    for name, given, type in (("pre", pre, tensor), ("post", post, tensor), ("skip", skip, f"tensor<{channels}xf32>")):
        if given:
            arguments.append(f"%{name}: {type}")
            text += f" {name}(%{name} : {type})"
    return f"""func.func @main({", ".join(arguments)}) -> {tensor} {{
  %y = {text} : {tensor} -> {tensor}
  return %y : {tensor}
}}
"""


def prepared_model(kind, length, element, gated, skip, block, radices):
    """`prepare(h)` of a spectrum in blocks, and `main(u, s[, skip][, pre, post])`."""
    blocks = -(-length // block)
    tensor, filters, spectrum = (f"tensor<?x{CHANNELS}x{length}x{element}>", f"tensor<{CHANNELS}x{length}xf32>",
                                 f"tensor<{CHANNELS}x{blocks}x{block}x2xf16>")
    given = "{radices = array<i64: " + ", ".join(map(str, radices)) + ">}"
    gates = (f", %skip: tensor<{CHANNELS}xf32>" if skip else "") + (f", %pre: {tensor}, %post: {tensor}" if gated else "")
    clauses = (f" pre(%pre : {tensor}) post(%post : {tensor})" if gated else "") + (f" skip(%skip : tensor<{CHANNELS}xf32>)" if skip else "")
    return f"""func.func @prepare(%h: {filters}) -> {spectrum} {{
  %s = seq.prepare_filter {kind} %h taps first {given} : {filters} -> {spectrum}
  return %s : {spectrum}
}}
func.func @main(%u: {tensor}, %s: {spectrum}{gates}) -> {tensor} {{
  %y = seq.long_conv {kind} %u spectrum(%s : {spectrum}){clauses} {given} : {tensor} -> {tensor}
  return %y : {tensor}
}}
"""


PREPARED = {f"prepared_{length}_{element}{'_gated' if gated else ''}": ("causal", length, element, gated, True, 4096, [16, 16, 16])
            for length, element, gated in ((8192, "f16", True), (12288, "bf16", False), (9001, "f16", False),
                                           (16384, "f16", True), (32768, "f16", False), (32768, "bf16", True))}
# In place, where a skip is no tap, and through memory.
PREPARED |= {f"prepared_{kind}_{length}_{element}{'_gated' if gated else ''}": (kind, length, element, gated, skip, block, radices)
             for kind, length, element, gated, skip, block, radices in (
                 ("causal", 65536, "f16", False, False, 32768, [128, 16, 16]),
                 ("causal", 65536, "f16", True, True, 32768, [128, 16, 16]),
                 ("anticausal", 100000, "bf16", True, False, 32768, [128, 16, 16]),
                 ("causal", 1048576, "f16", False, True, 524288, [128, 16, 16, 16]),
                 ("anticausal", 1500000, "bf16", True, False, 524288, [128, 16, 16, 16]),
                 ("causal", 4194304, "f16", False, False, 524288, [128, 16, 16, 16]))}

# That sum in f32 and hold numbers in two parts: boxes, strips, neighbouring samples, two blocks.
PRECISE = {
    "precise_causal_1000": case("causal", 1000, pre=True, post=True),
    "precise_causal_256_bf16": case("causal", 256, 900, "bf16", pre=True, skip=True),
    "precise_circular_4096": case("circular", 4096, post=True, skip=True),
    "precise_circular_2500": case("circular", 2500),
    "precise_shared_1500": case("two_sided_shared", 1500, reverse=700),
    "precise_blocks_8192": case("causal", 8192, order="last", pre=True, post=True, skip=True, conv="blocks"),
    "precise_anticausal_7001": case("anticausal", 7001, skip=True, conv="blocks"),
    "precise_blocks_20000_bf16": case("causal", 20000, 3000, "bf16", conv="blocks"),
}

# What the test of H3's kernels takes; precise in f16.
H3_CHANNELS, H3_LENGTHS = 256, (8, 16, 32, 64, 128, 256, 372, 512, 784, 1024, 1134, 2048, 4096, 8192)
H3 = {f"h3_{length}_{element}": case("causal", length, element=element) for length in H3_LENGTHS for element in ("f16", "bf16")}

_loaded = {}


def compile_kernel(name):
    import longwing

    if name in PREPARED:
        return longwing.compile(prepared_model(*PREPARED[name]), target="sm_90a")
    if name in H3:
        given = H3[name]
        return longwing.compile(model(**given, channels=H3_CHANNELS), target="sm_90a", precise=given["element"] == "f16")
    if name in PRECISE:
        return longwing.compile(model(**PRECISE[name]), target="sm_90a", conv=PRECISE[name]["conv"], precise=True)
    return longwing.compile(model(**cases()[name]), target="sm_90a", conv=cases()[name]["conv"])


def module(name):
    """The module of that name: loaded from LONGWING_PACKAGES, or compiled now."""
    import longwing

    if name not in _loaded:
        folder = os.environ.get("LONGWING_PACKAGES")
        _loaded[name] = (longwing.load(pathlib.Path(folder) / f"fourier_{name}.lwp") if folder else
                         compile_kernel(name))
    return _loaded[name]


def kernel(name):
    """Its function `main`."""
    return module(name).main


if __name__ == "__main__":
    import packages

    sys.exit(packages.main(__doc__, [*cases(), *PREPARED, *PRECISE, *H3], compile_kernel, prefix="fourier_"))
