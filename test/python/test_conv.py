# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions on the CPU, against sums in NumPy float64: the oracle and the CPU target."""

import functools

import numpy as np
import pytest

import convolutions
import cpu
import support

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists(), reason="longwing-cpu-test is not built")

# Relative L2 errors: the oracle's are rounding of float64, the CPU target's that of the result's type and of
# float32's sums.
ORACLE = 1e-13
ROUNDING = {"f16": 6e-4, "bf16": 5e-3, "f32": 2e-6}
KINDS = ["causal", "anticausal", "two_sided_shared", "two_sided_disjoint", "circular"]


@functools.lru_cache(maxsize=None)
def program(text, precision):
    return cpu.Program(text, precision)


def random(shape, dtype="f32", scale=1.0, seed=0):
    return cpu.cast(scale * np.random.default_rng([seed, *shape]).standard_normal(shape), dtype)


def pairs(z):
    """Complex numbers with a trailing dimension of 2."""
    return np.stack([z.real, z.imag], axis=-1)


def error(result, exact):
    difference = np.linalg.norm(cpu.to_float64(result) - exact)
    return difference / max(np.linalg.norm(exact), 1e-300) if exact.size else 0.0


def check(text, arguments, exact, dtype="f32", target=True):
    """The oracle, and the CPU target: compiling is what these tests take their time for."""
    oracle, = program(text, "f64")(*arguments)
    assert oracle.dtype == np.float64 and oracle.shape == exact.shape
    assert error(oracle, exact) <= ORACLE
    if not target:
        return
    rounded, = program(text, "f32")(*arguments)
    assert cpu.dtype_of(rounded) == dtype
    assert error(rounded, exact) <= ROUNDING[dtype]


def long_model(kind, dtype="f32", taps="first", gates=False, skip=False, skip_ungated=False, filter_type="f32",
               channels=3):
    """Every size but the channels is open, so that one program serves all lengths."""
    x, h = f"tensor<?x{channels}x?x{dtype}>", f"tensor<{channels}x?x{filter_type}>"
    arguments, uses = [f"%u: {x}", f"%h: {h}"], f"filter(%h : {h})"
    if kind.startswith("two_sided"):
        arguments.append(f"%r: {h}")
        uses += f" reverse(%r : {h})"
    uses += f" taps {taps}"
    if gates:
        arguments += [f"%g1: {x}", f"%g2: {x}"]
        uses += f" pre(%g1 : {x}) post(%g2 : {x})"
    if skip:
        arguments.append(f"%d: tensor<{channels}xf32>")
        uses += f" skip(%d : tensor<{channels}xf32>)"
    if skip_ungated:
        uses += " {skip_ungated}"
    return f"""func.func @main({", ".join(arguments)}) -> {x} {{
      %y = seq.long_conv {kind} %u {uses} : {x} -> {x}
      return %y : {x}
    }}"""


def check_long(kind, length, taps_count, dtype="f32", batch=2, channels=3, taps="first", gates=False, skip=False,
               skip_ungated=False, filter_type="f32", target=True):
    scale = 1 / np.sqrt(min(taps_count, max(length, 1)))
    shape = (batch, channels, length)
    u = random(shape, dtype)
    h = random((channels, taps_count), filter_type, scale, seed=1)
    arguments, named = [u, h], {}
    if kind.startswith("two_sided"):
        named["r"] = random((channels, max(1, taps_count - 1)), filter_type, scale, seed=2)
    if gates:
        named["pre"], named["post"] = random(shape, dtype, seed=3), random(shape, dtype, seed=4)
    if skip:
        named["skip"] = random((channels,), seed=5)
    arguments += named.values()
    exact = convolutions.long_conv(kind, cpu.to_float64(u), cpu.to_float64(h), taps=taps, skip_ungated=skip_ungated,
                                   **{name: cpu.to_float64(value) for name, value in named.items()})
    check(long_model(kind, dtype, taps, gates, skip, skip_ungated, filter_type, channels), arguments, exact, dtype,
          target)


# Short sequences are summed, long ones transformed: lengths around the change, around powers of two, primes.
LENGTHS = [0, 1, 2, 3, 15, 16, 17, 64, 65, 255, 256, 257, 1000]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", LENGTHS)
def test_filters_as_long_as_the_sequence(kind, length):
    check_long(kind, length, max(1, length))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length, taps", [(17, 1), (17, 4), (16, 100), (200, 7), (200, 199), (200, 201), (200, 1000), (2, 7)])
def test_shorter_and_longer_filters(kind, length, taps):
    check_long(kind, length, taps)


@pytest.mark.parametrize("kind", KINDS)
def test_tap_order(kind):
    check_long(kind, 40, 9, taps="last", target=False)
    check_long(kind, 90, 100, taps="last", target=False)


