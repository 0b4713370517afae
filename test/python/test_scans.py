# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recurrences of seq on the CPU, against their formulas in NumPy (scans.py)."""

import functools

import numpy as np
import pytest

import cpu
import scans
import support

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists(), reason="longwing-cpu-test is not built")

# What a result may differ from the exact one, of the largest: float64, and the CPU target, which rounds each result.
ORACLE = 1e-12
ROUNDING = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2e-5}


@functools.lru_cache(maxsize=None)
def program(text, precision):
    return cpu.Program(text, precision)


def close(result, expected, tolerance):
    result = cpu.to_float64(result)
    assert result.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    assert np.abs(result - expected).max(initial=0) <= tolerance * scale


def write(op, operands, results, attributes=""):
    """The text of a function of one operation. `operands` are (clause, name, type), in order; those without a clause
    are separated by commas; the types of the first ones go to the end."""
    signature = ", ".join(f"%{name}: {type_}" for _, name, type_ in operands)
    plain = [(name, type_) for clause, name, type_ in operands if not clause]
    clauses = {}
    for clause, name, type_ in operands:
        if clause:
            clauses.setdefault(clause, []).append(f"%{name} : {type_}")
    text = ", ".join(f"%{name}" for name, _ in plain)
    text += "".join(f" {clause}({', '.join(values)})" for clause, values in clauses.items())
    types = ", ".join(results)
    return f"""
      func.func @main({signature}) -> ({types}) {{
        %y:{len(results)} = {op} {text} {{{attributes}}}
            : {', '.join(type_ for _, type_ in plain)} -> {types}
        return {', '.join(f'%y#{i}' for i in range(len(results)))} : {types}
      }}"""


def open_type(array, dtype, open_dims):
    sizes = ["?" if dim < open_dims else str(size) for dim, size in enumerate(array.shape)]
    return f"tensor<{'x'.join(sizes + [dtype])}>"


class Case:
    """One operation with its operands: what is given to the compiler, and to the reference in float64."""

    def __init__(self, op, dtype="f32", seed=0):
        self.op, self.dtype, self.rng = op, dtype, np.random.default_rng(seed)
        self.operands, self.tensors, self.exact = [], [], {}

    def add(self, name, array, dtype=None, clause="", open_dims=0):
        dtype = dtype or self.dtype
        wide = np.asarray(array)
        stored = cpu.cast(scans.pairs(wide) if np.iscomplexobj(wide) else wide, dtype)
        self.operands.append((clause, name, open_type(stored, dtype, open_dims)))
        self.tensors.append(stored)
        exact = cpu.to_float64(stored)
        self.exact[name] = exact[..., 0] + 1j * exact[..., 1] if np.iscomplexobj(wide) else exact
        return self

    def text(self, y, state, attributes):
        results = [open_type(y, self.dtype, 2), open_type(state, "f32", 1)]
        return write(self.op, self.operands, results, attributes)

    def check(self, expected, attributes="", both=False):
        """y and the final state in float64, and, of 16-bit elements or with `both`, in float32 too."""
        y, state = (scans.pairs(x) if np.iscomplexobj(x) else x for x in expected)
        text = self.text(y, state, attributes)
        levels = [("f64", (ORACLE, ORACLE)), ("f32", (ROUNDING[self.dtype], ROUNDING["f32"]))]
        for precision, tolerances in levels if both or self.dtype != "f32" else levels[:1]:
            results = program(text, precision)(*self.tensors)
            for result, exact, tolerance in zip(results, (y, state), tolerances):
                close(result, exact, tolerance)


LENGTHS = [0, 1, 2, 63, 64, 65]
OFFSETS = [[0, 5], [0, 1, 1, 20, 33]]


def normal(case, *shape, scale=1.0):
    return case.rng.standard_normal(shape) * scale


def decays(case, shape, kind):
    """Logarithms of decays: mild ones, none at all, or such that nothing is left."""
    if kind == "mild":
        return -np.abs(case.rng.standard_normal(shape))
    return np.full(shape, {"none": 0.0, "all": -50.0}[kind])


