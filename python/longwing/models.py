# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models as text, for those who would rather name the sizes than write the dialect."""

from ._recurrences import linear_attention, scan, selective_scan

__all__ = ["attention", "linear_attention", "long_conv", "scan", "selective_scan"]

_ELEMENTS = ("f16", "bf16", "f32")


def attention(heads, head_dim, *, key_heads=None, value_dim=None, element="bf16", causal=False, window=None,
              scale=None, lse=False, score=None, mask=None, captured=()):
    """The text of a module whose `main(q, k, v, ...)` is attention over `[batch, heads, length, head_dim]`.

    Batch and both lengths stay dynamic. `score` and `mask` are the bodies of those regions: they see the values
    `%score` (the score region only), `%batch`, `%head`, `%i` and `%j` and end in `seq.yield`. `captured` are further
    arguments that the regions may read, as (name, type) pairs: `("slopes", "tensor<16xf32>")` is `%slopes`.

    >>> print(attention(heads=16, head_dim=128, causal=True))
    """
    if element not in _ELEMENTS:
        raise ValueError(f"expected an element type of {', '.join(_ELEMENTS)}, got {element!r}")
    key_heads = heads if key_heads is None else key_heads
    value_dim = head_dim if value_dim is None else value_dim
    query = f"tensor<?x{heads}x?x{head_dim}x{element}>"
    key = f"tensor<?x{key_heads}x?x{head_dim}x{element}>"
    value = f"tensor<?x{key_heads}x?x{value_dim}x{element}>"
    results = [("o", f"tensor<?x{heads}x?x{value_dim}x{element}>")]
    if lse:
        results.append(("lse", f"tensor<?x{heads}x?xf32>"))

    attributes = []
    if causal:
        attributes.append("causal")
    if scale is not None:
        attributes.append(f"scale = {float(scale):.17e} : f64")
    if window is not None:
        attributes.append(f"window = array<i64: {window[0]}, {window[1]}>")

    arguments = [("q", query), ("k", key), ("v", value), *captured]
    signature = ",\n                ".join(f'%{name}: {type_} {{longwing.name = "{name}"}}' for name, type_ in arguments)
    outputs = ", ".join(f'{type_} {{longwing.name = "{name}"}}' for name, type_ in results)
    result_names = ", ".join(f"%{name}" for name, _ in results)
    result_types = ", ".join(type_ for _, type_ in results)
    lines = [
        f"func.func @main({signature})",
        f"    -> ({outputs}) {{",
        f"  {result_names} = seq.attention %q, %k, %v" + (f" {{{', '.join(attributes)}}}" if attributes else ""),
        f"      : {query}, {key}, {value}",
        f"      -> {result_types}",
    ]
    positions = "%batch: index, %head: index, %i: index, %j: index"
    for name, parameters, body in (("score", "%score: f32, " + positions, score), ("mask", positions, mask)):
        if body is not None:
            lines += [f"    {name} {{", f"    ^bb0({parameters}):", *_indented(body), "    }"]
    lines += [f"  return {result_names} : {result_types}", "}", ""]
    return "\n".join(lines)


def long_conv(channels, length, *, taps=None, kind="causal", element="f16", gated=False, skip=False):
    """The text of a module whose `main(u, filter, ...)` is a long convolution over `[batch, channels, length]`.

    Batch stays dynamic; the filter has `length` taps or `taps`, the first of lag 0. With `gated`, `pre` and `post` are
    further arguments of the shape of `u`, with `skip` also `skip`, one number a channel. The two-sided kinds have a
    `reverse` filter behind `filter`.

    >>> print(long_conv(channels=768, length=4096, gated=True))
    """
    if element not in _ELEMENTS:
        raise ValueError(f"expected an element type of {', '.join(_ELEMENTS)}, got {element!r}")
    kinds = ("causal", "anticausal", "two_sided_shared", "two_sided_disjoint", "circular")
    if kind not in kinds:
        raise ValueError(f"expected a kind of {', '.join(kinds)}, got {kind!r}")
    sequence = f"tensor<?x{channels}x{length}x{element}>"
    filter_type = f"tensor<{channels}x{taps or length}xf32>"
    arguments, clauses = [("u", sequence), ("filter", filter_type)], ["filter(%filter : " + filter_type + ")"]
    if kind.startswith("two_sided"):
        arguments.append(("reverse", filter_type))
        clauses.append(f"reverse(%reverse : {filter_type})")
    clauses.append("taps first")
    if gated:
        arguments += [("pre", sequence), ("post", sequence)]
        clauses += [f"pre(%pre : {sequence})", f"post(%post : {sequence})"]
    if skip:
        arguments.append(("skip", f"tensor<{channels}xf32>"))
        clauses.append(f"skip(%skip : tensor<{channels}xf32>)")
    signature = ",\n                ".join(f'%{name}: {type_} {{longwing.name = "{name}"}}' for name, type_ in arguments)
    return "\n".join([
        f"func.func @main({signature})",
        f'    -> ({sequence} {{longwing.name = "y"}}) {{',
        f"  %y = seq.long_conv {kind} %u {' '.join(clauses)}",
        f"      : {sequence} -> {sequence}",
        f"  return %y : {sequence}",
        "}", ""])


def _indented(body):
    return ["      " + line.strip() for line in body.strip().splitlines()]
