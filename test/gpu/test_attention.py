# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention on the card against float64, over the public grids of sizes."""

import math

import pytest

torch = pytest.importorskip("torch")

import reference  # noqa: E402
from kernels import HEADS, KEY_HEADS, VARIANTS, kernel, plain, variant  # noqa: E402

LENGTHS = [(1, 1), (3, 3), (64, 128), (128, 192), (256, 256), (239, 1), (799, 3), (113, 203), (113, 128), (128, 217),
           (113, 211), (108, 256), (256, 512), (384, 256), (640, 128), (512, 256), (1024, 1024), (1023, 1024), (1024, 1023),
           (4096, 4096), (4224, 4224), (1, 239), (3, 799), (127, 512), (512, 127), (127, 513), (513, 127), (64, 1), (255, 256),
           (2048, 2048), (11, 11), (99, 99), (1763, 1763)]


def make(batch, q_length, k_length, head_dim, key_heads, dtype, seed=0):
    generator = torch.Generator("cuda").manual_seed(seed + 7 * q_length + k_length)

    def tensor(heads, length):
        return torch.randn(batch, heads, length, head_dim, device="cuda", dtype=torch.float32, generator=generator).to(dtype)

    return tensor(HEADS, q_length), tensor(key_heads, k_length), tensor(key_heads, k_length)


@pytest.mark.parametrize("q_length,k_length", LENGTHS)
@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("heads", KEY_HEADS)
@pytest.mark.parametrize("head_dim", [64, 128])
@pytest.mark.parametrize("element", reference.DTYPES)
def test_lengths(element, head_dim, heads, causal, q_length, k_length):
    batch = 2 if k_length > 1024 else 9
    q, k, v = make(batch, q_length, k_length, head_dim, KEY_HEADS[heads], reference.DTYPES[element])
    outputs = kernel(plain(element, head_dim, heads, causal))(q, k, v)
    reference.check(outputs, q, k, v, reference.visible(q_length, k_length, causal))


@pytest.mark.parametrize("layout", ["bshd", "packed", "cut"])
@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("head_dim", [64, 128])
def test_strides(head_dim, causal, layout):
    """[B, S, H, D] storage, q, k and v in one tensor, and tensors cut out of larger ones full of NaN."""
    batch, length = 3, 333
    q, k, v = make(batch, length, length, head_dim, HEADS, torch.bfloat16)
    if layout == "bshd":
        strided = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v)]
    elif layout == "packed":
        packed = torch.stack([x.transpose(1, 2) for x in (q, k, v)], dim=2)  # [B, S, 3, H, D]
        strided = [packed[:, :, i].transpose(1, 2) for i in range(3)]
    else:
        strided = []
        for x in (q, k, v):
            larger = torch.full((batch + 1, HEADS + 2, length + 70, head_dim), math.nan, device="cuda", dtype=x.dtype)
            larger[1:, 1:-1, 5:-65] = x
            strided.append(larger[1:, 1:-1, 5:-65])
    assert not any(x.is_contiguous() for x in strided)
    function = kernel(plain("bf16", head_dim, "mha", causal))
    for ours, same in zip(function(*strided), function(q, k, v)):
        assert torch.equal(ours, same)
    reference.check(function(*strided), q, k, v, reference.visible(length, length, causal))


@pytest.mark.parametrize("shape", ["contiguous", "bshd"])
def test_out_is_written_whole_and_nothing_beside_it(shape):
    """The results lie inside larger buffers full of a sentinel."""
    batch, length, head_dim, sentinel = 2, 301, 128, 12345.0
    q, k, v = make(batch, length, length, head_dim, HEADS, torch.bfloat16)
    function = kernel(plain("bf16", head_dim, "mha", True))
    expected = function(q, k, v)
    size = batch * HEADS * length * head_dim
    storage = torch.full((size + 4096,), sentinel, device="cuda", dtype=torch.bfloat16)
    inside = storage[2048:2048 + size]
    o = (inside.view(batch, HEADS, length, head_dim) if shape == "contiguous" else
         inside.view(batch, length, HEADS, head_dim).transpose(1, 2))
    rows = torch.full((batch * HEADS * length + 128,), sentinel, device="cuda")
    lse = rows[64:-64].view(batch, HEADS, length)
    function(q, k, v, out=(o, lse))
    assert torch.equal(o, expected[0]) and torch.equal(lse, expected[1])
    for guard in (storage[:2048], storage[2048 + size:], rows[:64], rows[-64:]):
        assert (guard == sentinel).all()


