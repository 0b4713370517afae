# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention in plain PyTorch, and the rule by which a kernel is judged against it."""

import math

import torch

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}


def visible(q_length, k_length, causal=False, window=None, mask=None, device="cuda"):
    """Which keys each query sees, [Sq, Sk] or [B, 1, Sq, Sk]; None if all."""
    i = torch.arange(q_length, device=device)[:, None]
    j = torch.arange(k_length, device=device)[None, :]
    aligned = i + k_length - q_length
    sees = None

    def meet(other):
        return other if sees is None else sees & other

    if causal:
        sees = meet(j <= aligned)
    if window is not None:
        left, right = window
        if left >= 0:
            sees = meet(j >= aligned - left)
        if right >= 0:
            sees = meet(j <= aligned + right)
    if mask is not None:
        sees = meet(mask(i, j))
    return sees


def attention(q, k, v, sees=None, score=None, upcast=True):
    """o and LSE; in float64, or (upcast=False) in the inputs' own type with the operations in another order."""
    scale = 1 / math.sqrt(q.shape[-1])
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    if upcast:
        q, k, v = q.double(), k.double(), v.double()
        scores = torch.einsum("bhid,bhjd->bhij", q, k) * scale
    else:
        scores = torch.einsum("bhid,bhjd->bhij", q, k * scale)
    if score is not None:
        scores = score(scores)
    if sees is not None:
        scores = scores.masked_fill(~sees, -math.inf)
    weights = torch.softmax(scores, -1).to(v.dtype)
    if sees is not None:  # a row that sees no key
        weights = torch.where(sees.any(-1, keepdim=True), weights, torch.zeros_like(weights))
    o = torch.einsum("bhij,bhjd->bhid", weights, v)
    return o, torch.logsumexp(scores, -1) if upcast else None


def check(outputs, q, k, v, sees=None, score=None, rtol=2):
    """FlashAttention-3's rule: the error is at most `rtol` times that of PyTorch in the same type, plus the
    rounding of the output; all against float64."""
    o, lse = outputs
    exact, exact_lse = attention(q, k, v, sees, score)
    plain, _ = attention(q, k, v, sees, score, upcast=False)
    rounded = exact.to(q.dtype)
    atol = 2 * ((rounded + 0.3 - 0.3) - rounded).abs().max().item()
    error = (o.double() - exact).abs().max().item()
    plain_error = (plain.double() - exact).abs().max().item()
    assert not o.isnan().any(), "o has NaNs"
    assert error <= rtol * plain_error + atol, f"error {error:.3e}, PyTorch's {plain_error:.3e}, atol {atol:.3e}"
    empty = exact_lse == -math.inf
    assert torch.equal(lse == -math.inf, empty), "LSE is -inf exactly where a row sees no key"
    assert (o[empty] == 0).all(), "o is 0 where a row sees no key"
    if not empty.all():
        lse_error = (lse.double() - exact_lse)[~empty].abs().max().item()
        assert lse_error <= 2e-4, f"the error of LSE is {lse_error:.3e}"
