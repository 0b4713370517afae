# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Long convolutions by Fourier transform on the card, against float64."""

import pytest

torch = pytest.importorskip("torch")

from fourier import CHANNELS, H3, H3_CHANNELS, PRECISE, PREPARED, case, cases, kernel, module  # noqa: E402

LIMIT = {torch.float16: 1.5e-3, torch.bfloat16: 2.5e-3, torch.float32: 1e-5}  # relative L2 error
DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}


def exact(given, u, h, r=None, pre=None, post=None, skip=None):
    """The definition, by a padded transform in float64 (a sum over lags modulo L if circular)."""
    length, x = given["length"], u.double() * (1 if pre is None else pre.double())
    if given["order"] == "last":
        h = h.flip(-1)
    size = length if given["kind"] == "circular" else 2 * length
    taps = torch.zeros(h.shape[0], size, dtype=torch.double, device=u.device)

    def add(filter, first, step):
        at = first + step * torch.arange(filter.shape[1], device=u.device)
        seen = torch.ones_like(at, dtype=torch.bool) if given["kind"] == "circular" else at.abs() < length
        taps.index_add_(1, at[seen] % size, filter[:, seen].double())

    add(h, 0, -1 if given["kind"] == "anticausal" else 1)
    if r is not None:
        add(r, -1 if given["kind"] == "two_sided_disjoint" else 0, -1)
    y = torch.fft.ifft(torch.fft.fft(x, n=size) * torch.fft.fft(taps)).real[..., :length]
    if skip is not None:
        y = y + skip.double()[:, None] * x
    return y if post is None else y * post.double()


def draw(name, batch, scale=1.0, mean=0.0):
    """The arguments of a kernel by name, in its order: flat unit-scale random filters."""
    return drawn(cases()[name], batch, scale, mean)


def drawn(given, batch, scale=1.0, mean=0.0):
    generator = torch.Generator("cuda").manual_seed(batch)
    dtype, shape = DTYPES[given["element"]], (batch, CHANNELS, given["length"])

    def random(*sizes):
        return torch.randn(*sizes, device="cuda", generator=generator)

    inputs = {"u": (scale * random(*shape) + mean).to(dtype), "h": random(CHANNELS, given["taps"]) / given["taps"] ** 0.5}
    if given["reverse"]:
        inputs["r"] = random(CHANNELS, given["reverse"]) / given["reverse"] ** 0.5
    for gate in ("pre", "post"):
        if given[gate]:
            inputs[gate] = random(*shape).to(dtype)
    if given["skip"]:
        inputs["skip"] = random(CHANNELS)
    return inputs


def check(name, inputs):
    y, wanted = kernel(name)(*inputs.values()), exact(cases()[name], **inputs)
    assert (y.double() - wanted).norm() < LIMIT[y.dtype] * wanted.norm()
    return y