@pytest.mark.parametrize("kind, dtype", [("causal", "f16"), ("causal", "bf16"), ("circular", "f32")])
def test_types_gates_and_skip(kind, dtype):
    check_long(kind, 100, 100, dtype, gates=True, skip=True)
    check_long(kind, 37, 20, dtype, gates=True, skip=True, filter_type=dtype)


def test_skip_of_the_ungated_input():
    check_long("causal", 37, 20, gates=True, skip=True, skip_ungated=True, target=False)


@pytest.mark.parametrize("batch, channels", [(0, 3), (1, 1), (1, 7)])
def test_batches_and_channels(batch, channels):
    check_long("causal", 70, 70, batch=batch, channels=channels, target=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [33, 300])
def test_impulses_at_both_ends(kind, length):
    """What wraps, or is cut, shows at the ends."""
    h, r = random((1, length), seed=1), random((1, length), seed=2)
    for position in (0, length - 1):
        u = np.zeros((1, 1, length), np.float32)
        u[0, 0, position] = 1
        filters = [h, r] if kind.startswith("two_sided") else [h]
        exact = convolutions.long_conv(kind, cpu.to_float64(u), *map(cpu.to_float64, filters))
        result, = program(long_model(kind, channels=1), "f64")(u, *filters)
        assert np.abs(result - exact).max() <= 1e-13


@pytest.mark.parametrize("length", [1, 20, 100])
def test_static_sizes(length):
    u, h = random((2, 3, length)), random((3, 9), seed=1)
    text = long_model("causal").replace("?x3x?xf32", f"2x3x{length}xf32").replace("3x?xf32", "3x9xf32")
    assert "?" not in text
    check(text, [u, h], convolutions.long_conv("causal", cpu.to_float64(u), cpu.to_float64(h)), target=False)


@pytest.mark.parametrize("length", [50, 300])
def test_prefix_of_the_input_gives_the_prefix_of_the_output(length):
    u, h = random((1, 3, length)), random((3, length), seed=1)
    run = program(long_model("causal"), "f64")
    whole, = run(u, h)
    for prefix in (1, 17, length - 1):
        part, = run(u[:, :, :prefix], h)
        assert np.abs(part - whole[:, :, :prefix]).max() <= 1e-12


@pytest.mark.parametrize("length", [1024, 2048, 4096, 8192, 8760, 14113, 16384, 32768, 65536])
def test_long_sequences_in_a_moment(length):
    """By the definition, 64K would be 4e9 products a row; NumPy's own transform is the reference. Inputs are large,
    and have a mean."""
    u, h = random((1, 1, length), scale=1e4), random((1, length), scale=length**-0.5, seed=1)
    u += np.float32(1e4)
    wide_u, wide_h = cpu.to_float64(u[0, 0]), cpu.to_float64(h[0])
    for kind, period in (("causal", 2 * length), ("circular", length)):
        exact = np.fft.irfft(np.fft.rfft(wide_u, period) * np.fft.rfft(wide_h, period), period)[:length]
        result, = program(long_model(kind, channels=1), "f64")(u, h)
        assert error(result[0, 0], exact) <= 1e-12


RADICES = [("causal", 1, [1]), ("causal", 2, [2]), ("causal", 240, [16, 15]), ("causal", 200, [16, 4, 4]),
           ("anticausal", 30, [4, 4, 2]), ("two_sided_shared", 64, [8, 8]), ("two_sided_disjoint", 60, [5, 4, 3]),
           ("circular", 60, [5, 4, 3]), ("circular", 97, [97]), ("circular", 64, [4, 2, 8])]


@pytest.mark.parametrize("kind, length, radices", RADICES)
def test_prepared_filters(kind, length, radices):
    """The spectrum's values and order, and that it stands for the filter."""
    taps = "last" if length == 60 else "first"
    n = int(np.prod(radices))
    two_sided = kind.startswith("two_sided")
    x, h, s = f"tensor<?x2x?xf32>", f"tensor<2x?xf32>", f"tensor<2x{n}x2xf32>"
    attributes = f"{{radices = array<i64: {', '.join(map(str, radices))}>}}"
    text = f"""
      func.func @prepare(%h: {h}, %r: {h}) -> {s} {{
        %s = seq.prepare_filter {kind} %h {f"reverse(%r : {h})" if two_sided else ""} taps {taps} {attributes} : {h} -> {s}
        return %s : {s}
      }}
      func.func @main(%u: {x}, %h: {h}, %r: {h}) -> {x} {{
        %s = call @prepare(%h, %r) : ({h}, {h}) -> {s}
        %y = seq.long_conv {kind} %u spectrum(%s : {s}) {attributes} : {x} -> {x}
        return %y : {x}
      }}"""
    for count in (5, 300):
        u, h, r = random((3, 2, length)), random((2, count), seed=1), random((2, count + 1), seed=2)
        wide = [cpu.to_float64(h)] + ([cpu.to_float64(r)] if two_sided else [])
        exact = convolutions.spectrum(kind, n, radices, *wide, taps=taps)
        values, = program(text, "f64")(h, r, function="prepare")
        assert error(values, pairs(exact)) <= ORACLE
        exact = convolutions.long_conv(kind, cpu.to_float64(u), *wide, taps=taps)
        check(text, [u, h, r], exact, target=kind == "causal" and len(radices) > 1)