def complete(case, recurrence, varying, state, offsets=None, init=True, reverse=False, attributes=(), both=False,
             **constant):
    """Adds the initial state and the offsets, and checks. `state` is the shape of one state."""
    first = next(iter(varying.values()))
    sequences = first.shape[0] if offsets is None else len(offsets) - 1
    start = None
    if init:
        start = normal(case, sequences, *state)
        if state[-1:] == (2,):
            start = start[..., 0] + 1j * start[..., 1]
        case.add("init", start, "f32", "init", open_dims=1)
        start = case.exact["init"]
    if offsets is not None:
        case.add("offsets", np.array(offsets), "i32", "offsets", open_dims=1)
    expected = scans.over_sequences(recurrence, varying, start, offsets, reverse, **constant)
    case.check(expected, ", ".join([*attributes, *(["reverse"] if reverse else [])]), both)


# scan ----------------------------------------------------------------------------------------------------------------


def check_scan(form="linear", dtype="f32", batch=2, length=33, channels=6, constant=False, complex_=False, kind="mild",
               decay_dtype=None, **options):
    case = Case(f"seq.scan {form}", dtype)
    if options.get("offsets"):
        batch, length = 1, options["offsets"][-1]
    shape = (channels,) if constant else (batch, length, channels)
    a = decays(case, shape, kind)
    if complex_:
        a = a + 1j * normal(case, *shape)
    if form == "linear":
        a = np.exp(a)
    case.add("a", a, decay_dtype, open_dims=0 if constant else 2)
    b = normal(case, batch, length, channels)
    case.add("b", b + 1j * normal(case, *b.shape) if complex_ else b, open_dims=2)
    varying = {"b": case.exact["b"]}
    if not constant:
        varying["a"] = case.exact["a"]
    complete(case, scans.scan, varying, (channels, 2) if complex_ else (channels,),
             constant=case.exact["a"] if constant else None, log=form == "log",
             attributes=["complex"] if complex_ else [], **options)


@pytest.mark.parametrize("form", ["linear", "log"])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("complex_", [False, True])
def test_scan_forms(form, constant, complex_):
    check_scan(form, constant=constant, complex_=complex_, reverse=constant, init=not complex_)


@pytest.mark.parametrize("length", LENGTHS)
def test_scan_lengths(length):
    check_scan(length=length, both=True)


@pytest.mark.parametrize("dtype, decay_dtype", [("f16", None), ("bf16", "f32")])
def test_scan_types(dtype, decay_dtype):
    check_scan("log", dtype, decay_dtype=decay_dtype)


@pytest.mark.parametrize("kind", ["none", "all"])
def test_scan_extremes(kind):
    check_scan("log", kind=kind)


@pytest.mark.parametrize("channels", [1, 64, 128, 67])
def test_scan_channels(channels):
    check_scan(channels=channels, length=5)


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_packed(offsets, reverse):
    check_scan("log", complex_=True, constant=True, offsets=offsets, reverse=reverse)


def check_wkv(dtype="f32", batch=2, length=33, channels=6, kind="mild", init=False, offsets=None, reverse=False,
              key_scale=1.0):
    case = Case("seq.scan wkv", dtype)
    if offsets:
        batch, length = 1, offsets[-1]
    case.add("w", decays(case, (channels,), kind), "f32")
    case.add("v", normal(case, batch, length, channels), open_dims=2)
    case.add("k", normal(case, batch, length, channels, scale=key_scale), clause="key", open_dims=2)
    case.add("u", normal(case, channels), "f32", "bonus")
    exact = case.exact
    start = None
    sequences = batch if offsets is None else len(offsets) - 1
    if init:
        p, m = normal(case, sequences, channels), normal(case, sequences, channels)
        case.add("init", np.stack([p, np.exp(normal(case, sequences, channels)), m], 1), "f32", "init", open_dims=1)
        start = exact["init"]
    if offsets is not None:
        case.add("offsets", np.array(offsets), "i32", "offsets", open_dims=1)
    y, state = scans.over_sequences(scans.wkv, {"b": exact["v"], "key": exact["k"]}, start, offsets, reverse,
                                    decay=exact["w"], bonus=exact["u"])
    shape = np.zeros((sequences, 3, channels))
    text = case.text(y, shape, "reverse" if reverse else "")
    for precision, tolerance, rounding in (("f64", ORACLE, ORACLE), ("f32", ROUNDING["f32"], ROUNDING[dtype])):
        result, packed = map(cpu.to_float64, program(text, precision)(*case.tensors))
        close(result, y, rounding)
        with np.errstate(invalid="ignore"):  # an empty past is 0 times exp(-inf)
            sums = packed[:, :2] * np.exp(packed[:, 2:])
        relative = np.abs(sums - state) / np.maximum(1e-30, np.abs(state[:, 1:]))
        assert relative.max(initial=0) <= 10 * tolerance


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65])
def test_wkv_lengths(length):
    check_wkv(length=length)


