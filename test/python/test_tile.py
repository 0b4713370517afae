# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tile programs on the CPU: kernels written by hand, and those that seq-to-tile writes, against NumPy in float64.

They compute with the kernel's own tiles and roundings, so the errors seen here are the algorithm's, not the
CPU's: 16-bit operands, sums in float32, probabilities rounded to 16 bits before they meet V.
"""

import functools

import numpy as np
import pytest

import cpu
import support
from test_oracle import attention, banded, close, inputs, model

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")

# Half a unit in the last place of the result and of P, for values of size about 1.
ROUNDING = {"f16": 2.0**-10, "bf16": 2.0**-7}
LSE = 1e-5


@functools.lru_cache(maxsize=64)
def lowered(text, passes=""):
    result = support.run_tool("longwing-opt", "-", f"--pass-pipeline=builtin.module({passes}tile-to-cpu)", stdin=text)
    return cpu.Program(result.stdout, lowered=True)


# ----------------------------------------------------------------------------------------------------------------
# Kernels by hand
# ----------------------------------------------------------------------------------------------------------------

SCHEDULE = """schedule <consumers = 2, producer_registers = 24, consumer_registers = 240, persistent = false,
                          overlap = false>"""

GEMM = f"""
  tile.kernel @gemm(%a: !tile.desc<128x64xbf16>, %b: !tile.desc<64x64xbf16>, %c: !tile.desc<64x32xf32> {{tile.out}})
      {SCHEDULE} {{
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %m = tile.dim %a, 0 : !tile.desc<128x64xbf16>
    %k = tile.dim %a, 1 : !tile.desc<128x64xbf16>
    %n = tile.dim %b, 1 : !tile.desc<64x64xbf16>
    %ms = arith.ceildivui %m, %c128 : index
    %ns = arith.ceildivui %n, %c128 : index
    tile.foreach in(%ms, %ns) {{
    ^bb0(%x: index, %y: index):
      %row = arith.muli %x, %c128 : index
      %column = arith.muli %y, %c128 : index
      %zero = arith.constant dense<0.0> : tensor<128x128xf32, #tile.acc>
      %sum = scf.for %i = %c0 to %k step %c64 iter_args(%acc = %zero) -> (tensor<128x128xf32, #tile.acc>) {{
        %at = tile.load %a[%row, %i] stages 2 : !tile.desc<128x64xbf16> -> tensor<128x64xbf16, #tile.shared>
        %bt = tile.load %b[%i, %column] stages 2 : !tile.desc<64x64xbf16> -> tensor<64x128xbf16, #tile.shared>
        %next = tile.dot %at, %bt acc(%acc : tensor<128x128xf32, #tile.acc>)
            : tensor<128x64xbf16, #tile.shared>, tensor<64x128xbf16, #tile.shared> -> tensor<128x128xf32, #tile.acc>
        scf.yield %next : tensor<128x128xf32, #tile.acc>
      }}
      tile.store %sum, %c[%row, %column] : tensor<128x128xf32, #tile.acc>, !tile.desc<64x32xf32>
    }}
    tile.return
  }}
  func.func @main(%a: tensor<?x?xbf16>, %b: tensor<?x?xbf16>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {{
    %one = arith.constant 1 : index
    %r = tile.launch @gemm(%a, %b, %c) work(%one, %one)
        : (tensor<?x?xbf16>, tensor<?x?xbf16>, tensor<?x?xf32>) -> tensor<?x?xf32>
    return %r : tensor<?x?xf32>
  }}"""


@pytest.mark.parametrize("m, n, k", [(128, 128, 64), (1, 1, 1), (200, 150, 100), (127, 257, 65)])
def test_product_with_ragged_edges(m, n, k):
    rng = np.random.default_rng(0)
    a, b = cpu.to_bf16(rng.standard_normal((m, k))), cpu.to_bf16(rng.standard_normal((k, n)))
    given = np.full((m, n), 7, np.float32)
    [c] = lowered(GEMM)(a, b, given)
    exact = cpu.to_float64(a) @ cpu.to_float64(b)
    assert np.abs(c - exact).max() <= 1e-5 * np.abs(exact).max()
    assert (given == 7).all()  # a launch gives its result as a value


def test_product_of_strided_tensors():
    rng = np.random.default_rng(0)
    a, b = cpu.to_bf16(rng.standard_normal((90, 140)))[:, 20:], cpu.to_bf16(rng.standard_normal((70, 120))).T
    [c] = lowered(GEMM)(a, b, np.zeros((90, 70), np.float32))
    np.testing.assert_allclose(c, cpu.to_float64(a) @ cpu.to_float64(b), rtol=1e-4, atol=1e-4)


# One row of a tile at a time: what reductions give, and where elements lie that are outside the tensor.
ROWS = f"""
  tile.kernel @rows(%in: !tile.desc<64x64xf16>, %unit: !tile.desc<16x64xf16>, %table: !tile.view<?xf32>,
                    %out: !tile.view<4x?xf32> {{tile.out}}) {SCHEDULE} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %before = arith.constant -1 : index
    tile.foreach in(%c1) {{
    ^bb0(%x: index):
      // The tile starts one row above the tensor.
      %a = tile.load %in[%before, %c0] stages 1 : !tile.desc<64x64xf16> -> tensor<64x16xf16, #tile.shared>
      %b = tile.load %unit[%c0, %c0] stages 1 : !tile.desc<16x64xf16> -> tensor<16x16xf16, #tile.shared>
      %t = tile.dot %a, %b : tensor<64x16xf16, #tile.shared>, tensor<16x16xf16, #tile.shared>
          -> tensor<64x16xf32, #tile.acc>
      %most = tile.reduce <max> %t : tensor<64x16xf32, #tile.acc> -> tensor<64xf32, #tile.row>
      tile.store_row %most, %out[%c0, %before] : tensor<64xf32, #tile.row>, !tile.view<4x?xf32>
      %lanes = tile.reduce <add> %t : tensor<64x16xf32, #tile.acc> -> tensor<64x4xf32, #tile.lanes>
      %sum = tile.reduce <add> %lanes : tensor<64x4xf32, #tile.lanes> -> tensor<64xf32, #tile.row>
      tile.store_row %sum, %out[%c1, %before] : tensor<64xf32, #tile.row>, !tile.view<4x?xf32>
      %i = tile.iota %before : tensor<64xindex, #tile.row>
      %looked = tile.gather %table[%i : tensor<64xindex, #tile.row>] : !tile.view<?xf32> -> tensor<64xf32, #tile.row>
      tile.store_row %looked, %out[%c2, %c0] : tensor<64xf32, #tile.row>, !tile.view<4x?xf32>
      %j = tile.iota %c0 : tensor<16xindex, #tile.col>
      %jj = tile.broadcast %j : tensor<16xindex, #tile.col> -> tensor<64x16xindex, #tile.acc>
      %j32 = arith.index_cast %jj : tensor<64x16xindex, #tile.acc> to tensor<64x16xi32, #tile.acc>
      %jf = arith.sitofp %j32 : tensor<64x16xi32, #tile.acc> to tensor<64x16xf32, #tile.acc>
      %weighted = arith.mulf %t, %jf : tensor<64x16xf32, #tile.acc>
      %dot = tile.reduce <add> %weighted : tensor<64x16xf32, #tile.acc> -> tensor<64xf32, #tile.row>
      tile.store_row %dot, %out[%c3, %before] : tensor<64xf32, #tile.row>, !tile.view<4x?xf32>
    }}
    tile.return
  }}
  func.func @main(%a: tensor<?x?xf16>, %b: tensor<?x?xf16>, %t: tensor<?xf32>, %o: tensor<4x?xf32>)
      -> tensor<4x?xf32> {{
    %one = arith.constant 1 : index
    %r = tile.launch @rows(%a, %b, %t, %o) work(%one)
        : (tensor<?x?xf16>, tensor<?x?xf16>, tensor<?xf32>, tensor<4x?xf32>) -> tensor<4x?xf32>
    return %r : tensor<4x?xf32>
  }}"""


def test_rows_and_edges():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((40, 13)).astype(np.float16)
    table = np.arange(5, dtype=np.float32)
    [out] = lowered(ROWS)(a, np.eye(16, dtype=np.float16), table, np.full((4, 50), 9, np.float32))
    padded = np.zeros((63, 16))
    padded[:40, :13] = a
    np.testing.assert_array_equal(out[0], padded.max(axis=1)[:50])  # the row at -1 is dropped
    np.testing.assert_allclose(out[1], padded.sum(axis=1)[:50], atol=1e-5)
    np.testing.assert_array_equal(out[2], np.clip(np.arange(-1, 49), 0, 4))
    np.testing.assert_allclose(out[3], (padded * np.arange(16)).sum(axis=1)[:50], atol=1e-4)


ENERGIES = f"""
  tile.kernel @energies(%in: !tile.desc<64x64xf16>, %out: !tile.view<?xf32> {{tile.out}}) {SCHEDULE} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    tile.foreach in(%c1) {{
    ^bb0(%x: index):
      %a = tile.load %in[%c0, %c0] stages 1 : !tile.desc<64x64xf16> -> tensor<64x64xf16, #tile.shared>
      %h = tile.unstage %a : tensor<64x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.acc>
      %t = arith.extf %h : tensor<64x64xf16, #tile.acc> to tensor<64x64xf32, #tile.acc>
      tile.store_energy %t, %t to %out[%c0] : tensor<64x64xf32, #tile.acc>, tensor<64x64xf32, #tile.acc> to !tile.view<?xf32>
      tile.store_energy %t to %out[%c4] : tensor<64x64xf32, #tile.acc> to !tile.view<?xf32>
    }}
    tile.return
  }}
  func.func @main(%a: tensor<64x64xf16>, %o: tensor<?xf32>) -> tensor<?xf32> {{
    %one = arith.constant 1 : index
    %r = tile.launch @energies(%a, %o) work(%one) : (tensor<64x64xf16>, tensor<?xf32>) -> tensor<?xf32>
    return %r : tensor<?xf32>
  }}"""


def test_energies():
    """Of each 16 rows the greatest sum of a lane, which has two rows and every fourth pair of columns; nothing behind the end."""
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float16)
    x[:, 10] *= 100
    [out] = lowered(ENERGIES)(x, np.zeros(7, np.float32))
    x = x.astype(np.float64)
    lanes = (x**2).reshape(4, 2, 8, 8, 4, 2).sum(axis=(1, 3, 5))
    np.testing.assert_allclose(out[:4], 2 * lanes.max(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(out[4:], lanes.max(axis=(1, 2))[:3], rtol=1e-5)


def test_attention_by_hand():
    """The kernel of test/TileToCPU/attention.mlir: its causal mask is aligned to the top left."""
    text = (support.ROOT / "test" / "TileToCPU" / "attention.mlir").read_text()
    for rows, keys in [(128, 128), (77, 300), (300, 77)]:
        q, k, v = inputs("bf16", 1, 2, 2, rows, keys, 64)
        o, lse = lowered(text)(q, k, v)
        exact = attention(*map(cpu.to_float64, (q, k, v)), seen=lambda b, h, i, j: j <= i)
        close(o, exact[0], ROUNDING["bf16"])
        close(lse, exact[1], LSE)


# ----------------------------------------------------------------------------------------------------------------
# Attention from seq
# ----------------------------------------------------------------------------------------------------------------

LENGTHS = [(64, 128), (128, 217), (113, 203), (203, 113), (256, 512), (1, 1), (1, 300), (300, 1)]


def check(text, tensors, *extra, options="", **reference):
    """The tile program against float64."""
    dtype = cpu.dtype_of(tensors[0])
    configure = f"seq-configure{{{options}}}," if options else "seq-configure,"
    o, lse = lowered(text, f"{configure}seq-to-tile,")(*tensors, *extra)
    exact = attention(*map(cpu.to_float64, tensors), **reference)
    assert cpu.dtype_of(o) == dtype and lse.dtype == np.float32
    close(o, exact[0], ROUNDING[dtype])
    close(lse, exact[1], LSE)


@pytest.mark.parametrize("dtype, dim, attributes, window", [
    ("bf16", 64, "", (-1, -1)), ("f16", 128, "", (-1, -1)), ("bf16", 128, "causal", (-1, 0)),
    ("f16", 64, "causal", (-1, 0)), ("bf16", 64, "window = array<i64: 100, 20>", (100, 20)),
    ("f16", 64, "window = array<i64: -1, 50>", (-1, 50)), ("bf16", 64, "window = array<i64: 200, -1>", (200, -1)),
    ("f16", 64, "window = array<i64: 9223372036854775807, 9223372036854775807>", (-1, -1)),
    ("f16", 64, "causal, window = array<i64: 0, 9>", (0, 0))])
def test_lengths_and_windows(dtype, dim, attributes, window):
    """Odd lengths, Sq and Sk that differ, rows without keys; four query heads share two key heads."""
    text = model(dtype, heads=4, key_heads=2, dim=dim, attributes=attributes)
    for rows, keys in LENGTHS:
        check(text, inputs(dtype, 1, 4, 2, rows, keys, dim), seen=banded(rows, keys, *window))


@pytest.mark.parametrize("dtype, dim, value_dim", [("f16", 40, 72), ("bf16", 128, 64), ("f16", 256, 256)])
def test_head_dimensions(dtype, dim, value_dim):
    text = model(dtype, dim=dim, value_dim=value_dim, attributes="causal")
    check(text, inputs(dtype, 2, 2, 2, 113, 203, dim, value_dim), seen=banded(113, 203, right=0))


@pytest.mark.parametrize("options", ["consumers=1 keys=64", "consumers=3 keys=112",
                                     "consumers=2 keys=176 overlap=false persistent=false"])
def test_schedules(options):
    text = model("bf16", dim=64, attributes="window = array<i64: 130, 0>")
    for rows, keys in [(113, 203), (400, 401)]:
        check(text, inputs("bf16", 1, 2, 2, rows, keys, 64), options=options, seen=banded(rows, keys, 130, 0))


@pytest.mark.parametrize("attributes", ["", "window = array<i64: 130, 30>"])
def test_pipelining_changes_no_bit(attributes):
    text = model("bf16", dim=64, attributes=attributes)
    plain = lowered(text, "seq-configure,seq-to-tile,")
    pipelined = lowered(text, "seq-configure,seq-to-tile,tile.kernel(tile-pipeline,tile-async),")
    for rows, keys in [(113, 203), (400, 401), (300, 1)]:
        tensors = inputs("bf16", 1, 2, 2, rows, keys, 64)
        for one, other in zip(plain(*tensors), pipelined(*tensors)):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("scale", [-0.2, 0.0])
def test_scale(scale):
    text = model("f16", dim=64, attributes=f"scale = {scale} : f64")
    check(text, inputs("f16", 1, 2, 2, 65, 130, 64), scale=scale)


@pytest.mark.parametrize("rows, keys", [(64, 0), (0, 64), (0, 0)])
def test_empty(rows, keys):
    check(model("bf16", dim=64), inputs("bf16", 1, 2, 2, rows, keys, 64))


def test_strides():
    """[B, S, H, D] in memory, and a part of a longer sequence."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 150, 2, 64)).astype(np.float16).transpose(0, 2, 1, 3)[:, :, 7:140]
               for _ in range(3))
    check(model("f16", dim=64, attributes="causal"), [q, k, v], seen=banded(133, 133, right=0))


