# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Long convolutions in passes through memory, as tile programs on the CPU, against NumPy in float64: a length of whole
rows of the transform, and one that is not, with gates."""

import functools

import numpy as np
import pytest

import convolutions
import cpu
import support

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")

# The relative L2 error that the kernels promise.
BOUND = {"f16": 1.5e-3, "bf16": 2.5e-3}


def exact(kind, x, h, r):
    """The convolution by transforms of twice the length, in float64."""
    length = x.shape[-1]
    if kind == "circular":
        return np.fft.ifft(np.fft.fft(x) * np.fft.fft(h, length)).real
    n = 2 * length
    spectrum = np.fft.fft(h[:, :length], n)
    if kind == "anticausal":
        spectrum = spectrum.conj()
    if r is not None:
        turn = np.exp(2j * np.pi * np.arange(n) / n) if kind == "two_sided_disjoint" else 1
        spectrum = spectrum + np.fft.fft(r[:, :length], n).conj() * turn
    return np.fft.ifft(np.fft.fft(x, n) * spectrum).real[..., :length]


@functools.lru_cache(maxsize=32)
def program(kind, channels, length, taps, element, filter_element, order, gates, blocks=None):
    tensor, filters = f"tensor<?x{channels}x{length}x{element}>", f"tensor<{channels}x{taps}x{filter_element}>"
    arguments, clauses = [f"%u: {tensor}", f"%h: {filters}"], []
    if kind.startswith("two_sided"):
        arguments.append(f"%r: {filters}")
        clauses.append(f"reverse(%r : {filters})")
    clauses.append(f"taps {order}")
    for gate in ("pre", "post"):
        if gate in gates:
            arguments.append(f"%{gate}: {tensor}")
            clauses.append(f"{gate}(%{gate} : {tensor})")
    if "skip" in gates:
        arguments.append(f"%d: tensor<{channels}xf32>")
        clauses.append(f"skip(%d : tensor<{channels}xf32>)")
    if "ungated" in gates:
        clauses.append("{skip_ungated}")
    text = f"""func.func @main({', '.join(arguments)}) -> {tensor} {{
      %y = seq.long_conv {kind} %u filter(%h : {filters}) {' '.join(clauses)} : {tensor} -> {tensor}
      return %y : {tensor}
    }}"""
    passes = "seq-configure{conv=multipass radices=64x64x64},seq-to-tile,canonicalize,cse,tile-to-cpu"
    if kind == "circular" or length > 64**3:
        passes = passes.replace(" radices=64x64x64", "")
    if blocks:
        passes = passes.replace("conv=multipass radices=64x64x64", f"conv=blocks radices={blocks}")
    result = support.run_tool("longwing-opt", "-", f"--pass-pipeline=builtin.module({passes})", stdin=text)
    return cpu.Program(result.stdout, lowered=True)


def error(kind, batch, channels, length, taps, element="f16", filter_element="f32", order="first", gates=(), u=None, h=None,
          blocks=None):
    rng = np.random.default_rng(length + taps)

    def draw(shape, kind_of):
        values = rng.standard_normal(shape)
        return cpu.cast(values, kind_of)

    given = [draw((batch, channels, length), element) if u is None else u]
    given.append(cpu.cast(rng.standard_normal((channels, taps)) / np.sqrt(taps), filter_element) if h is None else h)
    if kind.startswith("two_sided"):
        given.append(cpu.cast(rng.standard_normal((channels, taps)) / np.sqrt(taps), filter_element))
    filters = [cpu.to_float64(h)[:, ::-1] if order == "last" else cpu.to_float64(h) for h in given[1:]]
    plain = cpu.to_float64(given[0])
    x = plain
    for gate in ("pre", "post"):
        if gate in gates:
            given.append(draw((batch, channels, length), element))
            if gate == "pre":
                x = x * cpu.to_float64(given[-1])
            else:
                post = cpu.to_float64(given[-1])
    if "skip" in gates:
        given.append(rng.standard_normal(channels).astype(np.float32))
    [y] = program(kind, channels, length, taps, element, filter_element, order, gates, blocks)(*given)
    wanted = exact(kind, x, filters[0], filters[1] if len(filters) > 1 else None)
    if "skip" in gates:
        wanted = wanted + given[-1].astype(np.float64)[:, None] * (plain if "ungated" in gates else x)
    if "post" in gates:
        wanted = wanted * post
    return np.linalg.norm(cpu.to_float64(y) - wanted) / np.linalg.norm(wanted)


@pytest.mark.parametrize("kind, length, taps, gates", [
    ("causal", 8192, 1000, ()),
    ("two_sided_disjoint", 6001, 777, ("pre", "post", "skip")),
    # Whole rows, and a shorter last one: in the middle of a block of 64 samples, or at the end of one.
    ("causal", 6000, 1000, ()),
    ("two_sided_disjoint", 6000, 777, ("pre", "post", "skip")),
    ("anticausal", 8000, 1000, ("post", "skip")),
    ("causal", 2**20, 2**20, ()),  # two residues of the filter, and four of the sequence, share the rows of their matrices
])
def test_passes(kind, length, taps, gates):
    assert error(kind, 1, 1, length, taps, gates=gates) < BOUND["f16"]


@pytest.mark.parametrize("batch, channels, length", [
    (3, 1, 16384), (1, 1, 16384),  # a channel: two slices of the batches, of which the second may be empty
    (2, 2, 16384), (1, 3, 16384),  # a slice for each channel
    (1, 5, 16384),                 # two channels each, one of which twice
    (3, 2, 8192),                  # padded to twice the points: a slice for each channel and half of the batches
])
def test_slices(batch, channels, length):
    """A call is cut in slices, so that its numbers take no more than its samples."""
    assert error("causal", batch, channels, length, 1000) < BOUND["f16"]


# Half the rows of the outer transform, and one: of them a tile of points holds four, one, or a part of one.
@pytest.mark.parametrize("batch, channels, length, options", [
    (3, 2, 2**17, {"order": "last"}),
    (2, 1, 2**19, {"gates": ("pre", "post", "skip"), "element": "bf16"}),
    (1, 1, 2**20, {"filter_element": "f16"}),
    (1, 2, 2**21, {}),
])
def test_circular(batch, channels, length, options):
    assert error("circular", batch, channels, length, length - 5, **options) < BOUND[options.get("element", "f16")]


# In blocks of 16K points or more, two to nine, of which the last one may end early, in a block of 64 rows or between two.
@pytest.mark.parametrize("kind, length, taps, radices, options", [
    ("causal", 32768, 32768, "64x16x16", {}),
    ("anticausal", 3 * 16384, 40000, "64x16x16", {"order": "last"}),
    ("causal", 40000, 40000, "64x16x16", {"gates": ("pre", "post", "skip"), "element": "bf16"}),
    ("anticausal", 40001, 40001, "64x16x16", {"gates": ("post", "skip")}),
    ("causal", 8 * 16384 - 1000, 8 * 16384, "64x16x16", {"filter_element": "f16"}),
    ("causal", 9 * 16384, 20000, "64x16x16", {}),  # more than the filter reaches over
    ("causal", 100000, 100000, "128x16x16", {"gates": ("pre", "skip", "ungated")}),  # two residues there
    ("causal", 2**18, 2**18, "256x2x16x16", {}),  # four residues back, and those of the filter
])
def test_blocks(kind, length, taps, radices, options):
    assert error(kind, 1, 1, length, taps, blocks=radices, **options) < BOUND[options.get("element", "f16")]


def test_blocks_of_slices():
    """Batches and channels in two slices, each with its own taps."""
    assert error("causal", 3, 2, 50000, 40000, blocks="64x16x16") < BOUND["f16"]


def test_large_mean():
    """At the roots of 1 it is the real part of one frequency, which must fit the range of f16 after every stage."""
    u = (2e4 + np.random.default_rng(1).standard_normal((1, 1, 65536))).astype(np.float16)
    h = (0.3 * np.random.default_rng(2).standard_normal((1, 65536)) / 256).astype(np.float32)
    assert error("circular", 1, 1, 65536, 65536, u=u, h=h) < BOUND["f16"]


def test_alternating_signs():
    """All of the result is in row R / 2, which has no mirrored one."""
    u = np.repeat(np.where(np.arange(128) % 2, 2e4, -2e4), 512)[None, None].astype(np.float16)
    h = np.repeat(np.where(np.arange(128) % 2, -1, 1), 512)[None].astype(np.float32) / np.float32(65536)
    assert error("circular", 1, 1, 65536, 65536, u=u, h=h) < BOUND["f16"]


@pytest.mark.parametrize("kind, length, blocks", [
    ("circular", 2**17, None),
    ("causal", 3 * 16384, "64x16x16"),  # whose blocks have one gain
    ("circular", 2**21, None),  # behind a middle pass
])
@pytest.mark.parametrize("quiet", ["samples", "impulse"])
def test_quiet_sequences(kind, length, blocks, quiet):
    """What is small at every frequency keeps its digits, next to a sequence that is not; in blocks with one of zeros in front."""
    u = np.random.default_rng(1).standard_normal((2, 1, length))
    u[0] *= 1e-2
    if quiet == "impulse":
        u[0] = np.eye(1, length, length - 7)
    if blocks:
        u[0, :, :16384] = 0
    u = cpu.cast(u, "f16")
    h = np.random.default_rng(2).standard_normal((1, length)).astype(np.float32)
    [y] = program(kind, 1, length, length, "f16", "f32", "first", (), blocks)(u, h / np.float32(np.sqrt(length)))
    wanted = exact(kind, cpu.to_float64(u), h.astype(np.float64), None) / np.sqrt(length)
    scale = np.linalg.norm(wanted, axis=-1)
    if quiet == "impulse":
        scale[0] = 1  # the filter's
    errors = np.linalg.norm(cpu.to_float64(y) - wanted, axis=-1) / scale
    print(errors)
    assert errors.max() < BOUND["f16"]


def test_blocks_of_opposite_sign():
    """The result runs from one end of the range of f16 to the other: so does a sum of two blocks."""
    u = np.full((1, 1, 32768), 2e4, np.float16)
    h = np.repeat(np.float32([[3 / 16384, -6 / 16384]]), 16384, axis=1)
    assert error("causal", 1, 1, 32768, 32768, u=u, h=h, blocks="64x16x16") < BOUND["f16"]


@pytest.mark.parametrize("kind, length, element, digits", [
    ("circular", 16384, "f32", (64, 16, 16)),
    ("circular", 2**16, "f16", (128, 2, 16, 16)),
    ("anticausal", 10000, "f16", (64, 16, 16)),
    ("anticausal", 65536, "f16", (256, 16, 16)),  # four residues share the rows of the outer matrices
    ("circular", 2**20, "f16", (64, 64, 16, 16)),  # two middle passes
])
def test_prepared_spectrum(kind, length, element, digits):
    """The spectrum is the filter's transform in the order of its digits, and serves the passes."""
    points, radices = int(np.prod(digits)), f"{{radices = array<i64: {', '.join(map(str, digits))}>}}"
    u_type, h_type, s_type = f"tensor<?x1x{length}xf16>", f"tensor<1x{length}xf32>", f"tensor<1x{points}x2x{element}>"
    text = f"""func.func @main(%u: {u_type}, %h: {h_type}) -> ({u_type}, {s_type}) {{
      %s = seq.prepare_filter {kind} %h taps first {radices} : {h_type} -> {s_type}
      %y = seq.long_conv {kind} %u spectrum(%s : {s_type}) {radices} : {u_type} -> {u_type}
      return %y, %s : {u_type}, {s_type}
    }}"""
    lowered = support.run_tool("longwing-opt", "-", "--pass-pipeline=builtin.module(seq-configure,seq-to-tile,"
                               "canonicalize,cse,tile-to-cpu)", stdin=text)
    rng = np.random.default_rng(length)
    u = rng.standard_normal((1, 1, length)).astype(np.float16)
    h = (rng.standard_normal((1, length)) / np.sqrt(length)).astype(np.float32)
    y, s = cpu.Program(lowered.stdout, lowered=True)(u, h)
    # Right-angled, the taps of lag -j turn the other way.
    turned = h[0] * np.exp(0 if kind == "circular" else -0.5j * np.pi * np.arange(length) / points)
    spectrum = np.fft.fft(turned, points) if kind == "circular" else points * np.fft.ifft(turned, points)
    order = np.arange(points).reshape(digits[::-1]).transpose().reshape(-1)
    s = cpu.to_float64(s)[0]
    # It comes through memory as f16.
    assert np.abs(s[:, 0] + 1j * s[:, 1] - spectrum[order]).max() < 2**-11 * np.abs(spectrum).max()
    wanted = exact(kind, u.astype(float), h.astype(float), None)
    assert np.linalg.norm(cpu.to_float64(y) - wanted) < BOUND["f16"] * np.linalg.norm(wanted)