@pytest.mark.parametrize("kind, dtype", [("none", "f16"), ("none", "f32"), ("all", "bf16")])
def test_wkv_extremes(kind, dtype):
    check_wkv(dtype, kind=kind, init=True)


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("reverse", [False, True])
def test_wkv_packed(offsets, reverse):
    check_wkv(offsets=offsets, reverse=reverse, init=True)


def test_wkv_keys_that_overflow():
    """Exponents are relative to the greatest: keys of any size are weights of a mean."""
    text = write("seq.scan wkv", [("", "w", "tensor<1xf32>"), ("", "v", "tensor<1x3x1xf32>"),
                                  ("key", "k", "tensor<1x3x1xf32>"), ("bonus", "u", "tensor<1xf32>")],
                 ["tensor<1x3x1xf32>", "tensor<1x3x1xf32>"])
    w, u = np.zeros(1, np.float32), np.zeros(1, np.float32)
    v = np.array([1.0, 2.0, 3.0], np.float32).reshape(1, 3, 1)
    k = np.array([-2000.0, 3000.0, 3000.0], np.float32).reshape(1, 3, 1)
    for precision in ("f64", "f32"):
        y, state = program(text, precision)(w, v, k, u)
        assert y.ravel().tolist() == [1.0, 2.0, 2.5]
        assert state.ravel().tolist() == [5.0, 2.0, 3000.0]


# selective_scan ------------------------------------------------------------------------------------------------------


def check_selective(dtype="f32", batch=2, length=17, channels=6, n=5, groups=1, complex_=False, constant=(), skip=False,
                    gate=False, bias=False, use_softplus=False, delta_dtype=None, rate=1.0, **options):
    case = Case("seq.selective_scan", dtype)
    if options.get("offsets"):
        batch, length = 1, options["offsets"][-1]
    number = (lambda *shape: normal(case, *shape) + 1j * normal(case, *shape)) if complex_ else functools.partial(
        normal, case)
    u, delta = normal(case, batch, length, channels), normal(case, batch, length, channels)
    case.add("u", u, open_dims=2)
    case.add("delta", delta if use_softplus else np.abs(delta) * 0.5, delta_dtype, open_dims=2)
    a = -np.abs(normal(case, channels, n, scale=rate)) + (1j * normal(case, channels, n) if complex_ else 0)
    case.add("a", a, "f32")
    for name in "bc":
        if name in constant:
            case.add(name, number(channels, n), "f32")
        else:
            case.add(name, number(batch, length, groups, n), open_dims=2)
    if skip:
        case.add("skip", normal(case, channels), "f32", "skip")
    if gate:
        case.add("gate", normal(case, batch, length, channels), clause="gate", open_dims=2)
    if bias:
        case.add("bias", np.abs(normal(case, channels)), "f32", "bias")
    exact = case.exact
    varying = {name: exact[name] for name in ("u", "delta", "gate", "b", "c") if name in exact and name not in constant}
    rest = {f"constant_{name}": exact[name] for name in constant}
    attributes = (["complex"] if complex_ else []) + (["softplus"] if use_softplus else [])
    complete(case, scans.selective_scan, varying, (channels, n, 2) if complex_ else (channels, n), a=exact["a"],
             skip=exact.get("skip"), bias=exact.get("bias"), use_softplus=use_softplus, attributes=attributes,
             **rest, **options)


