# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What crosses the boundary of a CPU program: types, roundings, memory, failures."""

import platform

import numpy as np
import pytest

import cpu

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists(), reason="longwing-cpu-test is not built")


def lowered(text, processor=""):
    return cpu.Program(text, lowered=True, processor=processor)


def test_every_type_as_tensor_and_scalar():
    values = {"f16": 1.5, "bf16": 1.5, "f32": 1.5, "f64": 1.5, "i1": True, "i8": -3, "i32": -70000, "i64": 1 << 40}
    text = ""
    for dtype in values:
        text += f"""
          func.func @{dtype}(%x: tensor<2x?x{dtype}>, %y: {dtype}) -> ({dtype}, tensor<?x2x{dtype}>) {{
            %c0 = arith.constant 0 : index
            %c1 = arith.constant 1 : index
            %n = tensor.dim %x, %c1 : tensor<2x?x{dtype}>
            %e = tensor.empty(%n) : tensor<?x2x{dtype}>
            %t = linalg.transpose ins(%x : tensor<2x?x{dtype}>) outs(%e : tensor<?x2x{dtype}>) permutation = [1, 0]
            %z = tensor.insert %y into %t[%c0, %c0] : tensor<?x2x{dtype}>
            return %y, %z : {dtype}, tensor<?x2x{dtype}>
          }}"""
    program = lowered(text)
    for dtype, value in values.items():
        x = cpu.cast(np.arange(6).reshape(2, 3), dtype)
        y = cpu.cast(np.full((), value, np.float32 if "f" in dtype else None), dtype)
        scalar, tensor = program(x, y, function=dtype)
        expected = np.asarray(x).T.copy()
        expected[0, 0] = np.asarray(y)
        assert scalar.shape == () and np.array_equal(np.asarray(scalar), np.asarray(y))
        assert cpu.dtype_of(tensor) == dtype and np.array_equal(np.asarray(tensor), expected)


@pytest.mark.parametrize("dtype", ["f32", "f64", "bf16", "i32", "i64"])
def test_one_scalar_result(dtype):
    program = lowered(f"func.func @main(%x: {dtype}) -> {dtype} {{ return %x : {dtype} }}")
    x = cpu.cast(np.full((), 3), dtype)
    assert np.array_equal(np.asarray(program(x)[0]), np.asarray(x))


def test_index_crosses_as_i64():
    program = lowered("""
      func.func @main(%n: index, %x: tensor<?xindex>) -> (index, tensor<?xindex>) {
        %y = tensor.insert %n into %x[%n] : tensor<?xindex>
        return %n, %y : index, tensor<?xindex>
      }""")
    x = np.zeros(3, np.int64)
    n, y = program(np.array(2, np.int64), x)
    assert n == 2 and y.tolist() == [0, 0, 2] and x.tolist() == [0, 0, 0]


def test_no_results():
    assert lowered("func.func @main(%x: tensor<4xf32>) { return }")(np.zeros(4, np.float32)) == []


def test_memref_is_written_in_place_and_must_be_row_major():
    program = lowered("""
      func.func @main(%m: memref<?x?xf32>) {
        %c1 = arith.constant 1 : index
        %x = arith.constant 7.0 : f32
        memref.store %x, %m[%c1, %c1] : memref<?x?xf32>
        return
      }""")
    m = np.zeros((2, 3), np.float32)
    program(m)
    assert m[1, 1] == 7 and m.sum() == 7
    with pytest.raises(cpu.CpuError, match="expected argument 0 to be row-major"):
        program(m.T)


def test_results_that_are_arguments_constants_or_slices():
    program = lowered("""
      func.func @main(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<2x3xf32>, tensor<2xf32>, tensor<4x6xf32>) {
        %slice = tensor.extract_slice %x[1, 2] [2, 3] [2, 1] : tensor<4x6xf32> to tensor<2x3xf32>
        %constant = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
        return %x, %slice, %constant, %x : tensor<4x6xf32>, tensor<2x3xf32>, tensor<2xf32>, tensor<4x6xf32>
      }""")
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    for _ in range(3):
        same, part, constant, again = program(x)
        assert np.array_equal(same, x) and np.array_equal(again, x)
        assert np.array_equal(part, x[1::2, 2:5])
        assert constant.tolist() == [1, 2]


