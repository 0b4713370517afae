# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A benchmark's record as a Markdown table and as a roofline plot (SVG)."""

import html
import json
import math
import pathlib
import sys

NAMES = {"longwing": "Longwing", "cudnn": "cuDNN", "fa2": "FlashAttention-2"}
COLOURS = {"longwing": "#c2410c", "cudnn": "#1d4ed8", "fa2": "#6b7280"}


def short(length):
    return f"{length // 1024}K" if length >= 1024 else str(length)


def groups(record):
    """The lines of each (head dimension, mask), in the order in which they were measured."""
    result = {}
    for line in record["lines"]:
        result.setdefault((line["head_dim"], line["causal"]), []).append(line)
    return result


def markdown(record):
    env, roofs, settings = record["environment"], record["roofs"], record["settings"]
    text = ["# Attention, forward, bf16", "",
            f"{env['device']}, {env['date']}; driver and power limit {env['driver_and_power_limit']}, CUDA {env['cuda']}, "
            f"PyTorch {env['torch']}, cuDNN {env['cudnn']}, Longwing {env['longwing']}.", "",
            f"B * S = {settings['tokens']:,} tokens, H * D = {settings['width']:,}. TFLOP/s of 4 B H S^2 D, half when causal: "
            f"the median of {settings['rounds']} turns of {settings['rep_ms']} ms each, the contenders in turns. On the same "
            f"card in the same run: copy {roofs['copy_gbps']:,.0f} GB/s (read and written), bf16 product 8192^3 "
            f"{roofs['matmul_tflops']:.0f} TFLOP/s.", ""]
    for (head_dim, causal), lines in groups(record).items():
        names = [name for name in NAMES if any(name in line["tflops"] or name in line.get("wrong", []) for line in lines)]
        text += [f"## D {head_dim}, {'causal' if causal else 'unmasked'}", "",
                 "| S | " + " | ".join(NAMES[name] for name in names) + " | Longwing / cuDNN | max. error: Longwing | cuDNN |",
                 "|---:|" + "---:|" * (len(names) + 3)]
        for line in lines:
            speeds = [f"{line['tflops'][name]:.0f}" if name in line["tflops"] else "wrong" for name in names]
            ours, theirs = line["tflops"].get("longwing"), line["tflops"].get("cudnn")
            ratio = f"{ours / theirs:.2f}" if ours and theirs else "-"
            errors = [f"{line['errors'][name]:.1e}" if name in line["errors"] else "-" for name in ("longwing", "cudnn")]
            text.append(f"| {short(line['length'])} | " + " | ".join(speeds + [ratio] + errors) + " |")
        text.append("")
    return "\n".join(text)


# ===----------------------------------------------------------------------=== #
# The roofline
# ===----------------------------------------------------------------------=== #

PANEL_WIDTH, PANEL_HEIGHT, MARGIN, GAP, TOP = 400, 290, 62, 74, 58


class Axes:
    """One log-log panel: FLOP per byte across, TFLOP/s up."""

    def __init__(self, left, top, x_range, y_range):
        self.left, self.top, self.x_range, self.y_range = left, top, x_range, y_range

    def x(self, value):
        low, high = map(math.log, self.x_range)
        return self.left + PANEL_WIDTH * (math.log(value) - low) / (high - low)

    def y(self, value):
        low, high = map(math.log, self.y_range)
        return self.top + PANEL_HEIGHT * (1 - (math.log(value) - low) / (high - low))