@pytest.mark.parametrize("kind, length, blocks, order, gates", [
    ("causal", 40000, 3, "first", ("pre", "post")), ("anticausal", 20000, 2, "last", ("skip",)),
    ("causal", 16000, 2, "first", ())])  # one that suffices is the whole
def test_prepared_in_blocks(kind, length, blocks, order, gates):
    """The spectra of the taps between blocks, in the order of the digits, and what they are for."""
    digits, points = [64, 16, 16], 16384
    u_type, h_type, s_type = f"tensor<?x1x{length}xf16>", f"tensor<1x{length}xf32>", f"tensor<1x{blocks}x{points}x2xf16>"
    types = {"pre": u_type, "post": u_type, "skip": "tensor<1xf32>"}
    arguments = "".join(f", %{gate}: {types[gate]}" for gate in gates)
    clauses = "".join(f" {gate}(%{gate} : {types[gate]})" for gate in gates)
    text = f"""func.func @main(%u: {u_type}, %h: {h_type}{arguments}) -> ({u_type}, {s_type}) {{
      %s = seq.prepare_filter {kind} %h taps {order} {{radices = array<i64: 64, 16, 16>}} : {h_type} -> {s_type}
      %y = seq.long_conv {kind} %u spectrum(%s : {s_type}){clauses} {{radices = array<i64: 64, 16, 16>}} : {u_type} -> {u_type}
      return %y, %s : {u_type}, {s_type}
    }}"""
    passes = "builtin.module(seq-configure,seq-to-tile,canonicalize,cse,tile-to-cpu)"
    lowered = support.run_tool("longwing-opt", "-", "--pass-pipeline=" + passes, stdin=text)
    rng = np.random.default_rng(length)
    u = rng.standard_normal((1, 1, length)).astype(np.float16)
    h = (rng.standard_normal((1, length)) / np.sqrt(length)).astype(np.float32)
    given = {gate: rng.standard_normal(1).astype(np.float32) if gate == "skip" else
             rng.standard_normal(u.shape).astype(np.float16) for gate in gates}
    y, s = cpu.Program(lowered.stdout, lowered=True)(u, h, *given.values())
    spectra = convolutions.block_spectra(kind, blocks, points, digits, h.astype(float), order)
    s = cpu.to_float64(s)
    assert np.abs(s[..., 0] + 1j * s[..., 1] - spectra).max() < 2**-11 * np.abs(spectra).max()
    x = u.astype(float) * given.get("pre", 1)
    wanted = exact(kind, x, h.astype(float)[:, ::-1] if order == "last" else h.astype(float), None)
    wanted = (wanted + given.get("skip", 0) * x) * given.get("post", 1)
    assert np.linalg.norm(cpu.to_float64(y) - wanted) < BOUND["f16"] * np.linalg.norm(wanted)
