# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Long convolutions by Fourier transform on the card, against float64."""

import pytest

torch = pytest.importorskip("torch")

from fourier import CHANNELS, cases, kernel  # noqa: E402

LIMIT = {torch.float16: 1.5e-3, torch.bfloat16: 2.5e-3}  # relative L2 error
DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16}


def exact(given, u, h, r=None, pre=None, post=None, skip=None):
    """The definition, by a padded transform in float64 (a sum over lags modulo L if circular)."""
    length, x = given["length"], u.double() * (1 if pre is None else pre.double())
    if given["order"] == "last":
        h = h.flip(-1)
    size = length if given["kind"] == "circular" else 2 * length
    taps = torch.zeros(CHANNELS, size, dtype=torch.double, device=u.device)

    def add(filter, first, step):
        for lag in range(filter.shape[1]):
            at = first + step * lag
            if given["kind"] == "circular" or -length < at < length:
                taps[:, at % size] += filter[:, lag].double()

    add(h, 0, -1 if given["kind"] == "anticausal" else 1)
    if r is not None:
        add(r, -1 if given["kind"] == "two_sided_disjoint" else 0, -1)
    y = torch.fft.ifft(torch.fft.fft(x, n=size) * torch.fft.fft(taps)).real[..., :length]
    if skip is not None:
        y = y + skip.double()[:, None] * x
    return y if post is None else y * post.double()


@pytest.mark.parametrize("batch", [1, 3, 34])
@pytest.mark.parametrize("name", cases())
def test_against_float64(name, batch):
    given = cases()[name]
    generator = torch.Generator("cuda").manual_seed(batch)
    dtype, shape = DTYPES[given["element"]], (batch, CHANNELS, given["length"])

    def random(*sizes):
        return torch.randn(*sizes, device="cuda", generator=generator)

    inputs = {"u": random(*shape).to(dtype), "h": random(CHANNELS, given["taps"]) / given["taps"] ** 0.5}
    if given["reverse"]:
        inputs["r"] = random(CHANNELS, given["reverse"]) / given["reverse"] ** 0.5
    for gate in ("pre", "post"):
        if given[gate]:
            inputs[gate] = random(*shape).to(dtype)
    if given["skip"]:
        inputs["skip"] = random(CHANNELS)
    y = kernel(name)(*inputs.values())
    wanted = exact(given, **inputs)
    assert (y.double() - wanted).norm() < LIMIT[dtype] * wanted.norm()
    assert torch.equal(y, kernel(name)(*inputs.values()))


@pytest.mark.parametrize("name", ["causal_4096", "causal_1000"])
def test_prefix(name):
    """What comes later changes nothing before it, but for roundings of what is summed with it."""
    length = cases()[name]["length"]
    u = torch.randn(2, CHANNELS, length, device="cuda").half()
    h = torch.randn(CHANNELS, length, device="cuda") / length**0.5
    cut = u.clone()
    cut[..., length // 2:] = 0
    whole, half = (kernel(name)(x, h).double()[..., :length // 2] for x in (u, cut))
    assert (whole - half).norm() < 2e-3 * whole.norm()


@pytest.mark.parametrize("at", [0, 4095])
def test_impulse(at):
    u = torch.zeros(1, CHANNELS, 4096, device="cuda", dtype=torch.float16)
    u[..., at] = 1
    h = torch.randn(CHANNELS, 4096, device="cuda")
    y = kernel("causal_4096")(u, h)[0].double()
    wanted = torch.zeros_like(y)
    wanted[:, at:] = h[:, :4096 - at].double()
    assert (y - wanted).norm() < 1.5e-3 * h.double().norm()
