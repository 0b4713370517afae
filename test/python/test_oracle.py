# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""seq on the CPU, against a definition of each operation in NumPy that shares nothing with the compiler."""

import functools
import os

import numpy as np
import pytest

import cpu

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists(), reason="longwing-cpu-test is not built")

# What a result may differ from the exact one. Float64: rounding of sums. The CPU target: half a unit in the last
# place of the result's type, for values of size about 1, and float32's sums.
ORACLE = 1e-13
ROUNDING = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 1e-5}


def attention(q, k, v, scale=None, seen=None, score=None):
    """o and lse; `seen[b, h, i, j]` masks, `score(s, b, h, i, j)` modifies. All in float64."""
    batch, heads, rows, dim = q.shape
    group = heads // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    s = np.einsum("bhid,bhjd->bhij", q, k) * (1 / np.sqrt(dim) if scale is None else scale)
    grid = np.indices(s.shape)
    if score is not None:
        s = score(s, *grid)
    if seen is not None:
        s = np.where(seen(*grid), s, -np.inf)
    o, lse = np.zeros((batch, heads, rows, v.shape[3])), np.full((batch, heads, rows), -np.inf)
    for row in np.ndindex(batch, heads, rows):
        line = s[row]
        if line.size and line.max() > -np.inf:
            lse[row] = line.max() + np.log(np.sum(np.exp(line - line.max())))
            o[row] = np.exp(line - lse[row]) @ v[row[:2]]
    return o, lse


def banded(rows, keys, left=-1, right=-1):
    """causal and window, aligned to the bottom right."""
    left = min(left, 1 << 32)  # so that the subtraction cannot wrap

    def seen(b, h, i, j):
        aligned = i + keys - rows
        inside = np.ones(np.shape(i), bool)
        if left >= 0:
            inside &= j >= aligned - left
        if right >= 0:
            inside &= j <= aligned + right
        return inside

    return seen


def model(dtype="f32", heads=2, key_heads=2, dim=16, value_dim=None, attributes="", regions="", captured="",
          sizes="?x{}x?"):
    value_dim = value_dim or dim
    lengths = sizes.format
    q = f"tensor<{lengths(heads)}x{dim}x{dtype}>"
    k = f"tensor<{lengths(key_heads)}x{dim}x{dtype}>"
    v = f"tensor<{lengths(key_heads)}x{value_dim}x{dtype}>"
    o, lse = f"tensor<{lengths(heads)}x{value_dim}x{dtype}>", f"tensor<{lengths(heads)}xf32>"
    return f"""
      func.func @main(%q: {q}, %k: {k}, %v: {v}{captured}) -> ({o}, {lse}) {{
        %o, %lse = seq.attention %q, %k, %v {{{attributes}}} : {q}, {k}, {v} -> {o}, {lse} {regions}
        return %o, %lse : {o}, {lse}
      }}"""