@pytest.mark.parametrize("length", LENGTHS)
def test_selective_lengths(length):
    check_selective(length=length, both=True)


@pytest.mark.parametrize("dtype, delta_dtype", [("f16", None), ("bf16", "f32")])
def test_selective_types(dtype, delta_dtype):
    check_selective(dtype, delta_dtype=delta_dtype, skip=True, gate=True, bias=True, use_softplus=True)


@pytest.mark.parametrize("options", ["skip", "gate", "bias", "use_softplus", "complex_"])
def test_selective_options(options):
    check_selective(**{options: True})


@pytest.mark.parametrize("groups, complex_", [(1, True), (2, False), (6, False)])
def test_selective_groups(groups, complex_):
    check_selective(groups=groups, complex_=complex_, skip=True, gate=True, use_softplus=True)


@pytest.mark.parametrize("constant, complex_", [("b", False), ("c", True), ("bc", False)])
def test_selective_constants(constant, complex_):
    check_selective(constant=constant, groups=2 if constant != "bc" else 1, complex_=complex_)


@pytest.mark.parametrize("rate", [0.0, 100.0])
def test_selective_extremes(rate):
    check_selective(rate=rate)


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("reverse, init", [(False, True), (True, False)])
def test_selective_packed(offsets, reverse, init):
    check_selective(offsets=offsets, reverse=reverse, init=init, gate=True)


# linear_attention ----------------------------------------------------------------------------------------------------

DECAYS = ["", "head", "channel", "key channel", "step", "step channel", "step key channel", "dt"]


def check_linear(dtype="f32", batch=2, length=17, key_heads=2, heads=4, key_dim=5, value_dim=3, decay="step", kind="mild",
                 decay_dtype="f32", bonus=False, skip=False, gate=False, bias=False, use_softplus=False, scale=None,
                 **options):
    case = Case("seq.linear_attention", dtype)
    if options.get("offsets"):
        batch, length = 1, options["offsets"][-1]
    for name in "qk":
        case.add(name, normal(case, batch, length, key_heads, key_dim), open_dims=2)
    case.add("v", normal(case, batch, length, heads, value_dim), open_dims=2)
    varying, rest = ["q", "k", "v"], {}
    shape = (batch, length) if "step" in decay else ()
    shape += (key_heads if "key" in decay else heads,) + ((key_dim,) if "channel" in decay else ())
    if decay == "dt":
        dt = normal(case, batch, length, heads)
        case.add("dt", dt if use_softplus else np.abs(dt), decay_dtype, "dt", open_dims=2)
        case.add("a", decays(case, (heads,), kind), "f32", "dt")
        rest["a"] = case.exact["a"]
        varying.append("dt")
    elif decay:
        case.add("decay", decays(case, shape, kind), decay_dtype, "decay", open_dims=2 if "step" in decay else 0)
        if "step" in decay:
            varying.append("decay")
        else:
            rest["constant_decay"] = case.exact["decay"]
    for name, wanted, size in (("bias", bias, (heads,)), ("bonus", bonus, (heads, key_dim)), ("skip", skip, (heads,))):
        if wanted:
            case.add(name, np.abs(normal(case, *size)), "f32", name)
            rest[name] = case.exact[name]
    if gate:
        case.add("gate", normal(case, batch, length, heads, value_dim), clause="gate", open_dims=2)
        varying.append("gate")
    attributes = ["softplus"] if use_softplus else []
    if scale is not None:
        attributes.append(f"scale = {scale} : f64")
        rest["scale"] = scale
    complete(case, scans.linear_attention, {name: case.exact[name] for name in varying}, (heads, key_dim, value_dim),
             use_softplus=use_softplus, attributes=attributes, **rest, **options)


