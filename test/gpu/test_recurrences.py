# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recurrences on the card against float64 (scan_cases.py)."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import cpu  # noqa: E402
from kernels import kernel  # noqa: E402
from scan_cases import KINDS, MODELS, STEPS, Case, compare, distance  # noqa: E402

WHOLE = [name for name, (_, options) in MODELS.items() if not options.get("step") and not options.get("packed")]
PACKED = [name for name, (_, options) in MODELS.items() if options.get("packed")]
# One position, one less and one more than any chunk, several chunks, and a length that divides nothing.
LENGTHS = [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 257, 1000]
OFFSETS = [[0, 5], [0, 15, 100, 300], [0, 1, 100, 128, 128, 192], [0, 0, 64, 321]]


def to_card(array):
    """A tensor of what is stored; bfloat16 is stored as its bits."""
    if isinstance(array, cpu.BF16):
        return torch.from_numpy(np.asarray(array).view(np.int16)).cuda().view(torch.bfloat16)
    return torch.from_numpy(np.ascontiguousarray(array)).cuda()


def from_card(tensor):
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).cpu().numpy().view(np.uint16).view(cpu.BF16)
    return tensor.cpu().numpy()


def run(name, tensors, **options):
    results = kernel(name)(*tensors, **options)
    return list(results) if isinstance(results, (tuple, list)) else [results]


def check(name, **options):
    case = Case(name, **options)
    case.check([from_card(x) for x in run(name, [to_card(x) for x in case.stored])])


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", WHOLE)
def test_lengths(name, length):
    check(name, length=length, batch=3 if length < 1000 else 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WHOLE)
def test_decays(name, kind):
    """Mild ones, none at all, and such that nothing is left: neither overflows, and nothing is divided by one."""
    check(name, length=200, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["scan_linear", "scan_reverse", "scan_complex_log", "wkv"])
def test_rounds(name, kind):
    """Few sequences, so long that the warps of a cluster take several tiles each, not all of them equally many."""
    check(name, length=7001, batch=2, kind=kind)


@pytest.mark.parametrize("name, length", [("ssd_plain", 2100), ("ssd_plain", 3137), ("gated", 2100)])
def test_segments(name, length):
    """Long enough to be cut over the card; without an initial state by other kernels than whole sequences."""
    check(name, batch=1, length=length)


