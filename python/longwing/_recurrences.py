# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrent models as text: `longwing.models.scan`, `selective_scan` and `linear_attention`.

All take these, which say how a model is used and not what it computes:

`states`   it takes the initial state as `state`, and gives the final one as `last`.
`step`     it is one step of generation: one position, with states.
`packed`   sequences of any lengths lie behind each other, and `offsets` says where each begins.
`reverse`  time runs backwards.
"""

_ELEMENTS = ("f16", "bf16", "f32")


class _Model:
    """A function of one operation, clause by clause."""

    def __init__(self, element, states, step, packed, reverse):
        if element not in _ELEMENTS:
            raise ValueError(f"expected an element type of {', '.join(_ELEMENTS)}, got {element!r}")
        if step and (packed or reverse):
            raise ValueError("expected neither packed nor reverse of a step: it is one position, and the last")
        self.element, self.states, self.packed = element, states or step, packed
        self.batch, self.length = "1" if packed else "?", "1" if step else "?"
        self.arguments, self.plain, self.clauses = [], [], []
        self.attributes = ["reverse"] if reverse else []

    def type_of(self, sizes, element=None):
        return f"tensor<{'x'.join(str(size) for size in sizes)}x{element or self.element}>"

    def varying(self, *sizes, element=None):
        """The type of what varies with time."""
        return self.type_of((self.batch, self.length, *sizes), element)

    def operand(self, name, type_, clause=None):
        self.arguments.append((name, type_))
        if clause is None:
            self.plain.append((name, type_))
        elif self.clauses and self.clauses[-1][0] == clause:
            self.clauses[-1][1].append((name, type_))
        else:
            self.clauses.append((clause, [(name, type_)]))

    def text(self, op, result, result_type, state_sizes):
        results = [(result, result_type)]
        state = self.type_of(("?", *state_sizes), "f32")
        if self.states:
            self.operand("state", state, "init")
            results.append(("last", state))
        if self.packed:
            self.operand("offsets", "tensor<?xi32>", "offsets")
        signature = ",\n                ".join(f'%{name}: {type_} {{longwing.name = "{name}"}}' for name, type_ in self.arguments)
        outputs = ", ".join(f'{type_} {{longwing.name = "{name}"}}' for name, type_ in results)
        line = ", ".join(f"%{name}" for name, _ in self.plain)
        for clause, operands in self.clauses:
            line += f"\n      {clause}({', '.join(f'%{name} : {type_}' for name, type_ in operands)})"
        attributes = f" {{{', '.join(self.attributes)}}}" if self.attributes else ""
        names = ", ".join(f"%{name}_out" for name, _ in results)
        types = ", ".join(type_ for _, type_ in results)
        return "\n".join([
            f"func.func @main({signature})",
            f"    -> ({outputs}) {{",
            f"  {names} = {op} {line}{attributes}",
            f"      : {', '.join(type_ for _, type_ in self.plain)} -> {types}",
            f"  return {names} : {types}",
            "}", ""])


def scan(channels, *, form="linear", constant=False, complex=False, element="f32", decay_element=None, states=False,
         step=False, packed=False, reverse=False):
    """h[t] = a[t] h[t-1] + b[t] for each channel: the text of a module whose `main(a, b, ...)` gives `y`.

    `form` is "linear", "log" (a is a logarithm) or "wkv" (RWKV-4's mean: `main(w, v, k, u, ...)`). With `constant`, a
    does not vary with time. `complex` numbers are pairs in a trailing dimension.
    """
    if form not in ("linear", "log", "wkv"):
        raise ValueError(f"expected a form of linear, log or wkv, got {form!r}")
    model = _Model(element, states, step, packed, reverse)
    sizes = (channels, 2) if complex else (channels,)
    y = model.varying(*sizes)
    state_sizes = (3, channels) if form == "wkv" else sizes
    if form == "wkv":
        model.operand("w", model.type_of(sizes, "f32"))
        model.operand("v", y)
        model.operand("k", y, "key")
        model.operand("u", model.type_of(sizes, "f32"), "bonus")
    else:
        model.operand("a", model.type_of(sizes, "f32") if constant else model.varying(*sizes, element=decay_element))
        model.operand("b", y)
    if complex:
        model.attributes.append("complex")
    return model.text(f"seq.scan {form}", "y", y, state_sizes)


def selective_scan(channels, state_size, *, groups=1, skip=False, gate=False, bias=False, softplus=False, complex=False,
                   element="bf16", delta_element=None, states=False, step=False, packed=False, reverse=False):
    """S6, Mamba's scan: the text of a module whose `main(u, delta, a, b, c, ...)` gives `y`.

    `skip`, `gate` (the argument z) and `bias` (of delta) are further arguments, in this order.
    """
    model = _Model(element, states, step, packed, reverse)
    pair = (2,) if complex else ()
    u = model.varying(channels)
    model.operand("u", u)
    model.operand("delta", model.varying(channels, element=delta_element))
    model.operand("a", model.type_of((channels, state_size, *pair), "f32"))
    model.operand("b", model.varying(groups, state_size, *pair))
    model.operand("c", model.varying(groups, state_size, *pair))
    if skip:
        model.operand("skip", model.type_of((channels,), "f32"), "skip")
    if gate:
        model.operand("z", u, "gate")
    if bias:
        model.operand("bias", model.type_of((channels,), "f32"), "bias")
    model.attributes += [name for name, wanted in (("softplus", softplus), ("complex", complex)) if wanted]
    return model.text("seq.selective_scan", "y", u, (channels, state_size, *pair))


def linear_attention(heads, head_dim, *, key_heads=None, value_dim=None, decay=None, bonus=False, skip=False, gate=False,
                     bias=False, softplus=False, scale=None, element="bf16", decay_element="f32", states=False,
                     step=False, packed=False, reverse=False):
    """Linear attention and its kin: the text of a module whose `main(q, k, v, ...)` gives `o`.

    `heads` are those of v, `key_heads` those of q and k. `decay` is None, "head" (a constant for each head: retention),
    "step" (for each head and step), "channel" (for each head, step and key channel: GLA, RWKV-6), or "dt" (SSD: step
    sizes `dt` and rates `a`, with `bias` and `softplus`). `bonus` (RWKV-5 and 6), `skip` and `gate` (the argument z)
    are further arguments.
    """
    if decay not in (None, "head", "step", "channel", "dt"):
        raise ValueError(f"expected a decay of None, head, step, channel or dt, got {decay!r}")
    model = _Model(element, states, step, packed, reverse)
    key_heads = heads if key_heads is None else key_heads
    value_dim = head_dim if value_dim is None else value_dim
    keys, values = model.varying(key_heads, head_dim), model.varying(heads, value_dim)
    per_head = model.type_of((heads,), "f32")
    model.operand("q", keys)
    model.operand("k", keys)
    model.operand("v", values)
    if decay == "dt":
        model.operand("dt", model.varying(heads, element=decay_element), "dt")
        model.operand("a", per_head, "dt")
    elif decay:
        model.operand("decay", {"head": per_head, "step": model.varying(heads, element=decay_element),
                                "channel": model.varying(key_heads, head_dim, element=decay_element)}[decay], "decay")
    for name, wanted, type_ in (("bias", bias, per_head), ("bonus", bonus, model.type_of((heads, head_dim), "f32")),
                                ("skip", skip, per_head)):
        if wanted:
            model.operand(name, type_, name)
    if gate:
        model.operand("z", values, "gate")
    if softplus:
        model.attributes.append("softplus")
    if scale is not None:
        model.attributes.append(f"scale = {float(scale):.17e} : f64")
    return model.text("seq.linear_attention", "o", values, (heads, head_dim, value_dim))
