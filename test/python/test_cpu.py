# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models on the CPU, from Python: the CPU target and the oracle against attention written in NumPy."""

import numpy
import pytest

import longwing
from support import EXAMPLES


def attention(q, k, v, causal=False, sees=None, score=None):
    """o and LSE in float64."""
    q, k, v = (x.astype(numpy.float64) for x in (q, k, v))
    k, v = (numpy.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    scores = q @ k.swapaxes(2, 3) / numpy.sqrt(q.shape[3])
    i, j = numpy.ogrid[:q.shape[2], :k.shape[2]]
    if score is not None:
        scores = score(scores, i, j)
    visible = numpy.ones(scores.shape, bool)
    if causal:
        visible &= j <= i + k.shape[2] - q.shape[2]
    if sees is not None:
        visible &= sees(i, j)
    with numpy.errstate(divide="ignore"):
        weights = numpy.where(visible, numpy.exp(scores), 0)
        total = weights.sum(-1)
        lse = numpy.log(total)
    return (weights @ v) / numpy.maximum(total, 1e-300)[..., None], lse


def inputs(heads, key_heads, q_length, k_length, head_dim=64, batch=2, seed=0):
    random = numpy.random.default_rng(seed)
    shapes = (heads, q_length), (key_heads, k_length), (key_heads, k_length)
    return [random.standard_normal((batch, h, s, head_dim)).astype(numpy.float32) for h, s in shapes]


LENGTHS = [(1, 1), (7, 13), (64, 64), (33, 8), (8, 33), (129, 130)]


@pytest.fixture(scope="module", params=[False, True], ids=["full", "causal"])
def causal(request):
    return request.param


@pytest.fixture(scope="module")
def oracle(causal):
    return longwing.oracle(longwing.models.attention(6, 64, key_heads=2, element="f32", causal=causal, lse=True))


@pytest.mark.parametrize("q_length,k_length", LENGTHS)
def test_oracle_is_exact(oracle, causal, q_length, k_length):
    q, k, v = inputs(6, 2, q_length, k_length)
    o, lse = oracle.main(q, k, v)
    exact, exact_lse = attention(q, k, v, causal)
    assert o.dtype == lse.dtype == numpy.float64
    numpy.testing.assert_allclose(o, exact, rtol=0, atol=1e-13)
    numpy.testing.assert_allclose(lse, exact_lse, rtol=0, atol=1e-13)


@pytest.mark.parametrize("element,tolerance", [("f32", 2e-6), ("f16", 2e-3), ("bf16", 1.6e-2)])
def test_cpu_target_rounds_as_the_model_says(element, tolerance):
    module = longwing.compile(longwing.models.attention(4, 64, element=element, causal=True, lse=True), target="x86-64")
    store = {"f32": lambda x: x, "f16": lambda x: x.astype(numpy.float16), "bf16": longwing.to_bfloat16}[element]
    load = {"bf16": longwing.from_bfloat16}.get(element, lambda x: x.astype(numpy.float32))
    arrays = [store(x) for x in inputs(4, 4, 100, 120)]
    o, lse = module.main(*arrays)
    exact, exact_lse = attention(*map(load, arrays), causal=True)
    assert o.dtype == arrays[0].dtype and lse.dtype == numpy.float32
    assert abs(load(o) - exact).max() < tolerance
    assert abs(lse - exact_lse).max() < 1e-4


def test_rows_without_keys(oracle, causal):
    q, k, v = inputs(6, 2, 10, 4)
    o, lse = oracle.main(q, k, v)
    empty = 6 if causal else 0
    assert (o[:, :, :empty] == 0).all() and (lse[:, :, :empty] == -numpy.inf).all()
    assert numpy.isfinite(lse[:, :, empty:]).all()


def test_strides(oracle):
    """[B, S, H, D] storage gives the same bits."""
    arrays = inputs(6, 2, 40, 50)
    strided = [x.swapaxes(1, 2).copy().swapaxes(1, 2) for x in arrays]
    assert not strided[0].flags.c_contiguous
    for ours, same in zip(oracle.main(*strided), oracle.main(*arrays)):
        assert numpy.array_equal(ours, same)


def test_alibi_example():
    slopes = (2.0 ** -numpy.arange(1, 17)).astype(numpy.float32)
    arrays = [longwing.to_bfloat16(x) for x in inputs(16, 16, 70, 70, batch=1)]
    o = longwing.oracle(EXAMPLES / "alibi.mlir").main(*arrays, slopes)
    exact, _ = attention(*map(longwing.from_bfloat16, arrays), causal=True,
                         score=lambda s, i, j: s + slopes[:, None, None] * (j - i))
    numpy.testing.assert_allclose(o, exact, rtol=0, atol=1e-12)


def test_prefix_mask_example():
    arrays = [longwing.to_bfloat16(x) for x in inputs(8, 8, 300, 300, head_dim=128, batch=1)]
    o = longwing.oracle(EXAMPLES / "prefix_mask.mlir").main(*arrays)
    exact, _ = attention(*map(longwing.from_bfloat16, arrays), sees=lambda i, j: (j < 256) | (j <= i))
    numpy.testing.assert_allclose(o, exact, rtol=0, atol=1e-12)


def test_document_mask_example():
    document = numpy.repeat(numpy.arange(4, dtype=numpy.int32), 16)[None]
    arrays = [longwing.to_bfloat16(x) for x in inputs(8, 8, 64, 64, head_dim=128, batch=1)]
    o = longwing.oracle(EXAMPLES / "document_mask.mlir").main(*arrays, document)
    exact, _ = attention(*map(longwing.from_bfloat16, arrays), causal=True, sees=lambda i, j: i // 16 == j // 16)
    numpy.testing.assert_allclose(o, exact, rtol=0, atol=1e-12)


def test_out_and_names(oracle):
    q, k, v = inputs(6, 2, 5, 5)
    expected = oracle.main(q, k, v)
    out = [numpy.full_like(x, numpy.nan) for x in expected]
    returned = oracle.main(v=v, k=k, q=q, out=out)
    assert returned[0] is out[0] and numpy.array_equal(out[0], expected[0]) and numpy.array_equal(out[1], expected[1])
    with pytest.raises(longwing.LaunchError, match="expected the result 'o' as a contiguous tensor"):
        oracle.main(q, k, v, out=(out[0][..., :3], out[1]))


@pytest.mark.parametrize("change,message", [
    (lambda q, k, v: (q.astype(numpy.float16), k, v), "f32"),
    (lambda q, k, v: (q[0], k, v), ""),
    (lambda q, k, v: (q[:, :3], k, v), "6"),
    (lambda q, k, v: (q, k, v[:, :, :-1]), ""),
    (lambda q, k, v: (q, k[:1], v), ""),
])
def test_arguments_that_do_not_fit_are_refused(oracle, change, message):
    with pytest.raises(longwing.LaunchError, match=message):
        oracle.main(*change(*inputs(6, 2, 5, 7)))


def test_wrong_number_of_arguments(oracle):
    q, k, v = inputs(6, 2, 5, 5)
    with pytest.raises(TypeError, match=r"main: expected 3 arguments \(q, k, v\), got 2"):
        oracle.main(q, k)
    with pytest.raises(TypeError, match="the argument 'v' is missing"):
        oracle.main(q, k=k)
    with pytest.raises(TypeError, match="there is no argument 'w'"):
        oracle.main(q, k, v, w=v)
    with pytest.raises(AttributeError, match="no function 'other'; it has main"):
        oracle.other


def test_torch_in_torch_out():
    torch = pytest.importorskip("torch")
    module = longwing.compile(longwing.models.attention(2, 64), target="x86-64")
    q, k, v = (torch.randn(1, 2, 30, 64).bfloat16() for _ in range(3))
    o = module.main(q, k, v)
    expected = torch.nn.functional.scaled_dot_product_attention(q.double(), k.double(), v.double())
    assert o.dtype == torch.bfloat16 and (o - expected).abs().max() < 1.6e-2