def test_calls_between_functions():
    program = lowered("""
      func.func private @half(%x: tensor<?xf32>) -> tensor<?xf32> {
        %y = arith.addf %x, %x : tensor<?xf32>
        return %y : tensor<?xf32>
      }
      func.func @main(%x: tensor<4xf32>) -> tensor<?xf32> {
        %slice = tensor.extract_slice %x[0] [2] [2] : tensor<4xf32> to tensor<2xf32>
        %dynamic = tensor.cast %slice : tensor<2xf32> to tensor<?xf32>
        %y = call @half(%dynamic) : (tensor<?xf32>) -> tensor<?xf32>
        return %y : tensor<?xf32>
      }""")
    assert program(np.array([1, 2, 3, 4], np.float32))[0].tolist() == [2, 6]


# Roundings.


# The machine's own conversions where it has them, and those of the runtime.
PROCESSORS = pytest.mark.parametrize(
    "processor", ["", pytest.param("x86-64", marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="x86"))])


def convert(source, target, processor):
    op = "extf" if (source, target) in (("f16", "f32"), ("bf16", "f32"), ("f16", "f64"), ("bf16", "f64")) else "truncf"
    return lowered(f"""
      func.func @main(%x: tensor<?x{source}>) -> tensor<?x{target}> {{
        %y = arith.{op} %x : tensor<?x{source}> to tensor<?x{target}>
        return %y : tensor<?x{target}>
      }}""", processor)


def nearest(values, target):
    """The 16-bit number nearest to each float64, ties to even, found by trying its neighbours."""
    bits = np.arange(0x7C00 if target == "f16" else 0x7F80, dtype=np.uint16)
    table = bits.view(np.float16).astype(np.float64) if target == "f16" else cpu.to_float64(bits.view(cpu.BF16))
    below = np.clip(np.searchsorted(table, np.abs(values), side="right") - 1, 0, len(table) - 2)
    middle = (table[below] + table[below + 1]) / 2
    up = (np.abs(values) > middle) | ((np.abs(values) == middle) & (below % 2 == 1))
    return (bits[below + up] | np.where(np.signbit(values), 0x8000, 0)).astype(np.uint16)


@PROCESSORS
@pytest.mark.parametrize("target", ["f16", "bf16"])
@pytest.mark.parametrize("source", ["f32", "f64"])
def test_rounding_to_sixteen_bits(source, target, processor):
    """Once: what lies next to the middle of two numbers shows a detour through float32."""
    bits = np.arange(0, 0x7BFF if target == "f16" else 0x7F7F, 7, dtype=np.uint16)
    low = cpu.to_float64(bits.view(cpu.BF16)) if target == "bf16" else bits.view(np.float16).astype(np.float64)
    high = (bits + 1).astype(np.uint16)
    high = cpu.to_float64(high.view(cpu.BF16)) if target == "bf16" else high.view(np.float16).astype(np.float64)
    middle = (low + high) / 2
    nudge = np.float32(2.0**-22) if source == "f32" else 2.0**-45
    values = np.concatenate([low, middle, middle * (1 + nudge), middle * (1 - nudge), 0.3 * low + 0.7 * high])
    values = np.concatenate([values, -values]).astype(cpu.NUMPY[source])
    # A machine's own conversion may flush bfloat16's denormals; nothing here depends on them.
    if target == "bf16":
        values = values[np.abs(values.astype(np.float64)) >= 2.0**-126]
    result = np.asarray(convert(source, target, processor)(values)[0]).view(np.uint16)
    assert np.array_equal(result, nearest(values.astype(np.float64), target))


@PROCESSORS
@pytest.mark.parametrize("target", ["f16", "bf16"])
@pytest.mark.parametrize("source", ["f32", "f64"])
def test_rounding_of_what_is_not_a_number(source, target, processor):
    values = np.array([np.inf, -np.inf, np.nan, 1e30 if target == "f16" else 3.4e38, 0.0, -0.0], cpu.NUMPY[source])
    result = cpu.to_float64(convert(source, target, processor)(values)[0])
    assert result[0] == np.inf and result[1] == -np.inf and np.isnan(result[2])
    assert result[3] == np.inf or (target == "bf16" and result[3] > 3.3e38)
    assert result[4] == 0 and not np.signbit(result[4]) and np.signbit(result[5])