BLOCKS = [("causal", 3, [4, 4], 40, 30), ("causal", 2, [7], 14, 100), ("causal", 1, [4, 2], 5, 8), ("causal", 8, [2, 3], 7, 20),
          ("anticausal", 4, [4, 4], 64, 64), ("anticausal", 3, [5], 11, 3)]


@pytest.mark.parametrize("kind, blocks, radices, length, count", BLOCKS)
@pytest.mark.parametrize("taps", ["first", "last"])
def test_filters_prepared_in_blocks(kind, blocks, radices, length, count, taps):
    """The spectra of the taps between two blocks, that they stand for the filter, and what the convolution becomes."""
    n = int(np.prod(radices))
    x, h, s = "tensor<?x2x?xf32>", f"tensor<2x{count}xf32>", f"tensor<2x{blocks}x{n}x2xf32>"
    attributes = f"{{radices = array<i64: {', '.join(map(str, radices))}>}}"
    text = f"""
      func.func @prepare(%h: {h}) -> {s} {{
        %s = seq.prepare_filter {kind} %h taps {taps} {attributes} : {h} -> {s}
        return %s : {s}
      }}
      func.func @main(%u: {x}, %h: {h}) -> {x} {{
        %s = call @prepare(%h) : ({h}) -> {s}
        %y = seq.long_conv {kind} %u spectrum(%s : {s}) {attributes} : {x} -> {x}
        return %y : {x}
      }}"""
    u, taps_of = random((3, 2, length)), random((2, count), seed=1)
    wide = cpu.to_float64(taps_of)
    values, = program(text, "f64")(taps_of, function="prepare")
    assert error(values, pairs(convolutions.block_spectra(kind, blocks, n, radices, wide, taps))) <= ORACLE
    exact = convolutions.long_conv(kind, cpu.to_float64(u), wide, taps=taps)
    check(text, [u, taps_of], exact, target=blocks == 3)
    # The same by what seq-decompose-fft writes for a length that is known.
    decomposed = support.run_tool("longwing-opt", "--inline", "--seq-configure", "--seq-decompose-fft",
                                  stdin=text.replace("?x2x?x", f"?x2x{length}x")).stdout
    assert "seq.butterfly" in decomposed and "seq.long_conv" not in decomposed
    check(decomposed, [u, taps_of], exact, target=False)


def test_implicit_filter():
    """A layer of sines on the position, and a decaying sum over it: two implicit filters, one read by the other."""
    text = """
      func.func @main(%frequencies: tensor<5xf32>, %weights: tensor<3x5xf32>, %n: index) -> tensor<3x?xf32> {
        %hidden = seq.implicit_filter length(%n) : tensor<5x?xf32> {
        ^bb0(%c: index, %t: index):
          %f = tensor.extract %frequencies[%c] : tensor<5xf32>
          %i = arith.index_cast %t : index to i32
          %x = arith.sitofp %i : i32 to f32
          %angle = arith.mulf %f, %x : f32
          %s = math.sin %angle : f32
          seq.yield %s : f32
        }
        %h = seq.implicit_filter length(%n) : tensor<3x?xf32> {
        ^bb0(%c: index, %t: index):
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c5 = arith.constant 5 : index
          %zero = arith.constant 0.0 : f32
          %sum = scf.for %k = %c0 to %c5 step %c1 iter_args(%acc = %zero) -> f32 {
            %w = tensor.extract %weights[%c, %k] : tensor<3x5xf32>
            %v = tensor.extract %hidden[%k, %t] : tensor<5x?xf32>
            %p = arith.mulf %w, %v : f32
            %next = arith.addf %acc, %p : f32
            scf.yield %next : f32
          }
          seq.yield %sum : f32
        }
        return %h : tensor<3x?xf32>
      }"""
    frequencies, weights = random((5,)), random((3, 5), seed=1)
    n = 40
    exact = cpu.to_float64(weights) @ np.sin(cpu.to_float64(frequencies)[:, None] * np.arange(n))
    check(text, [frequencies, weights, np.array(n)], exact)
    with pytest.raises(cpu.CpuError, match="expected at least one tap"):
        program(text, "f64")(frequencies, weights, np.array(0))


