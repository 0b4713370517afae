# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions without transforms on the card, against sums over lags in float64."""

import pytest

torch = pytest.importorskip("torch")

import direct_conv  # noqa: E402

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}
LIMIT = {"f16": 1.5e-3, "bf16": 2.5e-3, "f32": 1e-5}  # relative L2 error
# Around a run, a chunk, a tile; lengths whose rows are not aligned; several tiles.
SIZES = [(1, 1), (2, 15), (3, 64), (5, 257), (2, 1000), (70, 128), (1, 4097), (7, 8760)]


def lagged(x, lag, circular):
    """x[t - lag]."""
    if circular:
        return torch.roll(x, lag, -1)
    y, length = torch.zeros_like(x), x.shape[-1]
    if abs(lag) < length:
        y[..., max(lag, 0):length + min(lag, 0)] = x[..., max(-lag, 0):length - max(lag, 0)]
    return y


def exact_conv(spec, u, h, reverse=None, pre=None, post=None, skip=None):
    x = u.double() * (1 if pre is None else pre.double())
    if spec.get("order") == "last":
        h = h.flip(1)
    sign = -1 if spec["kind"] == "anticausal" else 1
    circular = spec["kind"] == "circular"
    y = sum(h[:, j, None].double() * lagged(x, sign * j, circular) for j in range(h.shape[1]))
    if reverse is not None:
        first = 1 if spec["kind"] == "two_sided_disjoint" else 0
        y = y + sum(reverse[:, j, None].double() * lagged(x, -(j + first), False) for j in range(reverse.shape[1]))
    if skip is not None:
        y = y + skip[:, None].double() * (u.double() if spec.get("ungated") else x)
    return y if post is None else y * post.double()


def error(found, exact):
    return ((found.double() - exact).norm() / exact.norm()).item()


def arguments(spec, batch, length, scale=1.0):
    dtype, stored = DTYPES[spec["element"]], DTYPES[spec.get("stored", "f32")]
    torch.manual_seed(length)
    channels, taps = direct_conv.CHANNELS, spec["taps"]

    def random(*sizes):
        return torch.randn(*sizes, device="cuda")

    values = dict(u=(scale * random(batch, channels, length)).to(dtype), h=(random(channels, taps) / taps**0.5).to(stored))
    if spec.get("reverse"):
        values["reverse"] = (random(channels, spec["reverse"]) / taps**0.5).to(stored)
    for gate in ("pre", "post"):
        if spec.get(gate):
            values[gate] = random(batch, channels, length).to(dtype)
    if spec.get("skip"):
        values["skip"] = random(channels)
    return values


@pytest.mark.parametrize("name", direct_conv.LONG)
@pytest.mark.parametrize("batch, length", SIZES)
def test_long_conv(name, batch, length):
    spec = direct_conv.LONG[name]
    if spec.get("length"):
        if 64 < length != 128:
            pytest.skip("the length is static")
        length = spec["length"]
    values = arguments(spec, batch, length)
    y = direct_conv.kernel(name)(*values.values())
    # A few outputs are too few for the error of a sum of random roundings.
    limit = LIMIT[spec["element"]] * (1 if y.numel() >= 1000 else 2)
    assert error(y, exact_conv(spec, **values)) < limit
    assert torch.equal(y, direct_conv.kernel(name)(*values.values()))


@pytest.mark.parametrize("before", [64, 8, 3])
@pytest.mark.parametrize("name", ["boxes_1024", "boxes_1024_bf16", "boxes_8192", "boxes_circular_256", "boxes_4096"])
def test_boxes_of_views(name, before):
    """Views into larger tensors; NaNs around them do not come in. Those that no box can cut take another kernel."""
    spec = direct_conv.LONG[name]
    length = spec["length"]
    values = arguments(spec, 3, length)
    exact = exact_conv(spec, **values)
    for given in ("u", "pre", "post"):
        if given in values:
            shape = (3, direct_conv.CHANNELS, length + 131)
            around = torch.full(shape, float("nan"), device="cuda", dtype=values[given].dtype)
            around[..., before:before + length] = values[given]
            values[given] = around[..., before:before + length]
    assert error(direct_conv.kernel(name)(*values.values()), exact) < LIMIT[spec["element"]]


def test_strides_and_what_lies_around():
    """Views into larger tensors, aligned and not; NaNs around them do not come in."""
    spec = direct_conv.LONG["causal_7"]
    for shift, length in ((8, 200), (3, 200), (8, 203)):
        values = arguments(spec, 3, length)
        around = torch.full((3, direct_conv.CHANNELS, 400), float("nan"), device="cuda", dtype=torch.float16)
        around[..., shift:shift + length] = values["u"]
        values["u"] = around[..., shift:shift + length]
        y = direct_conv.kernel("causal_7")(*values.values())
        assert error(y, exact_conv(spec, **values)) < LIMIT["f16"]


def test_scale():
    """Inputs of scale 1e4 with a large mean do not overflow inside."""
    spec = direct_conv.LONG["causal_128_bf16"]
    values = arguments(spec, 2, 1000, scale=1e4)
    values["u"] += 3e4
    y = direct_conv.kernel("causal_128_bf16")(*values.values())
    assert error(y, exact_conv(spec, **values)) < LIMIT["bf16"]


@pytest.mark.parametrize("name", direct_conv.SHORT)
@pytest.mark.parametrize("batch, length", SIZES)
def test_short_conv(name, batch, length):
    spec = direct_conv.SHORT[name]
    dtype, width, channels = DTYPES[spec["element"]], spec["width"], spec.get("channels", direct_conv.CHANNELS)
    torch.manual_seed(length)

    def ordered(values):  # from and to [B, H, L]
        return values.transpose(1, 2).contiguous() if spec.get("axis") == 1 else values

    x = torch.randn(batch, channels, length, device="cuda").to(dtype)
    w, bias = torch.randn(channels, width, device="cuda"), torch.randn(channels, device="cuda")
    initial = torch.randn(batch, channels, width - 1, device="cuda").to(dtype) if spec.get("states") else None
    found = direct_conv.kernel(name)(ordered(x), w, bias, *([ordered(initial)] if spec.get("states") else []))
    y = ordered(found[0] if spec.get("states") else found)
    before = torch.zeros(batch, channels, width - 1, device="cuda", dtype=dtype) if initial is None else initial
    padded = torch.cat([before, x, torch.zeros(batch, channels, width, device="cuda", dtype=dtype)], -1).double()
    ahead = width // 2 if spec["kind"] == "centred" else 0
    exact = bias[:, None].double() + sum(w[:, j, None].double() * padded[..., j + ahead:j + ahead + length]
                                         for j in range(width))
    if spec.get("silu"):
        exact = exact * torch.sigmoid(exact)
    assert error(y, exact) < LIMIT[spec["element"]] * (1 if y.numel() >= 1000 else 2)
    if spec.get("states"):
        assert torch.equal(ordered(found[1]), torch.cat([before, x], -1)[..., length:])