@pytest.mark.parametrize("head_dim", [64, 128])
def test_poisoned_results(head_dim):
    """NaNs in the memory that the results take do not reach them."""
    q, k, v = make(2, 200, 77, head_dim, 2, torch.float16)
    function = kernel(plain("f16", head_dim, "gqa", True))
    o = torch.full((2, HEADS, 200, head_dim), math.nan, device="cuda", dtype=torch.float16)
    lse = torch.full((2, HEADS, 200), math.nan, device="cuda")
    function(q, k, v, out=(o, lse))
    reference.check((o, lse), q, k, v, reference.visible(200, 77, True))


@pytest.mark.parametrize("q_length,k_length", [(256, 128), (300, 1), (129, 128), (1000, 100), (640, 512)])
@pytest.mark.parametrize("head_dim", [64, 128])
def test_rows_without_keys(head_dim, q_length, k_length):
    q, k, v = make(2, q_length, k_length, head_dim, HEADS, torch.bfloat16)
    o, lse = kernel(plain("bf16", head_dim, "mha", True))(q, k, v)
    empty = q_length - k_length
    assert (o[:, :, :empty] == 0).all() and (lse[:, :, :empty] == -math.inf).all()
    assert (lse[:, :, empty:] > -math.inf).all()


@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("head_dim", [64, 128])
def test_no_keys_and_no_queries(head_dim, causal):
    function = kernel(plain("bf16", head_dim, "mha", causal))
    q, k, v = make(2, 5, 0, head_dim, HEADS, torch.bfloat16)
    o, lse = function(q, k, v)
    assert (o == 0).all() and (lse == -math.inf).all()
    q, k, v = make(2, 0, 5, head_dim, HEADS, torch.bfloat16)
    assert function(q, k, v)[0].shape == (2, HEADS, 0, head_dim)


@pytest.mark.parametrize("value", [0.0, 50.0, -50.0])
def test_extreme_scores(value):
    """Equal scores of any size give the mean of v."""
    q = torch.full((1, HEADS, 130, 128), 1.0, device="cuda", dtype=torch.bfloat16)
    k = torch.full((1, HEADS, 190, 128), value, device="cuda", dtype=torch.bfloat16)
    v = make(1, 190, 190, 128, HEADS, torch.bfloat16)[2]
    reference.check(kernel(plain("bf16", 128, "mha", False))(q, k, v), q, k, v)