def step_by_step(case, real):
    """y, and the final states, of a linear attention with a decay for each head, on the card: one step after the other, as sequences
    are long."""
    x = {name: torch.from_numpy(array).cuda().to(real) for name, array in case.exact.items()}
    v, log = x["v"], x.get("decay")
    q, k = (x[name].repeat_interleave(v.shape[2] // x[name].shape[2], 2) for name in ("q", "k"))
    if log is None:
        size = torch.nn.functional.softplus(x["dt"] + x["bias"], threshold=1e9)
        log, k = x["a"] * size, k * size[..., None]
    decay, rows = log.exp()[..., None, None], []
    state = x.get("init", torch.zeros_like(k[:, 0, :, :, None] * v[:, 0, :, None]))
    for t in range(case.length):
        state = decay[:, t] * state + k[:, t, :, :, None] * v[:, t, :, None]
        rows.append(torch.einsum("bhk,bhkv->bhv", q[:, t], state))
    y = torch.stack(rows, 1)
    return (y + x["skip"][:, None] * v if "skip" in x else y), state


@pytest.mark.parametrize("name, batch, length", [("ssd_plain", 1, 6200), ("gated", 1, 6200), ("ssd_many", 2, 6200)])
def test_segments_that_forget(name, batch, length):
    """Heads that forget and heads that do not, in one CTA and in several; many heads have segments in two pieces."""
    case = Case(name, batch=batch, length=length, kind="mixed")
    results = run(name, [to_card(x) for x in case.stored])
    (y, state), (plain, _) = step_by_step(case, torch.float64), step_by_step(case, torch.float32)
    y = y.cpu().numpy()
    rounded = cpu.to_float64(cpu.cast(plain.double().cpu().numpy(), case.element))
    compare("y", cpu.to_float64(from_card(results[0])), y, 1.5 * distance(rounded, y) + 1e-6)
    if len(results) > 1:
        compare("the state", from_card(results[1]).astype(np.float64), state.cpu().numpy(), 2.0**-9)


@pytest.mark.parametrize("kind, length", [("fast", 21000), ("fast", 20480), ("all", 21000), ("mild", 21000)])
def test_segments_that_begin_early(kind, length):
    """Where all states forget; where one does not, another kernel takes the whole sequence."""
    check("s6", batch=1, length=length, kind=kind)


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("name", PACKED)
def test_packed(name, offsets):
    check(name, offsets=offsets)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STEPS)
def test_one_step(name, kind):
    check(name, length=1, batch=5, kind=kind)


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_the_scan(name):
    """Position by position, with the state handed on: as right as all positions at once, and the same state."""
    case = Case(STEPS[name], length=40)
    tensors = dict(zip(case.names, (to_card(x) for x in case.stored)))
    varying = {n for n, x in zip(case.names, case.stored) if x.ndim > 2 and x.shape[:2] == (2, 40)}
    rows = []
    for t in range(40):
        step = [x[:, t:t + 1].contiguous() if n in varying else x for n, x in tensors.items()]
        row, tensors["init"] = run(name, step)
        rows.append(row)
    case.check([from_card(torch.cat(rows, 1)), from_card(tensors["init"])])


@pytest.mark.parametrize("name", WHOLE)
def test_neighbours_are_neither_read_nor_written(name):
    """What varies with time is cut out of tensors full of NaN; the results lie in buffers full of a sentinel."""
    length, sentinel = 77, 12345.0
    case = Case(name, length=length)
    tensors = [to_card(x) for x in case.stored]
    expected = run(name, tensors)
    cut = []
    for x in tensors:
        if x.dim() < 3 or tuple(x.shape[:2]) != (2, length):
            cut.append(x)
            continue
        larger = torch.full((4, length + 70, *x.shape[2:]), math.nan, device="cuda", dtype=x.dtype)
        larger[1:3, 5:-65] = x
        cut.append(larger[1:3, 5:-65])
    buffers, outs = [], []
    for result in expected:
        buffer = torch.full((result.numel() + 4096,), sentinel, device="cuda", dtype=result.dtype)
        buffers.append(buffer)
        outs.append(buffer[2048:2048 + result.numel()].view(result.shape))
    run(name, cut, out=tuple(outs) if len(outs) > 1 else outs[0])
    for out, buffer, result in zip(outs, buffers, expected):
        assert torch.equal(out, result)
        assert (buffer[:2048] == sentinel).all() and (buffer[2048 + result.numel():] == sentinel).all()


@pytest.mark.parametrize("name", ["scan_log", "wkv", "s6", "ssd", "retention", "gla"])
def test_same_bits_each_time(name):
    tensors = [to_card(x) for x in Case(name, batch=4, length=1000).stored]
    first = run(name, tensors)
    outs = tuple(torch.empty_like(x) for x in first)
    same = torch.ones((), dtype=torch.bool, device="cuda")
    for _ in range(1000):
        run(name, tensors, out=outs)
        for x, y in zip(first, outs):
            same &= (x == y).all()
    assert same.item()


@pytest.mark.parametrize("name", ["scan_log_f32", "s6", "ssd", "gla"])
def test_long_is_its_parts(name):
    """A long sequence in one batch, which is split over the card, is its parts with the state handed on."""
    length, part = 1 << 15, 1 << 12
    case = Case(name, batch=1, length=length)
    tensors = dict(zip(case.names, (to_card(x) for x in case.stored)))
    y, state = run(name, tensors.values())
    varying = [n for n, x in tensors.items() if x.dim() > 2 and x.shape[1] == length]
    rows = []
    for begin in range(0, length, part):
        some = {n: x[:, begin:begin + part].contiguous() if n in varying else x for n, x in tensors.items()}
        row, tensors["init"] = run(name, some.values())
        rows.append(row)
    whole, parts = (cpu.to_float64(from_card(x)) for x in (y, torch.cat(rows, 1)))
    compare("y", whole, parts, 1e-5 if case.element == "f32" else 2.0**-7)
    assert distance(from_card(state).astype(np.float64), from_card(tensors["init"]).astype(np.float64)) < 2.0**-9


WRONG_OFFSETS = {"scan_packed": [1, 65], "wkv_packed": [0, 60], "s6_packed": [0, 70, 65], "linear_packed": [0, 66],
                 "rwkv6_packed": [0, 70, 65]}


@pytest.mark.parametrize("name", WRONG_OFFSETS)
def test_wrong_offsets_write_nothing_outside(name):
    """Offsets are data: the host cannot check them, but no kernel follows them out of its tensors."""
    offsets, sentinel = WRONG_OFFSETS[name], 12345.0
    case = Case(name, offsets=[0, 20, 65] if len(offsets) == 3 else [0, 65])
    tensors = [to_card(x) for x in case.stored]
    shapes = run(name, tensors)
    tensors[case.names.index("offsets")] = torch.tensor(offsets, dtype=torch.int32, device="cuda")
    buffers = [torch.full((x.numel() + 65536,), sentinel, device="cuda", dtype=x.dtype) for x in shapes]
    run(name, tensors, out=tuple(b[32768:32768 + x.numel()].view(x.shape) for b, x in zip(buffers, shapes)))
    for buffer, x in zip(buffers, shapes):
        assert (buffer[:32768] == sentinel).all() and (buffer[32768 + x.numel():] == sentinel).all()