def inputs(dtype, batch, heads, key_heads, rows, keys, dim, value_dim=None, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (batch, heads, rows, dim), (batch, key_heads, keys, dim), (batch, key_heads, keys, value_dim or dim)
    return [cpu.cast(rng.standard_normal(shape), dtype) for shape in shapes]


def close(result, expected, tolerance):
    result = cpu.to_float64(result)
    assert result.shape == expected.shape
    finite = np.isfinite(expected)
    assert np.array_equal(result[~finite], expected[~finite])
    if finite.any():
        error = np.abs(result[finite] - expected[finite]) / np.maximum(1, np.abs(expected[finite]))
        assert error.max() <= tolerance


@functools.lru_cache(maxsize=None)
def program(text, precision):
    return cpu.Program(text, precision)


def check(text, dtype, tensors, *extra, **reference):
    """Both precisions against the reference."""
    exact = attention(*map(cpu.to_float64, tensors), **reference)
    o, lse = program(text, "f64")(*tensors, *extra)
    assert o.dtype == np.float64 and lse.dtype == np.float64
    close(o, exact[0], ORACLE)
    close(lse, exact[1], ORACLE)
    o, lse = program(text, "f32")(*tensors, *extra)
    assert cpu.dtype_of(o) == dtype and lse.dtype == np.float32
    close(o, exact[0], ROUNDING[dtype])
    close(lse, exact[1], ROUNDING["f32"])


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32"])
@pytest.mark.parametrize("dim, value_dim", [(64, 64), (128, 128), (40, 24), (1, 3)])
def test_types_and_head_dimensions(dtype, dim, value_dim):
    check(model(dtype, dim=dim, value_dim=value_dim), dtype, inputs(dtype, 2, 2, 2, 37, 53, dim, value_dim))


LENGTHS = [(1, 1), (1, 33), (33, 1), (16, 16), (17, 47), (47, 17), (113, 203), (203, 113)]


@pytest.mark.parametrize("rows, keys", LENGTHS)
def test_causal(rows, keys):
    """With more rows than keys the first rows see no key: o = 0, lse = -inf."""
    check(model(attributes="causal"), "f32", inputs("f32", 1, 2, 2, rows, keys, 16),
          seen=banded(rows, keys, right=0))


@pytest.mark.parametrize("rows, keys", [(1, 33), (33, 1), (47, 17), (113, 203)])
@pytest.mark.parametrize("left, right", [(5, 0), (0, 0), (-1, 3), (4, -1), (7, 9), (9223372036854775807, 2)])
def test_window(rows, keys, left, right):
    check(model(attributes=f"window = array<i64: {left}, {right}>"), "f32", inputs("f32", 1, 2, 2, rows, keys, 16),
          seen=banded(rows, keys, left, right))


def test_causal_meets_window():
    check(model(attributes="causal, window = array<i64: 5, 3>"), "f32", inputs("f32", 1, 2, 2, 40, 50, 16),
          seen=banded(40, 50, 5, 0))


@pytest.mark.parametrize("heads, key_heads", [(6, 2), (4, 1), (3, 3)])
def test_grouped_query(heads, key_heads):
    check(model("bf16", heads, key_heads, attributes="causal, scale = 0.5 : f64"), "bf16",
          inputs("bf16", 2, heads, key_heads, 19, 35, 16), scale=0.5, seen=banded(19, 35, right=0))


@pytest.mark.parametrize("batch, rows, keys", [(1, 0, 8), (1, 8, 0), (0, 4, 4), (1, 0, 0)])
@pytest.mark.parametrize("attributes", ["", "causal"])
def test_empty(batch, rows, keys, attributes):
    check(model(attributes=attributes), "f32", inputs("f32", batch, 2, 2, rows, keys, 16),
          seen=banded(rows, keys, right=0 if attributes else -1))


def test_static_sizes():
    check(model(sizes="2x{}x24", attributes="causal"), "f32", inputs("f32", 2, 2, 2, 24, 24, 16),
          seen=banded(24, 24, right=0))


ALIBI = """score {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    %slope = tensor.extract %slopes[%h] : tensor<2xf32>
    %distance = arith.subi %j, %i : index
    %integer = arith.index_cast %distance : index to i32
    %float = arith.sitofp %integer : i32 to f32
    %bias = arith.mulf %slope, %float : f32
    %biased = arith.addf %s, %bias : f32
    seq.yield %biased : f32
  }"""


def test_score_region_with_captured_tensor():
    slopes = np.array([0.125, 0.3], np.float32)
    text = model("f16", attributes="causal", regions=ALIBI, captured=", %slopes: tensor<2xf32>")
    check(text, "f16", inputs("f16", 2, 2, 2, 29, 41, 16), slopes, seen=banded(29, 41, right=0),
          score=lambda s, b, h, i, j: s + slopes.astype(np.float64)[h] * (j - i))


def test_score_region_in_float64():
    """The oracle computes the region in float64: tanh, a constant and a branch."""
    region = """score {
      ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
        %cap = arith.constant 3.0 : f32
        %x = arith.divf %s, %cap : f32
        %t = math.tanh %x : f32
        %capped = arith.mulf %t, %cap : f32
        %near = arith.cmpi eq, %i, %j : index
        %r = scf.if %near -> f32 {
          %narrow = arith.truncf %capped : f32 to bf16
          %wide = arith.extf %narrow : bf16 to f32
          scf.yield %wide : f32
        } else {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c3 = arith.constant 3 : index
          %sum = scf.for %n = %c0 to %c3 step %c1 iter_args(%acc = %capped) -> f32 {
            %next = arith.mulf %acc, %x : f32
            scf.yield %next : f32
          }
          scf.yield %sum : f32
        }
        seq.yield %r : f32
      }"""

    def score(s, b, h, i, j):
        capped = 3 * np.tanh(s / 3)
        return np.where(i == j, capped, capped * (s / 3) ** 3)

    tensors = inputs("f32", 1, 2, 2, 21, 21, 16)
    exact = attention(*map(cpu.to_float64, tensors), score=score)
    o, lse = cpu.Program(model(regions=region), "f64")(*tensors)
    close(o, exact[0], ORACLE)
    close(lse, exact[1], ORACLE)


MASK = """mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %mine = tensor.extract %documents[%b, %i] : tensor<?x?xi32>
    %other = tensor.extract %documents[%b, %j] : tensor<?x?xi32>
    %same = arith.cmpi eq, %mine, %other : i32
    seq.yield %same : i1
  }"""


@pytest.mark.parametrize("attributes, right", [("", -1), ("causal", 0)])
def test_mask_region_with_captured_tensor(attributes, right):
    documents = np.sort(np.random.default_rng(1).integers(0, 5, (2, 61)), axis=1).astype(np.int32)
    text = model(attributes=attributes, regions=MASK, captured=", %documents: tensor<?x?xi32>")
    check(text, "f32", inputs("f32", 2, 2, 2, 61, 61, 16), documents,
          seen=lambda b, h, i, j: (documents[b, i] == documents[b, j]) & banded(61, 61, right=right)(b, h, i, j))


def test_mask_region_that_hides_rows():
    region = """mask {
      ^bb0(%b: index, %h: index, %i: index, %j: index):
        %c3 = arith.constant 3 : index
        %c0 = arith.constant 0 : index
        %rest = arith.remui %i, %c3 : index
        %seen = arith.cmpi ne, %rest, %c0 : index
        seq.yield %seen : i1
      }"""
    check(model(regions=region), "f32", inputs("f32", 1, 2, 2, 20, 9, 16), seen=lambda b, h, i, j: i % 3 != 0)


def test_large_scores_do_not_overflow():
    q, k, v = inputs("f32", 1, 2, 2, 20, 30, 16)
    check(model(attributes="scale = 50.0 : f64"), "f32", [q, k, v], scale=50.0)


def test_strided_arguments():
    """A [B, S, H, D] tensor seen as [B, H, S, D], and every second row."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 24, 2, 16)).astype(np.float32).transpose(0, 2, 1, 3) for _ in range(3))
    q = q[:, :, ::2]
    before = q.copy()
    check(model(), "f32", [q, k, v])
    assert np.array_equal(q, before)


def test_chain_is_not_rounded_between():
    """The oracle hands o on in float64, through arithmetic too; what is returned twice is one value."""
    t = "tensor<1x1x?x8xbf16>"
    text = f"""
      func.func private @twice(%x: {t}) -> {t} {{
        %y = arith.addf %x, %x : {t}
        return %y : {t}
      }}
      func.func @main(%x: {t}) -> ({t}, {t}, {t}) {{
        %a = seq.attention %x, %x, %x : {t}, {t}, {t} -> {t}
        %b = arith.mulf %a, %x : {t}
        %c = seq.attention %b, %a, %x : {t}, {t}, {t} -> {t}
        %d = call @twice(%x) : ({t}) -> {t}
        return %c, %c, %d : {t}, {t}, {t}
      }}"""
    x = cpu.cast(np.random.default_rng(0).standard_normal((1, 1, 21, 8)), "bf16")
    exact = cpu.to_float64(x)
    a, _ = attention(exact, exact, exact)
    c, _ = attention(a * exact, a, exact)
    results = cpu.Program(text, "f64")(x)
    for result, expected in zip(results, (c, c, 2 * exact)):
        close(result, expected, ORACLE)


def test_loop_around_attention_is_not_rounded():
    t = "tensor<1x1x?x8xbf16>"
    text = f"""
      func.func @main(%x: {t}, %n: index) -> {t} {{
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> {t} {{
          %b = seq.attention %a, %x, %a {{causal}} : {t}, {t}, {t} -> {t}
          scf.yield %b : {t}
        }}
        return %y : {t}
      }}"""
    x = cpu.cast(np.random.default_rng(0).standard_normal((1, 1, 21, 8)), "bf16")
    exact = a = cpu.to_float64(x)
    for _ in range(3):
        a, _ = attention(a, exact, a, seen=banded(21, 21, right=0))
    close(cpu.Program(text, "f64")(x, np.array(3))[0], a, ORACLE)


def test_fork_after_a_parallel_loop():
    tensors = inputs("f32", 1, 2, 2, 64, 64, 16)
    run = program(model(), "f32")
    run.lib.longwing_test_threads(2)
    expected = run(*tensors)[0]
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(run(*tensors)[0], expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
    run.lib.longwing_test_threads(0)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_change_bits(threads):
    tensors = inputs("f16", 1, 2, 2, 203, 203, 64)
    program = cpu.Program(model("f16", dim=64, attributes="causal"), "f32")
    program.lib.longwing_test_threads(1)
    expected = program(*tensors)
    program.lib.longwing_test_threads(threads)
    try:
        for _ in range(20):
            for result, one in zip(program(*tensors), expected):
                assert np.array_equal(result, one)
    finally:
        program.lib.longwing_test_threads(0)


@pytest.mark.parametrize("shapes, message", [
    ([(2, 2, 4, 16), (1, 2, 4, 16), (2, 2, 4, 16)], "expected dimension 0 of k to equal dimension 0 of q"),
    ([(1, 2, 4, 16), (1, 2, 4, 16), (1, 2, 5, 16)], "expected dimension 2 of v to equal dimension 2 of k"),
    ([(1, 2, 4, 16), (1, 3, 4, 16), (1, 2, 4, 16)], "expected argument 1 to be ?x2x?x16xf32, got 1x3x4x16xf32"),
    ([(1, 2, 4, 16), (1, 2, 4, 16)], "expected 3 arguments, got 2"),
])
def test_wrong_shapes_are_errors(shapes, message):
    program = cpu.Program(model())
    with pytest.raises(cpu.CpuError) as error:
        program(*(np.zeros(shape, np.float32) for shape in shapes))
    assert message in str(error.value)
    assert program(*inputs("f32", 1, 2, 2, 4, 4, 16))[0].shape == (1, 2, 4, 16)


def test_unknown_function_and_type_are_errors():
    program = cpu.Program(model())
    with pytest.raises(cpu.CpuError, match="expected a public function 'none'"):
        program(function="none")
    with pytest.raises(cpu.CpuError, match="expected argument 0 to be .*f32, got .*f64"):
        program(*(np.zeros((1, 2, 4, 16)) for _ in range(3)))