@pytest.mark.parametrize("length", LENGTHS)
def test_linear_lengths(length):
    check_linear(length=length, both=True)


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("bonus", [False, True])
def test_linear_decays(decay, bonus):
    check_linear(decay=decay, bonus=bonus, reverse=bonus)


@pytest.mark.parametrize("decay", ["head", "step key channel", "dt"])
@pytest.mark.parametrize("kind", ["none", "all"])
def test_linear_extremes(decay, kind):
    check_linear(decay=decay, kind=kind, length=9)


@pytest.mark.parametrize("key_heads, heads", [(1, 1), (1, 6), (3, 6), (6, 6)])
def test_linear_heads(key_heads, heads):
    check_linear(key_heads=key_heads, heads=heads, decay="step channel")


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
@pytest.mark.parametrize("decay", ["step key channel", "dt"])
def test_linear_types(dtype, decay):
    check_linear(dtype, decay=decay, decay_dtype=dtype, skip=True, gate=True, use_softplus=decay == "dt")


@pytest.mark.parametrize("options", [dict(skip=True), dict(gate=True), dict(scale=0.25),
                                     dict(decay="dt", bias=True), dict(decay="dt", use_softplus=True),
                                     dict(decay="dt", bias=True, use_softplus=True, skip=True, gate=True, scale=2.0)])
def test_linear_options(options):
    check_linear(**options)


@pytest.mark.parametrize("offsets", OFFSETS)
@pytest.mark.parametrize("reverse, init", [(False, True), (True, False)])
def test_linear_packed(offsets, reverse, init):
    check_linear(offsets=offsets, reverse=reverse, init=init)


# steps, and what is refused ------------------------------------------------------------------------------------------

RECURRENT = {  # the operands that vary with time, those that do not, the shape of a state and the attributes
    "seq.scan log": ({"a": (6,), "b": (6,)}, {}, (6,), ""),
    "seq.scan wkv": ({"b": (6,), "key": (6,)}, {"a": (6,), "bonus": (6,)}, (3, 6), ""),
    "seq.selective_scan": ({"u": (6,), "delta": (6,), "b": (2, 5), "c": (2, 5)}, {"a": (6, 5)}, (6, 5), "softplus"),
    "seq.linear_attention": ({"q": (2, 5), "k": (2, 5), "v": (4, 3), "decay": (4,)}, {"bonus": (4, 5)}, (4, 5, 3), ""),
}
ORDER = ["q", "u", "delta", "a", "b", "c", "k", "v", "key", "decay", "bonus"]


@pytest.mark.parametrize("op", RECURRENT)
def test_steps_are_the_scan(op):
    """One compiled program: over all positions at once, or one by one with the state handed on."""
    rng = np.random.default_rng(0)
    varying, constant, state, attributes = RECURRENT[op]
    operands, tensors = [], []
    for name in sorted([*varying, *constant], key=ORDER.index):
        shape = (2, 7, *varying[name]) if name in varying else constant[name]
        array = rng.standard_normal(shape).astype(np.float32)
        tensors.append(-np.abs(array) if name in ("a", "decay") else array)
        clause = name if name in ("key", "decay", "bonus") else ""
        operands.append((clause, name, open_type(array, "f32", 2 if name in varying else 0)))
    first = np.zeros((2, *state), np.float32)
    if op.endswith("wkv"):
        first[:, 2] = -np.inf
    operands.append(("init", "init", open_type(first, "f32", 1)))
    names = [name for _, name, _ in operands[:-1]]
    y_type = open_type(tensors[names.index("v" if "v" in names else "b" if "u" not in names else "u")], "f32", 2)
    run = program(write(op, operands, [y_type, open_type(first, "f32", 1)], attributes), "f32")
    y, last = run(*tensors, first)
    state, rows = first, []
    for t in range(7):
        step = [np.ascontiguousarray(x[:, t : t + 1]) if n in varying else x for n, x in zip(names, tensors)]
        row, state = run(*step, state)
        rows.append(row)
    assert np.array_equal(np.concatenate(rows, 1), y)
    assert np.array_equal(state, last)