def test_score_region():
    """ALiBi: a captured slope for each head, and positions."""
    slopes = np.array([0.5, 0.25, 0.125, 0.0625], np.float32)
    region = """score {
      ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
        %slope = tensor.extract %slopes[%h] : tensor<4xf32>
        %offset = arith.subi %j, %i : index
        %offset_i32 = arith.index_cast %offset : index to i32
        %offset_f32 = arith.sitofp %offset_i32 : i32 to f32
        %bias = arith.mulf %slope, %offset_f32 : f32
        %biased = arith.addf %s, %bias : f32
        seq.yield %biased : f32
      }"""
    text = model("bf16", heads=4, key_heads=4, dim=64, attributes="causal", regions=region,
                 captured=", %slopes: tensor<4xf32>")
    for rows, keys in [(113, 203), (256, 256), (203, 113)]:
        check(text, inputs("bf16", 1, 4, 4, rows, keys, 64), slopes, seen=banded(rows, keys, right=0),
              score=lambda s, b, h, i, j: s + slopes[h] * (j - i))


def test_bias_of_every_score():
    region = """score {
      ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
        %x = tensor.extract %bias[%h, %i, %j] : tensor<?x?x?xf32>
        %biased = arith.addf %s, %x : f32
        seq.yield %biased : f32
      }"""
    text = model("f16", dim=64, regions=region, captured=", %bias: tensor<?x?x?xf32>")
    bias = np.random.default_rng(1).standard_normal((2, 113, 203)).astype(np.float32)
    check(text, inputs("f16", 2, 2, 2, 113, 203, 64), bias, score=lambda s, b, h, i, j: s + bias[h, i, j])


def test_mask_region():
    """Documents: a token sees its own. Rows of the last document's number see nothing."""
    region = """mask {
      ^bb0(%b: index, %h: index, %i: index, %j: index):
        %x = tensor.extract %document[%b, %i] : tensor<?x?xi32>
        %y = tensor.extract %document[%b, %j] : tensor<?x?xi32>
        %same = arith.cmpi eq, %x, %y : i32
        %three = arith.constant 3 : i32
        %real = arith.cmpi slt, %y, %three : i32
        %seen = arith.andi %same, %real : i1
        seq.yield %seen : i1
      }"""
    document = np.sort(np.random.default_rng(1).integers(0, 4, (2, 300)), axis=1).astype(np.int32)
    text = model("bf16", dim=64, attributes="causal", regions=region, captured=", %document: tensor<?x?xi32>")
    past = banded(300, 300, right=0)
    check(text, inputs("bf16", 2, 2, 2, 300, 300, 64), document,
          seen=lambda b, h, i, j: past(b, h, i, j) & (document[b, i] == document[b, j]) & (document[b, j] < 3))
