# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrences with all that presses on registers beside them: none of their kernels spills or has its products serialised, which
are errors of longwing-compile. Linear attention where decays differ between key channels and where a head has one, scans, whose
number of sequences chooses among kernels, and filters of long convolutions.

Of the combinations of states, gate, skip and bonus those of an odd number with narrow keys, those of an even one with
wide ones.
"""

import itertools
import shutil

import longwing
import pytest

import support
from test_tile_linear_attention import model

pytestmark = pytest.mark.skipif(
    not support.has_tool("longwing-compile") or not (shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")),
    reason="longwing-compile is not built, or there is no ptxas")


def crowded(dtype, stored, key_dim, **options):
    shape = {"constant": f"4x{key_dim}xf32"}.get(stored, f"?x?x4x{key_dim}x{stored}")
    return model(dtype, 4, 4, key_dim, key_dim, decay=f"tensor<{shape}>", **options)[0]


@pytest.mark.parametrize("key_dim", [64, 128])
@pytest.mark.parametrize("dtype, stored", [("bf16", "bf16"), ("bf16", "f32"), ("f16", "f16"), ("bf16", "constant")])
def test_no_spills(dtype, stored, key_dim, tmp_path):
    functions = []
    for states, gate, skip, bonus in itertools.product([False, True], repeat=4):
        if states ^ gate ^ skip ^ bonus != (key_dim == 64) or (states and key_dim > 64):
            continue
        text = crowded(dtype, stored, key_dim, init=states, state=states, gate=gate, skip=skip, bonus=bonus)
        functions.append(text.replace("@main", f"@f{len(functions)}"))
    source = tmp_path / "crowded.mlir"
    source.write_text("\n".join(functions))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "crowded.lwp"))


@pytest.mark.parametrize("value_dim", [64, 128])
@pytest.mark.parametrize("kind", ["dt", "step", "head"])
def test_no_spills_next_to_decays_of_a_head(kind, value_dim, tmp_path):
    """Wide keys, a gate next to an initial state, and sequences that are packed."""
    functions = []
    for dtype, gate, skip, packed in itertools.product(["bf16", "f16"], [False, True], [False, True], [False, True]):
        if packed and skip:
            continue
        decays = dict(dt=dtype, bias=True, attributes="softplus") if kind == "dt" else dict(decay=kind)
        text, _ = model(dtype, 4, 4, 128, value_dim, init=True, state=True, gate=gate, skip=skip, packed=packed, **decays)
        functions.append(text.replace("@main", f"@f{len(functions)}"))
    source = tmp_path / "crowded.mlir"
    source.write_text("\n".join(functions))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "crowded.lwp"))


@pytest.mark.parametrize("key_dim", [64, 128])
@pytest.mark.parametrize("key_heads", [1, 8])
def test_no_spills_of_segments(key_heads, key_dim, tmp_path):
    """SSD without an initial state and a gate: with a skip its segments are three warpgroups'."""
    functions = []
    for dtype, skip, state in itertools.product(["bf16", "f16"], [False, True], [False, True]):
        text, _ = model(dtype, key_heads, 24, key_dim, 64, dt=dtype, bias=True, skip=skip, state=state, attributes="softplus")
        functions.append(text.replace("@main", f"@f{len(functions)}"))
    source = tmp_path / "segments.mlir"
    source.write_text("\n".join(functions))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "segments.lwp"))


@pytest.mark.parametrize("form, complex", [("linear", False), ("linear", True), ("log", False), ("log", True), ("wkv", False)])
def test_no_spills_of_scans(form, complex, tmp_path):
    functions = []
    for element, constant, beside in itertools.product(["bf16", "f32"], [False, True], [{}, dict(states=True, reverse=True),
                                                                                      dict(states=True, packed=True)]):
        if (complex and element != "f32") or (constant and form == "wkv"):  # which it always is
            continue
        text = longwing.models.scan(2048, form=form, complex=complex, element=element, constant=constant, **beside)
        functions.append(text.replace("@main", f"@f{len(functions)}"))
    source = tmp_path / "scans.mlir"
    source.write_text("\n".join(functions))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "scans.lwp"))


@pytest.mark.parametrize("kind", ["causal", "anticausal"])
def test_no_spills_of_convolutions_in_blocks(kind, tmp_path):
    """Filters that reach over three to six blocks of 4096 samples, whose spectra a sum reads two at a time."""
    functions = []
    for taps, (pre, post), skip in itertools.product([8193, 12288, 20480], [(False, False), (False, True), (True, True)], [False, True]):
        tensor, filters = "tensor<?x3x65536xbf16>", f"tensor<3x{taps}xf32>"
        given = [("pre", tensor)] * pre + [("post", tensor)] * post + [("skip", "tensor<3xf32>")] * skip
        arguments = "".join(f", %{name}: {type}" for name, type in given)
        clauses = "".join(f" {name}(%{name} : {type})" for name, type in given)
        functions.append(f"""func.func @f{len(functions)}(%u: {tensor}, %h: {filters}{arguments}) -> {tensor} {{
  %y = seq.long_conv {kind} %u filter(%h : {filters}) taps first{clauses} : {tensor} -> {tensor}
  return %y : {tensor}
}}
""")
    source = tmp_path / "blocks.mlir"
    source.write_text("".join(functions))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "blocks.lwp"))


@pytest.mark.parametrize("kind, length, gated", [("two_sided_shared", 1048576, False), ("anticausal", 1000000, True), ("causal", 3000000, True)])
def test_no_spills_of_convolutions_in_passes(kind, length, gated, tmp_path):
    """256 rows in the outer passes, with a last one that is shorter and gates; six blocks."""
    tensor, filters = f"tensor<?x2x{length}xf16>", f"tensor<2x{length}xf32>"
    reverse = f" reverse(%r : {filters})" if kind.startswith("two_sided") else ""
    gates = f" pre(%p : {tensor}) post(%q : {tensor})" if gated else ""
    source = tmp_path / "passes.mlir"
    source.write_text(f"""func.func @main(%u: {tensor}, %h: {filters}, %r: {filters}, %p: {tensor}, %q: {tensor}) -> {tensor} {{
  %y = seq.long_conv {kind} %u filter(%h : {filters}){reverse} taps first{gates} : {tensor} -> {tensor}
  return %y : {tensor}
}}
""")
    options = ["--schedule=conv=multipass"] if length < 2**20 else []
    support.run_tool("longwing-compile", str(source), *options, "-o", str(tmp_path / "passes.lwp"))


@pytest.mark.parametrize("length", [65536, 200001, 2**20])
@pytest.mark.parametrize("kind", ["circular", "two_sided_disjoint", "two_sided_shared"])
def test_no_spills_of_filters_in_passes(kind, length, tmp_path):
    """Taps that reach to both sides are gathered."""
    source = tmp_path / "filter.mlir"
    source.write_text(longwing.models.long_conv(3, length, kind=kind))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "filter.lwp"))