def refused(text, message, *tensors):
    with pytest.raises(cpu.CpuError) as error:
        program(text, "f32")(*tensors)
    assert message in str(error.value)


SCAN = write("seq.scan log", [("", "a", "tensor<?x?x2xf32>"), ("", "b", "tensor<?x?x2xf32>"),
                              ("init", "h0", "tensor<?x2xf32>"), ("offsets", "o", "tensor<?xi32>")],
             ["tensor<?x?x2xf32>", "tensor<?x2xf32>"])


@pytest.mark.parametrize("offsets, message", [
    ([1, 3, 8], "the first offset to be 0"),
    ([0, 3, 7], "the last offset to be the length"),
    ([0, 9, 8], "offsets that do not fall"),
    ([0, -2, 8], "offsets that do not fall"),
    ([], "at least one offset"),
])
def test_offsets_are_checked(offsets, message):
    a, h0 = np.zeros((1, 8, 2), np.float32), np.zeros((max(0, len(offsets) - 1), 2), np.float32)
    if not offsets:
        message = "dimension 0 of init to be 1 less than dimension 0 of offsets"  # which comes first
    refused(SCAN, f"'seq.scan' op expected {message}", a, a, h0, np.array(offsets, np.int32))


def test_shapes_are_checked():
    a, b = np.zeros((1, 8, 2), np.float32), np.zeros((2, 8, 2), np.float32)
    h0, offsets = np.zeros((1, 2), np.float32), np.array([0, 8], np.int32)
    refused(SCAN, "expected dimension 0 of a to equal dimension 0 of b", a, b, h0, offsets)
    refused(SCAN, "expected dimension 1 of a to equal dimension 1 of b", a[:, :7], a, h0, offsets)
    refused(SCAN, "expected dimension 0 of init to be 1 less than dimension 0 of offsets", a, a, b[:, 0], offsets)
    refused(SCAN, "expected a batch of 1 with offsets", b, b, h0, offsets)


def test_decays_are_checked():
    a, h0, offsets = np.zeros((1, 8, 2), np.float32), np.zeros((1, 2), np.float32), np.array([0, 8], np.int32)
    program(SCAN, "f32")(a, a, h0, offsets)
    a[0, 5, 1] = 0.5
    refused(SCAN, "'seq.scan' op expected a to be at most 0", a, a, h0, offsets)
    k, dt, rate = np.zeros((1, 4, 1, 2), np.float32), np.zeros((1, 4, 1), np.float32), np.zeros(1, np.float32)
    ssd = write("seq.linear_attention", [("", "q", "tensor<1x?x1x2xf32>"), ("", "k", "tensor<1x?x1x2xf32>"),
                                         ("", "v", "tensor<1x?x1x2xf32>"), ("dt", "dt", "tensor<1x?x1xf32>"),
                                         ("dt", "a", "tensor<1xf32>"), ("bias", "bias", "tensor<1xf32>")],
                ["tensor<1x?x1x2xf32>"])
    program(ssd, "f32")(k, k, k, dt, rate, rate)
    refused(ssd, "expected a to be at most 0", k, k, k, dt, rate + 1, rate)
    refused(ssd, "expected dt to be at least 0", k, k, k, dt, rate, rate - 1)


def test_make_step():
    """seq-make-step: a prompt in two parts, then token by token, is the whole at once."""
    text = """
      func.func @main(%x: tensor<?x?x8xf32>, %w: tensor<8x4xf32>, %a: tensor<8xf32>) -> tensor<?x?x8xf32> {
        %c = seq.short_conv causal %x, %w taps last {axis = 1 : i64, silu} : tensor<?x?x8xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
        %y = seq.scan log %a, %c : tensor<8xf32>, tensor<?x?x8xf32> -> tensor<?x?x8xf32>
        return %y : tensor<?x?x8xf32>
      }"""
    run = program(support.run_tool("longwing-opt", "-", "--seq-make-step", stdin=text).stdout, "f32")
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 12, 8)).astype(np.float32), rng.standard_normal((8, 4)).astype(np.float32)
    a = -np.abs(rng.standard_normal(8)).astype(np.float32)
    (whole,) = run(x, w, a)
    states = [np.zeros((2, 3, 8), np.float32), np.zeros((2, 8), np.float32)]
    parts = []
    for function, begin, end in [("main_part", 0, 2), ("main_part", 2, 9), *(("main_step", t, t + 1) for t in (9, 10, 11))]:
        y, *states = run(np.ascontiguousarray(x[:, begin:end]), w, a, *states, function=function)
        parts.append(y)
    assert np.array_equal(np.concatenate(parts, 1), whole)