@pytest.mark.parametrize("case", ["many", "far"])
def test_offsets_beyond_32_bits(case):
    """More than 2^31 elements in each tensor: by the number of batches, or by the distance between two."""
    head_dim, length = 128, 512
    if case == "many":
        batch = 2**31 // (HEADS * length * head_dim) + 9
        q, k, v = (torch.randn(batch, HEADS, length, head_dim, device="cuda", dtype=torch.bfloat16) for _ in range(3))
    else:
        batch, distance = 2, 2**31 + 1024
        storage = torch.zeros(distance + 3 * HEADS * length * head_dim, device="cuda", dtype=torch.bfloat16)
        size = HEADS * length * head_dim
        q, k, v = (storage.as_strided((batch, HEADS, length, head_dim), (distance, length * head_dim, head_dim, 1), i * size)
                   for i in range(3))
        for x in (q, k, v):
            x.copy_(torch.randn(x.shape, device="cuda"))
    o, lse = kernel(plain("bf16", head_dim, "mha", False))(q, k, v)
    for b in (0, batch // 2, batch - 1):
        reference.check((o[b:b + 1], lse[b:b + 1]), q[b:b + 1], k[b:b + 1], v[b:b + 1])


@pytest.mark.parametrize("causal", [False, True], ids=["full", "causal"])
@pytest.mark.parametrize("head_dim", [64, 128])
def test_repeats_give_the_same_bits(head_dim, causal):
    q, k, v = make(3, 1023, 1024, head_dim, 2, torch.bfloat16)
    function = kernel(plain("bf16", head_dim, "gqa", causal))
    o, lse = function(q, k, v)
    same = torch.ones((), dtype=torch.bool, device="cuda")
    for _ in range(1000):
        again, lse_again = function(q, k, v)
        same &= (again.view(torch.int16) == o.view(torch.int16)).all() & (lse_again.view(torch.int32) == lse.view(torch.int32)).all()
    assert same.item()


# ===----------------------------------------------------------------------=== #
# Regions and windows
# ===----------------------------------------------------------------------=== #

REGION_LENGTHS = [(64, 64), (113, 203), (256, 256), (1023, 1024), (777, 300), (2048, 2048)]


@pytest.mark.parametrize("q_length,k_length", REGION_LENGTHS)
@pytest.mark.parametrize("head_dim", [64, 128])
def test_alibi(head_dim, q_length, k_length):
    q, k, v = make(2, q_length, k_length, head_dim, 2, torch.bfloat16)
    slopes = torch.exp2(-torch.arange(1, HEADS + 1, device="cuda", dtype=torch.float32))
    distance = torch.arange(k_length, device="cuda")[None, :] - torch.arange(q_length, device="cuda")[:, None]
    outputs = kernel(variant("alibi", head_dim))(q, k, v, slopes)
    reference.check(outputs, q, k, v, reference.visible(q_length, k_length, True),
                    lambda scores: scores + (slopes[:, None, None] * distance).to(scores.dtype), rtol=3)


@pytest.mark.parametrize("q_length,k_length", REGION_LENGTHS)
@pytest.mark.parametrize("head_dim", [64, 128])
def test_soft_cap(head_dim, q_length, k_length):
    q, k, v = make(2, q_length, k_length, head_dim, 2, torch.bfloat16)
    q = q * 4
    outputs = kernel(variant("soft_cap", head_dim))(q, k, v)
    reference.check(outputs, q, k, v, None, lambda scores: 15 * torch.tanh(scores / 15), rtol=3)


@pytest.mark.parametrize("q_length,k_length", REGION_LENGTHS)
@pytest.mark.parametrize("head_dim", [64, 128])
def test_prefix_mask(head_dim, q_length, k_length):
    q, k, v = make(2, q_length, k_length, head_dim, 2, torch.bfloat16)
    sees = reference.visible(q_length, k_length, mask=lambda i, j: (j < 100) | (j <= i))
    reference.check(kernel(variant("prefix", head_dim))(q, k, v), q, k, v, sees)


@pytest.mark.parametrize("length", [64, 300, 1024])
@pytest.mark.parametrize("head_dim", [64, 128])
def test_document_mask(head_dim, length):
    q, k, v = make(2, length, length, head_dim, 2, torch.bfloat16)
    starts = torch.rand(2, length, device="cuda", generator=torch.Generator("cuda").manual_seed(1)) < 0.02
    document = starts.int().cumsum(1).int()
    sees = reference.visible(length, length, True) & (document[:, None, :, None] == document[:, None, None, :])
    reference.check(kernel(variant("document", head_dim))(q, k, v, document), q, k, v, sees)


@pytest.mark.parametrize("name", ["window", "band"])
@pytest.mark.parametrize("q_length,k_length", REGION_LENGTHS)
@pytest.mark.parametrize("head_dim", [64, 128])
def test_windows(head_dim, q_length, k_length, name):
    q, k, v = make(2, q_length, k_length, head_dim, 2, torch.bfloat16)
    sees = reference.visible(q_length, k_length, window=VARIANTS[name]["window"])
    reference.check(kernel(variant(name, head_dim))(q, k, v), q, k, v, sees)