# Two modes for each channel, r exp(-p n): the sum over the first N taps at z, where z^N is `turn`.
MODES = """
      func.func @main(%u: tensor<?x3x{length}x{element}>, %p: tensor<3x2xf32>, %r: tensor<3x2xf32>)
          -> tensor<?x3x{length}x{element}> {{
        %s = seq.implicit_spectrum {kind} {{radices = array<i64: {radices}>}} : tensor<3x{n}x2xf16> {{
        ^bb0(%c: index, %re: f32, %im: f32):
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c2 = arith.constant 2 : index
          %zero = arith.constant 0.0 : f32
          %one = arith.constant 1.0 : f32
          %n = arith.constant -{n}.0 : f32
          %turn_re = arith.constant {turn_re} : f32
          %turn_im = arith.constant {turn_im} : f32
          %sum:2 = scf.for %k = %c0 to %c2 step %c1 iter_args(%x = %zero, %y = %zero) -> (f32, f32) {{
            %rate = tensor.extract %p[%c, %k] : tensor<3x2xf32>
            %weight = tensor.extract %r[%c, %k] : tensor<3x2xf32>
            %lost = arith.mulf %rate, %n : f32
            %left = math.exp %lost : f32
            %negative = arith.negf %rate : f32
            %decay = math.exp %negative : f32
            // (1 - left turn) / (1 - decay z)
            %a0 = arith.mulf %left, %turn_re : f32
            %a = arith.subf %one, %a0 : f32
            %b0 = arith.mulf %left, %turn_im : f32
            %b = arith.negf %b0 : f32
            %c3 = arith.mulf %decay, %re : f32
            %d0 = arith.subf %one, %c3 : f32
            %d1 = arith.mulf %decay, %im : f32
            %e = arith.negf %d1 : f32
            %aa = arith.mulf %d0, %d0 : f32
            %bb = arith.mulf %e, %e : f32
            %size = arith.addf %aa, %bb : f32
            %scale = arith.divf %weight, %size : f32
            %ac = arith.mulf %a, %d0 : f32
            %bd = arith.mulf %b, %e : f32
            %bc = arith.mulf %b, %d0 : f32
            %ad = arith.mulf %a, %e : f32
            %qre = arith.addf %ac, %bd : f32
            %qim = arith.subf %bc, %ad : f32
            %vre = arith.mulf %qre, %scale : f32
            %vim = arith.mulf %qim, %scale : f32
            %nx = arith.addf %x, %vre : f32
            %ny = arith.addf %y, %vim : f32
            scf.yield %nx, %ny : f32, f32
          }}
          seq.yield %sum#0, %sum#1 : f32, f32
        }}
        %y = seq.long_conv {kind} %u spectrum(%s : tensor<3x{n}x2xf16>) {{radices = array<i64: {radices}>}}
            : tensor<?x3x{length}x{element}> -> tensor<?x3x{length}x{element}>
        return %y : tensor<?x3x{length}x{element}>
      }}"""


@pytest.mark.parametrize("kind, length, radices", [("causal", 60, (4, 4, 4)), ("causal", 64, (8, 8)), ("circular", 60, (5, 12))])
def test_implicit_spectrum(kind, length, radices):
    """The spectrum of modes by their closed form does what their taps do."""
    n = int(np.prod(radices))
    turn = (1.0, 0.0) if kind == "circular" else (0.0, 1.0)
    text = MODES.format(kind=kind, length=length, n=n, radices=", ".join(map(str, radices)), element="f32", turn_re=turn[0],
                        turn_im=turn[1])
    u, p, r = random((2, 3, length), seed=1), abs(random((3, 2), seed=2)) * 0.1 + 0.01, random((3, 2), seed=3)
    taps = (cpu.to_float64(r)[..., None] * np.exp(-cpu.to_float64(p)[..., None] * np.arange(n))).sum(1)
    exact = convolutions.long_conv(kind, cpu.to_float64(u), taps)
    found, = program(text, "f64")(u, p, r)
    assert error(found, exact) <= 1e-6  # i to the last digits of f32
    found, = program(text, "f32")(u, p, r)
    assert error(cpu.to_float64(found), exact) <= 1e-3  # the spectrum is f16


def short_model(kind, axis, taps, width, dtype="f32", options=(), channels=3):
    x = f"tensor<?x{channels}x?x{dtype}>" if axis == 2 else f"tensor<?x?x{channels}x{dtype}>"
    w = f"tensor<{channels}x{width}xf32>"
    state = f"tensor<?x{channels}x{width - 1}x{dtype}>" if axis == 2 else f"tensor<?x{width - 1}x{channels}x{dtype}>"
    arguments, uses, results = [f"%x: {x}", f"%w: {w}"], f"taps {taps}", [x]
    if "bias" in options:
        arguments.append(f"%b: tensor<{channels}xf32>")
        uses += f" bias(%b : tensor<{channels}xf32>)"
    if "initial" in options:
        arguments.append(f"%i: {state}")
        uses += f" initial(%i : {state})"
    if "final" in options:
        results.append(state)
    names = ", ".join(["%y", "%s"][:len(results)])
    silu = ", silu" if "silu" in options else ""
    types = ", ".join(results)
    return f"""func.func @main({", ".join(arguments)}) -> ({types}) {{
      {names} = seq.short_conv {kind} %x, %w {uses} {{axis = {axis} : i64{silu}}} : {x}, {w} -> {types}
      return {names} : {types}
    }}"""