@pytest.mark.parametrize("batch", [1, 3, 34])
@pytest.mark.parametrize("name", cases())
def test_against_float64(name, batch):
    inputs = draw(name, min(batch, 2**26 // cases()[name]["length"]))
    y = check(name, inputs)
    assert torch.equal(y, kernel(name)(*inputs.values()))


@pytest.mark.parametrize("before", [8, 3])
@pytest.mark.parametrize("name", ["causal_257", "causal_1000", "causal_gated_1000", "circular_2500"])
def test_views(name, before):
    """Views into larger tensors, aligned and not; NaNs around them do not come in."""
    inputs, length = draw(name, 3), cases()[name]["length"]
    wanted = kernel(name)(*inputs.values())
    for given in ("u", "pre", "post"):
        if given in inputs:
            around = torch.full((3, CHANNELS, length + 24), float("nan"), device="cuda", dtype=inputs[given].dtype)
            around[..., before:before + length] = inputs[given]
            inputs[given] = around[..., before:before + length]
    assert torch.equal(wanted, kernel(name)(*inputs.values()))


@pytest.mark.parametrize("before", [8, 3])
@pytest.mark.parametrize("name", ["circular_16384", "circular_gated_32768_bf16", "blocks_65536"])
def test_views_in_place(name, before):
    """The same, where boxes of the copy engine cut the one and not the other, and sums come in another order."""
    inputs, length = draw(name, 3), cases()[name]["length"]
    wanted = exact(cases()[name], **inputs)
    for given in ("u", "pre", "post"):
        if given in inputs:
            around = torch.full((3, CHANNELS, length + 24), float("nan"), device="cuda", dtype=inputs[given].dtype)
            around[..., before:before + length] = inputs[given]
            inputs[given] = around[..., before:before + length]
    y = kernel(name)(*inputs.values())
    assert (y.double() - wanted).norm() < LIMIT[y.dtype] * wanted.norm()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", PREPARED)
def test_prepared_in_blocks(name, batch):
    """A spectrum that lies in one piece, and one that does not."""
    kind, length, element, gated, skip, *_ = PREPARED[name]
    given = case(kind, length, element=element, pre=gated, post=gated, skip=skip)
    inputs = drawn(given, batch)
    spectrum = module(name).functions["prepare"](inputs["h"])
    wide = torch.full((*spectrum.shape[:-1], 3), float("nan"), device="cuda", dtype=spectrum.dtype)
    wide[..., :2] = spectrum
    others = [inputs[other] for other in ("skip", "pre", "post") if other in inputs]
    y = kernel(name)(inputs["u"], spectrum, *others)
    wanted = exact(given, **inputs)
    assert (y.double() - wanted).norm() < LIMIT[y.dtype] * wanted.norm()
    assert torch.equal(y, kernel(name)(inputs["u"], wide[..., :2], *others))


RANGES = [name for name in cases() if name.endswith("bf16")]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("scale, mean", [(1e4, 0), (1e4, 1e4), (1, 1e4)])
def test_range(name, scale, mean):
    """Large inputs, and with a large mean: many are beyond what f16 holds, and bf16 does."""
    check(name, draw(name, 3, scale, mean))


def known(names, reason):
    """Cases that are not met yet; a test fails where one is."""
    return [pytest.param(name, marks=pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)) for name in names]


UP_TO_64K = [f"{kind}_{length}" for kind in ("causal", "circular")
             for length in (256, 1024, 4096, 8192, 16384, 32768, 65536)] + ["blocks_8192", "blocks_32768"]


@pytest.mark.parametrize("name", UP_TO_64K + ["blocks_65536"])
def test_large_inputs_in_f16(name):
    inputs = draw(name, 3)
    inputs["h"] *= 0.3  # for the results, too, are f16
    inputs["u"] = (1e4 * inputs["u"].float()).clamp(-6e4, 6e4).half()
    check(name, inputs)


@pytest.mark.parametrize("name", UP_TO_64K + known(["blocks_65536"], "one number of the transform has all of the result, and some thirty roundings"))
def test_large_mean_in_f16(name):
    inputs = draw(name, 3)
    inputs["h"] *= 0.3
    inputs["u"] = (inputs["u"].float() + 2e4).clamp(-6e4, 6e4).half()
    check(name, inputs)


LONG = ["circular_131072", "blocks_1048576", "circular_1048576", "blocks_4194304"]
IN_PASSES = ["causal_65536", "circular_65536"] + LONG


@pytest.mark.parametrize("name", UP_TO_64K + ["blocks_65536"] + LONG)
def test_small_inputs_in_f16(name):
    check(name, draw(name, 3, scale=0.1))


@pytest.mark.parametrize("scale", [1e-2, 1e-3])
@pytest.mark.parametrize("name", IN_PASSES)
def test_quiet_inputs_in_f16(name, scale):
    """Each sequence has a gain: a quiet one loses no digits next to another."""
    inputs = draw(name, 3)
    inputs["u"][1:] *= scale
    y, wanted = kernel(name)(*inputs.values()).double(), exact(cases()[name], **inputs)
    errors = (y - wanted).norm(dim=(1, 2)) / wanted.norm(dim=(1, 2))
    assert (errors < LIMIT[torch.float16]).all(), errors


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("name", H3)
def test_error_of_pytorch(name, batch):
    """H3's criterion: at most twice the largest error of PyTorch, which computes in f32 and rounds its input and its result.
    Direct products, up to 512 samples, and results in bf16 are within it; transforms in f16 are where they are precise.
    """
    given, generator = H3[name], torch.Generator("cuda").manual_seed(0)
    length, dtype = given["length"], DTYPES[given["element"]]
    u = torch.randn(batch, H3_CHANNELS, length, device="cuda", generator=generator)
    h = torch.randn(H3_CHANNELS, length, device="cuda", generator=generator) / length**0.5
    wanted = exact(given, u, h)
    theirs = torch.fft.irfft(torch.fft.rfft(u.to(dtype).float(), n=2 * length) *
                             torch.fft.rfft(h, n=2 * length), n=2 * length)[..., :length].to(dtype)
    ours = kernel(name)(u.to(dtype), h)
    assert (ours.double() - wanted).abs().max() <= 2 * (theirs.double() - wanted).abs().max()


@pytest.mark.parametrize("batch", [1, 3, 34])
@pytest.mark.parametrize("name", PRECISE)
def test_precise(name, batch):
    """Tables are rounded, and the result; nothing else."""
    inputs = drawn(PRECISE[name], batch)
    y, wanted = kernel(name)(*inputs.values()), exact(PRECISE[name], **inputs)
    rounding = (wanted.to(y.dtype).double() - wanted).norm()
    assert (y.double() - wanted).norm() ** 2 < rounding**2 + (4.5e-4 * wanted.norm()) ** 2
    assert torch.equal(y, kernel(name)(*inputs.values()))


def test_large_offsets():
    """More than 2^31 elements: the last sequences come out as they do alone."""
    length, batch = 4096, 2**31 // (4096 * CHANNELS) + 3
    u = torch.zeros(batch, CHANNELS, length, device="cuda", dtype=torch.float16)
    u[-2:] = torch.randn(2, CHANNELS, length, device="cuda").half()
    h = torch.randn(CHANNELS, length, device="cuda") / length**0.5
    y = kernel("causal_4096")(u, h)
    assert torch.equal(y[-2:], kernel("causal_4096")(u[-2:].clone(), h)) and not y[:-2].any()


@pytest.mark.parametrize("name", ["circular_16384", "shared_16384", "circular_32768", "circular_gated_32768_bf16", "blocks_65536",
                                  "blocks_gated_65536_bf16"])
def test_many_sequences(name):
    """More of them than CTAs, each of which asks for the next one's samples while it has this one: in place."""
    inputs = draw(name, 70)
    y = kernel(name)(*inputs.values())
    for batch in (0, 26, 27, 53, 69):
        one = {key: value[batch:batch + 1] if value.shape[0] == 70 else value for key, value in inputs.items()}
        wanted = exact(cases()[name], **one)
        assert (y[batch:batch + 1].double() - wanted).norm() < LIMIT[y.dtype] * wanted.norm()


@pytest.mark.parametrize("name", ["causal_4096", "causal_1000", "causal_8192", "causal_65536", "blocks_16384", "blocks_65536",
                                  "blocks_2097152"])
def test_prefix(name):
    """What comes later changes nothing before it, but for roundings of what is summed with it."""
    length, taps = cases()[name]["length"], cases()[name]["taps"]
    u = torch.randn(2, CHANNELS, length, device="cuda").half()
    h = torch.randn(CHANNELS, taps, device="cuda") / taps**0.5
    cut = u.clone()
    cut[..., length // 2:] = 0
    whole, half = (kernel(name)(x, h).double()[..., :length // 2] for x in (u, cut))
    assert (whole - half).norm() < 2e-3 * whole.norm()


IMPULSES = ["causal_256", "causal_4096", "causal_8192", "blocks_8192", "blocks_32768", "circular_32768", "blocks_65536",
            "blocks_131072"]


@pytest.mark.parametrize("name", IMPULSES + IN_PASSES)
def test_impulse_at_the_beginning(name):
    check_impulse(name, 0)


@pytest.mark.parametrize("name", IMPULSES + IN_PASSES)
def test_impulse_at_the_end(name):
    check_impulse(name, cases()[name]["length"] - 1)


def check_impulse(name, at):
    length = cases()[name]["length"]
    u = torch.zeros(1, CHANNELS, length, device="cuda", dtype=torch.float16)
    u[..., at] = 1
    h = torch.randn(CHANNELS, cases()[name]["taps"], device="cuda")
    y = kernel(name)(u, h)[0].double()
    wanted = exact(cases()[name], u, h)[0]
    assert (y - wanted).norm() < 1.5e-3 * h.double().norm()
