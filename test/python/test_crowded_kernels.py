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


@pytest.mark.parametrize("options", [
    dict(head_dim=128, value_dim=256, decay="head", element="f16"),
    dict(head_dim=128, value_dim=32, decay="head"),
    dict(head_dim=128, value_dim=320, decay="dt", element="f16", skip=True, reverse=True, softplus=True),
    dict(head_dim=128, decay="step", skip=True, reverse=True, decay_element="bf16"),
    dict(head_dim=128, decay="dt", gate=True, reverse=True, bias=True, softplus=True),
    dict(head_dim=128, value_dim=64, decay="channel", reverse=True, decay_element="bf16"),
])
def test_schedules_that_spill_make_way_for_others(options, tmp_path):
    """What ptxas makes of these the choice does not foresee: it is made again when one has spilled."""
    source = tmp_path / "model.mlir"
    source.write_text(longwing.models.linear_attention(4, **options))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "model.lwp"))


@pytest.mark.parametrize("channels, states, options", [
    (64, 64, dict(groups=4, skip=True, gate=True, bias=True, softplus=True, states=True)),
    (1536, 24, dict(groups=2, element="f16", gate=True, softplus=True, packed=True, complex=True)),
    (5120, 24, dict(element="f32", skip=True, complex=True)),
    (192, 32, dict(element="f32", skip=True, gate=True, softplus=True, states=True, packed=True)),
    (1536, 48, dict(groups=2, skip=True, gate=True, bias=True, softplus=True)),
])
def test_no_spills_of_selective_scans(channels, states, options, tmp_path):
    """All but the last few bytes of what their launches leave to consumers, and less of the state in each thread."""
    source = tmp_path / "model.mlir"
    source.write_text(longwing.models.selective_scan(channels, states, **options))
    support.run_tool("longwing-compile", str(source), "-o", str(tmp_path / "model.lwp"))


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


def convolution(kind, batch, channels, length, taps, element="f16", filters="f32", order="first", pre=False, post=False, skip=False):
    tensor, given = f"tensor<{batch}x{channels}x{length}x{element}>", f"tensor<{channels}x{taps}x{filters}>"
    others = [("r", given, "reverse")] * kind.startswith("two_sided")
    late = [("p", tensor, "pre")] * pre + [("q", tensor, "post")] * post + [("s", f"tensor<{channels}xf32>", "skip")] * skip
    clauses = [f"{name}(%{value} : {type})" for value, type, name in others] + [f"taps {order}"] + \
        [f"{name}(%{value} : {type})" for value, type, name in late]
    arguments = "".join(f", %{value}: {type}" for value, type, _ in others + late)
    return f"""func.func @main(%u: {tensor}, %h: {given}{arguments}) -> {tensor} {{
  %y = seq.long_conv {kind} %u filter(%h : {given}) {" ".join(clauses)} : {tensor} -> {tensor}
  return %y : {tensor}
}}
"""


@pytest.mark.parametrize("name, arguments", {
    # Samples that only come by elements: in place of blocks of 32768, and in passes.
    "in_place": dict(kind="anticausal", batch="?", channels=1, length=148444, taps=74222, element="bf16"),
    "in_place_gated": dict(kind="causal", batch="?", channels=4, length=45685, taps=45685, pre=True),
    "in_place_gated_result": dict(kind="causal", batch="?", channels=8, length=66536, taps=33268, element="bf16", order="last", post=True),
    "in_place_of_four": dict(kind="causal", batch="?", channels=4, length=262146, taps=87382, element="bf16", pre=True, post=True),
    "passes": dict(kind="causal", batch="?", channels=2, length=200001, taps=200001, pre=True, post=True, skip=True),
    "passes_gated": dict(kind="circular", batch="?", channels=5, length=1048575, taps=524287, filters="f16", pre=True),
    # Taps from the last one on.
    "taps_last": dict(kind="circular", batch="?", channels=2, length=2**20, taps=2**19, element="bf16", filters="bf16", order="last"),
    "taps_last_in_blocks": dict(kind="anticausal", batch="?", channels=2, length=4194312, taps=4194312, order="last"),
    # Taps that are read three times.
    "shared": dict(kind="two_sided_shared", batch="?", channels=4, length=4096, taps=4096),
    "anticausal_skip": dict(kind="anticausal", batch="?", channels=4, length=2777, taps=2776, order="last", post=True, skip=True),
    # Six blocks of more, and eight.
    "six_blocks": dict(kind="causal", batch="?", channels=2, length=9 * 2**19, taps=5 * 2**19),
    "eight_blocks": dict(kind="causal", batch="?", channels=2, length=12 * 2**19, taps=7 * 2**19),
    "circular_gated": dict(kind="circular", batch="?", channels=2, length=4096, taps=4096, element="bf16", pre=True),
    # Direct products, and sums, which take more registers than they were to.
    "direct": dict(kind="circular", batch="?", channels=9, length=112, taps=56, filters="f16", pre=True, post=True),
    "direct_long": dict(kind="anticausal", batch="?", channels=6, length=50092, taps=16, element="bf16", pre=True, post=True),
    "sums": dict(kind="circular", batch="?", channels=6, length=40, taps=40, element="f32"),
    # Batches of a known number.
    "batches_2": dict(kind="two_sided_shared", batch=3, channels=5, length=528, taps=528, post=True),
    "batches_blocks": dict(kind="causal", batch=3, channels=7, length=5919, taps=5919, order="last", pre=True, post=True),
    "batches_passes": dict(kind="circular", batch=3, channels=2, length=50560, taps=50560, pre=True, post=True),
    "batches_stages": dict(kind="causal", batch=3, channels=2, length=97440, taps=32480, element="f32", skip=True),
    "batches_stages_odd": dict(kind="circular", batch=3, channels=2, length=170784, taps=1502, element="f32", post=True, skip=True),
}.items())
def test_convolutions_compile(name, arguments):
    """Shapes that spilled, or did not compile at all."""
    longwing.compile(convolution(**arguments), target="sm_90a", name=name)