def check_short(kind, axis, taps, width, length, dtype="f32", options=(), batch=2, channels=3,
                target=True):
    x, w = random((batch, channels, length), dtype), random((channels, width), seed=1)
    arguments, named = [x, w], {}
    if "bias" in options:
        named["bias"] = random((channels,), seed=2)
    if "initial" in options:
        named["initial"] = random((batch, channels, width - 1), dtype, seed=3)
    ordered = lambda a: a if axis == 2 or a.ndim < 3 else a.transpose(0, 2, 1)
    arguments = [ordered(x), w] + [ordered(value) for value in named.values()]
    exact = convolutions.short_conv(kind, cpu.to_float64(x), cpu.to_float64(w), taps, silu="silu" in options,
                                    **{name: cpu.to_float64(value) for name, value in named.items()})
    text = short_model(kind, axis, taps, width, dtype, options, channels)
    for precision, bound in (("f64", ORACLE), ("f32", ROUNDING[dtype]))[:1 + target]:
        results = program(text, precision)(*arguments)
        assert len(results) == (2 if "final" in options else 1)
        for result, expected in zip(results, exact):
            assert result.shape == ordered(expected).shape
            assert error(result, ordered(expected)) <= bound


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("kind, taps, width", [("causal", "last", 2), ("causal", "first", 3), ("causal", "last", 8),
                                               ("centred", "last", 3), ("centred", "last", 4), ("centred", "first", 7)])
def test_short_convolutions(axis, kind, taps, width):
    for length in (0, 1, 2, 5, 8, 33):
        check_short(kind, axis, taps, width, length, target=False)


@pytest.mark.parametrize("axis, dtype", [(1, "bf16"), (2, "f16"), (2, "f32")])
def test_short_convolution_with_everything(axis, dtype):
    for length in (0, 1, 2, 3, 20):
        check_short("causal", axis, "last", 4, length, dtype, ("bias", "silu", "initial", "final"))
    check_short("causal", axis, "last", 4, 2, dtype, ("final",))
    check_short("centred", axis, "first", 5, 9, dtype, ("bias", "silu"))


def test_short_convolution_goes_on_where_it_stopped():
    x, w = random((2, 3, 50)), random((3, 4), seed=1)
    run = program(short_model("causal", 2, "last", 4, options=("initial", "final")), "f32")
    whole, last = run(x, w, np.zeros((2, 3, 3), np.float32))
    parts, state = [], np.zeros((2, 3, 3), np.float32)
    for first, end in ((0, 1), (1, 3), (3, 30), (30, 50)):
        y, state = run(x[:, :, first:end], w, state)
        parts.append(y)
    assert np.array_equal(np.concatenate(parts, axis=2), whole) and np.array_equal(state, last)


@pytest.mark.parametrize("shapes", [[(1,), (2,), (3,), (16,), (17,)], [(2, 60)], [(2, 3, 97)]])
@pytest.mark.parametrize("inverse, right_angle", [(False, False), (True, False), (False, True), (True, True)])
def test_fft(shapes, inverse, right_angle):
    for shape in shapes:
        check_fft(shape, inverse, right_angle)


def check_fft(shape, inverse, right_angle):
    t = "tensor<" + "".join("?x" for _ in shape) + "2xf32>"
    names = ", ".join(name for name, on in (("inverse", inverse), ("right_angle", right_angle)) if on)
    text = f"func.func @main(%x: {t}) -> {t} {{ %y = seq.fft %x {{{names}}} : {t}\n return %y : {t} }}"
    x = random(shape + (2,))
    z = cpu.to_float64(x) @ np.array([1, 1j])
    weights = np.exp(0.5j * np.pi * np.arange(shape[-1]) / shape[-1]) if right_angle else 1
    exact = np.fft.ifft(z) / weights if inverse else np.fft.fft(z * weights)
    check(text, [x], pairs(exact), target=shape == (2, 60))


def butterfly_model(x, factors, y, strides, complex=False):
    name = lambda array: f"tensor<{'x'.join(map(str, array.shape))}xf32>"
    types = [name(factor) for factor in factors]
    uses = ", ".join(f"%w{i}" for i in range(len(factors)))
    arguments = ", ".join([f"%x: {name(x)}"] + [f"%w{i}: {t}" for i, t in enumerate(types)])
    attributes = f"strides = array<i64: {', '.join(map(str, strides))}>" + (", complex" if complex else "")
    return f"""func.func @main({arguments}) -> {name(y)} {{
      %y = seq.butterfly %x, {uses} {{{attributes}}} : {name(x)}, {", ".join(types)} -> {name(y)}
      return %y : {name(y)}
    }}"""