@PROCESSORS
@pytest.mark.parametrize("source", ["f16", "bf16"])
@pytest.mark.parametrize("target", ["f32", "f64"])
def test_extension_is_exact(source, target, processor):
    bits = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)
    x = bits.view(cpu.BF16) if source == "bf16" else bits.view(np.float16)
    assert np.array_equal(cpu.to_float64(convert(source, target, processor)(x)[0]), cpu.to_float64(x), equal_nan=True)


@PROCESSORS
@pytest.mark.parametrize("function", ["exp", "exp2"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_exponentials(dtype, function, processor):
    """Within 2 units in the last place, over all of the range and beyond it, on vectors and in the rest."""
    program = lowered(f"""
      func.func @main(%x: tensor<?x{dtype}>) -> tensor<?x{dtype}> {{
        %y = math.{function} %x : tensor<?x{dtype}>
        return %y : tensor<?x{dtype}>
      }}""", processor)
    kind = cpu.NUMPY[dtype]
    bound = {"f32": 160, "f64": 1100}[dtype]
    x = np.concatenate([np.linspace(-bound, bound, 100001), np.linspace(-1, 1, 10001)]).astype(kind)
    y = program(x)[0]
    with np.errstate(over="ignore", under="ignore"):
        exact = getattr(np, function)(x.astype(np.longdouble))
        nearest = exact.astype(kind)
        unit = np.spacing(np.minimum(nearest, np.finfo(kind).max)).astype(np.longdouble)
    assert np.array_equal(np.isinf(y), np.isinf(nearest))
    finite = np.isfinite(nearest)
    assert (np.abs(y[finite] - exact[finite]) / unit[finite]).max() <= 2
    special = program(np.array([np.inf, -np.inf, 0, -0.0, np.nan], kind))[0]
    assert special[:4].tolist() == [np.inf, 0, 1, 1] and np.isnan(special[4])


# Loops and failures.

GRID = """
  func.func @main(%x: tensor<?x?xi64>, %bad: index) -> tensor<?x?xi64> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %m = tensor.dim %x, %c0 : tensor<?x?xi64>
    %n = tensor.dim %x, %c1 : tensor<?x?xi64>
    %y = scf.forall (%i, %j) in (%m, %n) shared_outs(%o = %x) -> tensor<?x?xi64> {
      %good = arith.cmpi ne, %i, %bad : index
      cf.assert %good, "expected another row"
      %k = arith.muli %i, %n : index
      %l = arith.addi %k, %j : index
      %value = arith.index_cast %l : index to i64
      %tile = tensor.from_elements %value : tensor<1x1xi64>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %tile into %o[%i, %j] [1, 1] [1, 1] : tensor<1x1xi64> into tensor<?x?xi64>
      }
    }
    return %y : tensor<?x?xi64>
  }"""


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_parallel_loops_and_failures_in_them(threads):
    program = lowered(GRID)
    program.lib.longwing_test_threads(threads)
    try:
        for shape in [(50, 40), (1, 1), (0, 5), (1, 7)] * 5:
            x = np.full(shape, -1, np.int64)
            y = program(x, np.array(-1, np.int64))[0]
            assert np.array_equal(y, np.arange(x.size).reshape(shape))
            if shape[0] > 1:
                with pytest.raises(cpu.CpuError, match="test.mlir:9:7: error: expected another row"):
                    program(x, np.array(3, np.int64))
    finally:
        program.lib.longwing_test_threads(0)


def test_malformed_text_is_a_diagnostic():
    with pytest.raises(cpu.CpuError, match="test.mlir.*expected"):
        cpu.Program("func.func @main(")


def test_an_operation_without_a_lowering_is_a_diagnostic():
    with pytest.raises(cpu.CpuError, match="test.mlir.*2:"):
        lowered("func.func @main(%n: index) {\n  gpu.barrier\n  return\n}")