def roofline(record):
    """A plot for each head dimension and mask: the roofs measured in the same run, and every contender below them."""
    panels = groups(record)
    columns = 2 if len(panels) > 1 else 1
    rows = max(1, math.ceil(len(panels) / columns))
    width = MARGIN + columns * PANEL_WIDTH + (columns - 1) * GAP + 24
    height = TOP + rows * (PANEL_HEIGHT + GAP) + 12
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="system-ui, sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           f'<text x="{MARGIN}" y="20" font-size="15" font-weight="600">Attention forward, bf16, on one '
           f'{html.escape(record["environment"]["device"])}</text>',
           f'<text x="{MARGIN}" y="38" fill="#555">{html.escape(record["environment"]["date"])}; lines: the copy of '
           'the same run, the tensor cores at their highest clock; points: S from left to right</text>']
    speeds = [value for line in record["lines"] for value in line["tflops"].values()] or [100]
    intensities = [line["intensity"] for line in record["lines"]] or [1000]
    roofs = record["roofs"]
    x_range = (min(64, min(intensities) / 1.5), max(intensities) * 1.5)
    y_range = (min(100, min(speeds) / 1.3), max(roofs["matmul_tflops"], roofs.get("peak_tflops", 0), max(speeds)) * 1.35)
    for number, ((head_dim, causal), lines) in enumerate(panels.items()):
        axes = Axes(MARGIN + (number % columns) * (PANEL_WIDTH + GAP), TOP + (number // columns) * (PANEL_HEIGHT + GAP),
                    x_range, y_range)
        out += _panel(axes, f"D {head_dim}, {'causal' if causal else 'unmasked'}", lines, roofs)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _panel(axes, title, lines, roofs):
    left, top, right, bottom = axes.left, axes.top, axes.left + PANEL_WIDTH, axes.top + PANEL_HEIGHT
    out = [f'<g><rect x="{left}" y="{top}" width="{PANEL_WIDTH}" height="{PANEL_HEIGHT}" fill="#fafafa" stroke="#bbb"/>']
    for exponent in range(4, 16):
        value = 2**exponent
        if axes.x_range[0] <= value <= axes.x_range[1]:
            x = axes.x(value)
            out.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="#e5e5e5"/><text x="{x:.1f}" y="{bottom + 16}" '
                       f'text-anchor="middle" fill="#555">{value}</text>')
    for value in (50, 100, 200, 300, 400, 600, 800, 1000, 1200):
        if axes.y_range[0] <= value <= axes.y_range[1]:
            y = axes.y(value)
            out.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#e5e5e5"/><text x="{left - 6}" y="{y + 4:.1f}" '
                       f'text-anchor="end" fill="#555">{value}</text>')
    # The roof: bandwidth times intensity, until the tensor cores' rate.
    rate, bandwidth = roofs.get("peak_tflops", roofs["matmul_tflops"]), roofs["copy_gbps"] / 1000
    ridge = rate / bandwidth
    points = []
    if ridge > axes.x_range[0]:
        start = max(axes.x_range[0], axes.y_range[0] / bandwidth)
        points += [(start, start * bandwidth), (ridge, rate)]
    else:
        points.append((axes.x_range[0], rate))
    points.append((axes.x_range[1], rate))
    out.append(_line(axes, points, "#111", 1.5))
    out.append(_label(right - 6, axes.y(rate) - 6, f"tensor cores {rate:.0f}" if "peak_tflops" in roofs else f"cuBLAS {rate:.0f}"))
    if "peak_tflops" in roofs:
        product = roofs["matmul_tflops"]
        y = axes.y(product)
        out.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#111" stroke-dasharray="5 4"/>')
        out.append(_label(right - 6, y - 5, f"cuBLAS 8192³ {product:.0f}"))
    legend = 0
    for name, label in NAMES.items():
        points = [(line["intensity"], line["tflops"][name]) for line in lines if name in line["tflops"]]
        if not points:
            continue
        out.append(_line(axes, points, COLOURS[name], 2 if name == "longwing" else 1.3))
        out += [f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="3.2" fill="{COLOURS[name]}"/>' for x, y in points]
        y = bottom - 14 - 16 * legend
        out.append(f'<circle cx="{right - 122}" cy="{y - 4}" r="3.2" fill="{COLOURS[name]}"/>'
                   f'<text x="{right - 112}" y="{y}">{label}</text>')
        legend += 1
    out += [f'<text x="{left + 8}" y="{top + 18}" font-weight="600">{title}</text>',
            f'<text x="{(left + right) / 2}" y="{bottom + 34}" text-anchor="middle" fill="#555">FLOP per byte of q, k, v, o</text>',
            f'<text transform="translate({left - 42} {(top + bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#555">'
            'TFLOP/s</text></g>']
    return out


def _label(x, y, text):
    return f'<text x="{x}" y="{y:.1f}" text-anchor="end" fill="#111">{text}</text>'


def _line(axes, points, colour, width):
    path = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


# ===----------------------------------------------------------------------=== #
# The README's table
# ===----------------------------------------------------------------------=== #

BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


def summary(record, folder):
    """Longwing and cuDNN at a glance, for the README: one line a length, one column a head dimension and mask."""
    panels = groups(record)
    lengths = sorted({line["length"] for line in record["lines"]})
    env = record["environment"]
    text = [f"TFLOP/s of attention forward in bf16 on one {env['device']}, {env['date'].split()[0]}; Longwing / cuDNN "
            f"{env['cudnn']}, in turns in one run (driver {env['driver_and_power_limit'].split(',')[0]}, CUDA {env['cuda']}, "
            f"PyTorch {env['torch']}). {record['settings']['tokens']:,} tokens, H * D = {record['settings']['width']:,}; "
            f"[all figures, errors and FlashAttention-2]({folder}/attention.md).", "",
            "| S | " + " | ".join(f"D {head_dim}{', causal' if causal else ''}" for head_dim, causal in panels) + " |",
            "|---:|" + "---:|" * len(panels)]
    for length in lengths:
        cells = []
        for lines in panels.values():
            speeds = next((line["tflops"] for line in lines if line["length"] == length), {})
            ours, theirs = speeds.get("longwing"), speeds.get("cudnn")
            cells.append(f"{ours:.0f} / {theirs:.0f}" if ours and theirs else "-")
        text.append(f"| {short(length)} | " + " | ".join(cells) + " |")
    text += ["", f"![The same against the roofline]({folder}/attention.svg)"]
    return "\n".join(text)


def update_readme(readme, record, folder):
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(f"{before}{BEGIN}\n{summary(record, folder)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":  # report.py attention.json [README.md]: writes the table and the plot beside it again
    source = pathlib.Path(sys.argv[1])
    data = json.loads(source.read_text(encoding="utf-8"))
    source.with_suffix(".md").write_text(markdown(data), encoding="utf-8")
    source.with_suffix(".svg").write_text(roofline(data), encoding="utf-8")
    if len(sys.argv) > 2:
        page = pathlib.Path(sys.argv[2])
        update_readme(page, data, source.resolve().parent.relative_to(page.resolve().parent).as_posix())