@pytest.mark.parametrize("shape, factors, strides", [
    ((3, 16), [(4, 4, 4), (4, 4, 4)], [1, 4]),
    ((2, 2, 27), [(9, 3, 3)] * 3, [9, 3, 1]),
    ((16,), [(8, 2, 2)] * 4, [1, 2, 4, 8]),  # a butterfly matrix
    ((2, 48), [(8, 12, 6), (6, 4, 16)], [1, 6]),  # rectangular Monarch: k q = l r = 96
    ((2, 30), [(1, 7, 5)], [3]),  # one matrix for all blocks
    ((1, 1), [(1, 1, 1)], [1]),
])
def test_butterfly(shape, factors, strides):
    x = random(shape)
    w = [random(factor, seed=i) for i, factor in enumerate(factors)]
    exact = convolutions.butterfly(cpu.to_float64(x), [cpu.to_float64(f) for f in w], strides)
    check(butterfly_model(x, w, exact, strides), [x, *w], exact)


def test_rectangular_monarch_is_that_of_the_literature():
    """o1[k, q] = sum_p w1[k, q, p] x[k, p]; (k q) as (r l); out[s, l] = sum_r w2[l, s, r] o1[r, l]."""
    x, w1, w2 = random((2, 12)), random((3, 8, 4), seed=1), random((6, 5, 4), seed=2)
    o1 = np.einsum("kqp,bkp->bkq", w1, x.reshape(2, 3, 4).astype(float)).reshape(2, 4, 6)
    exact = np.einsum("lsr,brl->bsl", w2, o1).reshape(2, 30)
    check(butterfly_model(x, [w1, w2], exact, [1, 6]), [x, w1, w2], exact)


def test_complex_butterfly():
    x, w = random((3, 12, 2)), [random((3, 4, 4, 2), seed=1), random((4, 5, 3, 2), seed=2)]
    z, factors = cpu.to_float64(x) @ np.array([1, 1j]), [cpu.to_float64(f) @ np.array([1, 1j]) for f in w]
    exact = pairs(convolutions.butterfly(z, factors, [1, 4]))
    check(butterfly_model(x, w, exact, [1, 4], complex=True), [x, *w], exact)


def test_fourier_transform_of_stages():
    """12 = 3 x 4: a matrix, a twiddle, a matrix; the digits come out reversed. Roots and products, in float64."""
    text = """func.func @main(%x: tensor<2x12x2xf32>) -> tensor<2x12x2xf32> {
      %f3 = seq.roots {order = 3 : i64} : tensor<3x3x2xf32>
      %f4 = seq.roots {order = 4 : i64} : tensor<4x4x2xf32>
      %w3 = tensor.expand_shape %f3 [[0, 1], [2], [3]] output_shape [1, 3, 3, 2] : tensor<3x3x2xf32> into tensor<1x3x3x2xf32>
      %w4 = tensor.expand_shape %f4 [[0, 1], [2], [3]] output_shape [1, 4, 4, 2] : tensor<4x4x2xf32> into tensor<1x4x4x2xf32>
      %a = seq.butterfly %x, %w3 {complex, strides = array<i64: 4>} : tensor<2x12x2xf32>, tensor<1x3x3x2xf32> -> tensor<2x12x2xf32>
      %t = seq.roots {order = 12 : i64} : tensor<3x4x2xf32>
      %t1 = tensor.collapse_shape %t [[0, 1], [2]] : tensor<3x4x2xf32> into tensor<12x2xf32>
      %b = seq.complex_mul %a, %t1 : tensor<2x12x2xf32>, tensor<12x2xf32> -> tensor<2x12x2xf32>
      %c = seq.butterfly %b, %w4 {complex, strides = array<i64: 1>} : tensor<2x12x2xf32>, tensor<1x4x4x2xf32> -> tensor<2x12x2xf32>
      return %c : tensor<2x12x2xf32>
    }"""
    x = random((2, 12, 2))
    exact = np.fft.fft(cpu.to_float64(x) @ np.array([1, 1j]))[:, convolutions.digits_reversed([3, 4])]
    check(text, [x], pairs(exact))


def test_roots_and_conjugates():
    text = """func.func @main(%x: tensor<?x7x2xf32>) -> tensor<?x7x2xf32> {
      %w = seq.roots {order = 28 : i64, scale = 0.1 : f64, inverse} : tensor<7x2xf32>
      %y = seq.complex_mul %x, %w {conjugate} : tensor<?x7x2xf32>, tensor<7x2xf32> -> tensor<?x7x2xf32>
      return %y : tensor<?x7x2xf32>
    }"""
    x = random((3, 7, 2))
    exact = cpu.to_float64(x) @ np.array([1, 1j]) * 0.1 * np.exp(-2j * np.pi * np.arange(7) / 28)
    check(text, [x], pairs(exact))