def rewritten(text, operation):
    after = support.run_tool("longwing-opt", "-", "--seq-rewrite-scans", stdin=text).stdout
    assert operation in after
    return after


def test_heads_of_a_selective_scan_are_linear_attention():
    text = """
      func.func @main(%u: tensor<2x?x8xf32>, %dt: tensor<2x?x2xf32>, %b: tensor<2x?x1x4xf32>, %c: tensor<2x?x1x4xf32>)
          -> tensor<2x?x8xf32> {
        %c1 = arith.constant 1 : index
        %length = tensor.dim %u, %c1 : tensor<2x?x8xf32>
        %many = tensor.empty(%length) : tensor<2x?x2x4xf32>
        %wide = linalg.broadcast ins(%dt : tensor<2x?x2xf32>) outs(%many : tensor<2x?x2x4xf32>) dimensions = [3]
        %delta = tensor.collapse_shape %wide [[0], [1], [2, 3]] : tensor<2x?x2x4xf32> into tensor<2x?x8xf32>
        %rate = arith.constant dense<[-1.0, -0.25]> : tensor<2xf32>
        %space = tensor.empty() : tensor<2x4x4xf32>
        %rates = linalg.broadcast ins(%rate : tensor<2xf32>) outs(%space : tensor<2x4x4xf32>) dimensions = [1, 2]
        %a = tensor.collapse_shape %rates [[0, 1], [2]] : tensor<2x4x4xf32> into tensor<8x4xf32>
        %bias = arith.constant dense<[0.5, 0.5, 0.5, 0.5, -1.0, -1.0, -1.0, -1.0]> : tensor<8xf32>
        %y = seq.selective_scan %u, %delta, %a, %b, %c skip(%bias : tensor<8xf32>) gate(%u : tensor<2x?x8xf32>)
            bias(%bias : tensor<8xf32>) {softplus}
            : tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<8x4xf32>, tensor<2x?x1x4xf32>, tensor<2x?x1x4xf32>
            -> tensor<2x?x8xf32>
        return %y : tensor<2x?x8xf32>
      }"""
    rng = np.random.default_rng(0)
    tensors = [rng.standard_normal(shape).astype(np.float32) for shape in ((2, 9, 8), (2, 9, 2), (2, 9, 1, 4), (2, 9, 1, 4))]
    (exact,) = program(text, "f64")(*tensors)
    close(program(rewritten(text, "seq.linear_attention"), "f64")(*tensors)[0], exact, ORACLE)


@pytest.mark.parametrize("form, decays", [("linear", "0.1, -0.05"), ("log", "-2.5, -40.0")])
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_a_scan_of_short_memory_is_a_convolution(form, decays, dtype):
    x = f"tensor<?x?x2x{dtype}>"
    text = f"""
      func.func @main(%x: {x}) -> {x} {{
        %a = arith.constant dense<[{decays}]> : tensor<2xf32>
        %y = seq.scan {form} %a, %x : tensor<2xf32>, {x} -> {x}
        return %y : {x}
      }}"""
    data = cpu.cast(np.random.default_rng(0).standard_normal((2, 40, 2)), dtype)
    (exact,) = program(text, "f64")(data)
    forgotten = {"f32": 2.0**-25, "bf16": 2.0**-11}[dtype]
    close(program(rewritten(text, "seq.short_conv"), "f64")(data)[0], exact, forgotten)