@pytest.mark.skipif(not support.has_tool("longwing-opt"), reason="longwing-opt is not built")
@pytest.mark.parametrize("taps", ["first", "last"])
def test_circular_transform_of_another_length(taps):
    """13 samples by a transform of 16: what wraps around is a reverse filter."""
    text = long_model("circular", taps=taps).replace("?x3x?xf32", "?x3x13xf32").replace("<3x?xf32", "<3x5xf32")
    decomposed = support.run_tool("longwing-opt", "--seq-configure=radices=4x4", "--seq-decompose-fft", stdin=text).stdout
    assert "seq.prepare_filter two_sided_disjoint" in decomposed and "seq.long_conv" not in decomposed
    u, h = random((2, 3, 13)), random((3, 5), seed=1)
    check(decomposed, [u, h], convolutions.long_conv("circular", cpu.to_float64(u), cpu.to_float64(h), taps=taps),
          target=False)


@pytest.mark.parametrize("taps", [1, 2, 5, 100])
def test_long_convolution_in_parts(taps):
    """Overlap-add: a prompt in blocks, shorter and longer than the filter, then token by token."""
    x, h, s = "tensor<2x3x?xf32>", f"tensor<3x{taps}xf32>", f"tensor<2x3x{taps - 1}xf32>"
    text = f"""func.func @main(%u: {x}, %h: {h}, %past: {s}, %g: {x}, %d: tensor<3xf32>) -> ({x}, {s}) {{
      %y, %next = seq.long_conv causal %u filter(%h : {h}) taps first pre(%g : {x}) skip(%d : tensor<3xf32>)
          initial(%past : {s}) : {x} -> {x}, {s}
      return %y, %next : {x}, {s}
    }}"""
    length, d = 230, random((3,), seed=3)
    u, g, h = random((2, 3, length)), random((2, 3, length), seed=2), random((3, taps), scale=taps**-0.5, seed=1)
    exact = convolutions.long_conv("causal", *map(cpu.to_float64, (u, h)), pre=cpu.to_float64(g), skip=cpu.to_float64(d))
    for precision, bound in (("f64", 1e-7), ("f32", ROUNDING["f32"])):  # the state is stored in f32
        parts, state = [], np.zeros((2, 3, taps - 1), np.float32)
        cuts = [0, 3, 90, 90, 220, *range(221, length + 1)]
        for first, end in zip(cuts, cuts[1:]):
            y, state = program(text, precision)(u[:, :, first:end], h, state.astype(np.float32), g[:, :, first:end], d)
            parts.append(y)
        assert error(np.concatenate(parts, axis=2), exact) <= bound


@pytest.mark.skipif(not support.has_tool("longwing-opt"), reason="longwing-opt is not built")
def test_generation_of_a_model():
    """A layer of Hyena with an open length: seq-make-step writes the part and the step."""
    x, h = "tensor<1x4x?xf32>", "tensor<4x50xf32>"
    text = f"""func.func @main(%u: {x}, %w: tensor<4x3xf32>, %h: {h}, %d: tensor<4xf32>) -> {x} {{
      %v = seq.short_conv causal %u, %w taps last {{axis = 2 : i64}} : {x}, tensor<4x3xf32> -> {x}
      %y = seq.long_conv causal %v filter(%h : {h}) taps first pre(%v : {x}) skip(%d : tensor<4xf32>) : {x} -> {x}
      return %y : {x}
    }}"""
    stepped = support.run_tool("longwing-opt", "--seq-make-step", stdin=text).stdout
    run = program(stepped, "f32")
    u, w, h, d = random((1, 4, 80)), random((4, 3), seed=1), random((4, 50), scale=0.1, seed=2), random((4,), seed=3)
    whole, = run(u, w, h, d)
    y, *states = run(u[:, :, :60], w, h, d, np.zeros((1, 4, 2), np.float32), np.zeros((1, 4, 49), np.float32),
                     function="main_part")
    parts = [y]
    for t in range(60, 80):
        y, *states = run(u[:, :, t:t + 1], w, h, d, *states, function="main_step")
        parts.append(y)
    assert error(np.concatenate(parts, axis=2), cpu.to_float64(whole)) <= 1e-6


@pytest.mark.skipif(not support.has_tool("longwing-opt"), reason="longwing-opt is not built")
@pytest.mark.parametrize("kind, length, radices", [
    ("causal", 1, "2"), ("causal", 200, "4x4x4x4"), ("anticausal", 20, "4x6"), ("two_sided_disjoint", 30, "8x4"),
    ("circular", 24, "4x3x2")])
def test_decomposed_transforms(kind, length, radices):
    """seq-decompose-fft keeps the meaning, exactly: orders 1 to 4, gates and skip around them."""
    text = long_model(kind, gates=True, skip=True).replace("?x3x?xf32", f"?x3x{length}xf32")
    decomposed = support.run_tool("longwing-opt", f"--seq-configure=radices={radices}", "--seq-decompose-fft",
                                  stdin=text).stdout
    assert "seq.butterfly" in decomposed and decomposed.count("seq.long_conv") == 1  # the skip
    u, h, r = random((2, 3, length)), random((3, length + 3), scale=length**-0.5), random((3, 7), seed=2)
    reverse = {"r": r} if kind.startswith("two_sided") else {}
    named = {**reverse, "pre": random(u.shape, seed=3), "post": random(u.shape, seed=4), "skip": random((3,), seed=5)}
    exact = convolutions.long_conv(kind, cpu.to_float64(u), cpu.to_float64(h),
                                   **{name: cpu.to_float64(value) for name, value in named.items()})
    check(decomposed, [u, h, *named.values()], exact, target=kind == "circular")


@pytest.mark.skipif(not support.has_tool("longwing-opt"), reason="longwing-opt is not built")
@pytest.mark.parametrize("kind, taps, order, radices, reach", [
    ("causal", 9000, "last", "", 3), ("anticausal", 5000, "first", "", 3), ("causal", 9000, "first", " radices=16x8x10", 8)])
def test_decomposed_blocks(kind, taps, order, radices, reach):
    """Sequences in three blocks of 4096, or in eight of any radices: each is the sum of products of transforms, exactly."""
    text = long_model(kind, taps=order, gates=True).replace("?x3x?xf32", "?x3x9000xf32").replace("3x?xf32", f"3x{taps}xf32")
    decomposed = support.run_tool("longwing-opt", f"--seq-configure=conv=blocks{radices}", "--seq-decompose-fft",
                                  stdin=text).stdout
    points = 1280 if radices else 4096
    assert decomposed.count(f"seq.prepare_filter {kind}") == 1 and f"tensor<3x{reach}x{points}x2xf32>" in decomposed
    assert "seq.long_conv" not in decomposed
    u, h = random((2, 3, 9000)), random((3, taps), scale=taps**-0.5)
    pre, post = random(u.shape, seed=3), random(u.shape, seed=4)
    exact = convolutions.long_conv(kind, *map(cpu.to_float64, (u, h)), taps=order, pre=cpu.to_float64(pre),
                                   post=cpu.to_float64(post))
    check(decomposed, [u, h, pre, post], exact, target=False)


@pytest.mark.skipif(not support.has_tool("longwing-opt"), reason="longwing-opt is not built")
def test_decomposed_long_blocks():
    """Two blocks of 32768."""
    text = long_model("causal", taps="first").replace("?x3x?xf32", "1x1x40000xf32").replace("3x?xf32", "1x40000xf32")
    decomposed = support.run_tool("longwing-opt", "--seq-configure=conv=blocks radices=128x16x16", "--seq-decompose-fft",
                                  stdin=text).stdout
    assert decomposed.count("seq.prepare_filter causal") == 1 and "seq.long_conv" not in decomposed
    u, h = random((1, 1, 40000)), random((1, 40000), scale=40000**-0.5)
    check(decomposed, [u, h], convolutions.long_conv("causal", *map(cpu.to_float64, (u, h))), target=False)


@pytest.mark.parametrize("change, message", [
    ({0: (2, 3, 9)}, None),
    ({0: (2, 3, 8)}, "expected dimension 2 of pre to equal dimension 2 of u"),
    ({2: (1, 3, 9)}, "expected dimension 0 of pre to equal dimension 0 of u"),
    ({1: (3, 0)}, "expected at least one tap"),
])
def test_sizes_that_do_not_agree_are_errors(change, message):
    shapes = [(2, 3, 9), (3, 4), (2, 3, 9), (2, 3, 9)]
    for position, shape in change.items():
        shapes[position] = shape
    arguments = [np.zeros(shape, np.float32) for shape in shapes]
    run = program(long_model("causal", gates=True), "f64")
    if message is None:
        run(*arguments)
        return
    with pytest.raises(cpu.CpuError, match=message):
        run(*arguments)


def test_spectrum_of_another_length_is_an_error():
    text = """func.func @main(%u: tensor<1x1x?xf32>, %s: tensor<1x8x2xf32>) -> (tensor<1x1x?xf32>, tensor<1x1x?xf32>) {
      %y = seq.long_conv causal %u spectrum(%s : tensor<1x8x2xf32>) {radices = array<i64: 8>} : tensor<1x1x?xf32> -> tensor<1x1x?xf32>
      %z = seq.long_conv circular %u spectrum(%s : tensor<1x8x2xf32>) {radices = array<i64: 8>} : tensor<1x1x?xf32> -> tensor<1x1x?xf32>
      return %y, %z : tensor<1x1x?xf32>, tensor<1x1x?xf32>
    }"""
    run = program(text, "f64")
    run(np.zeros((1, 1, 8), np.float32), np.zeros((1, 8, 2), np.float32))
    for length in (7, 9):
        with pytest.raises(cpu.CpuError, match="expected a spectrum for the length"):
            run(np.zeros((1, 1, length), np.float32), np.zeros((1, 8, 2), np.float32))
