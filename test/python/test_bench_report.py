# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark's table and plot, from a made-up record."""

import argparse
import collections
import importlib.util
import sys
import types
import xml.etree.ElementTree as ElementTree

import pytest

from support import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import report  # noqa: E402

ENVIRONMENT = dict(date="2020-01-01", device="A < B", driver_and_power_limit="1, 2 W", cuda="0", torch="0", cudnn=0, longwing="0")


def bench_module(name):
    spec = importlib.util.spec_from_file_location(f"bench_{name}", ROOT / "bench" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def line(length, causal, **tflops):
    return dict(head_dim=64, length=length, causal=causal, intensity=length / 2, errors={name: 1e-3 for name in tflops},
                tflops=tflops)


@pytest.fixture
def record():
    return dict(environment=ENVIRONMENT, roofs=dict(copy_gbps=4000.0, matmul_tflops=700.0, peak_tflops=1000.0),
                settings=dict(tokens=16384, width=2048, rounds=5, rep_ms=40),
                lines=[line(512, False, longwing=300.0, cudnn=200.0), line(2048, False, longwing=500.0, cudnn=400.0),
                       line(512, True, longwing=100.0, cudnn=200.0)])


def test_table(record):
    text = report.markdown(record)
    assert "| 2K | 500 | 400 | 1.25 | 1.0e-03 | 1.0e-03 |" in text
    assert text.index("## D 64, unmasked") < text.index("## D 64, causal")


def test_wrong_results_have_no_speed(record):
    record["lines"][0]["wrong"] = ["longwing"]
    del record["lines"][0]["tflops"]["longwing"]
    assert "| 512 | wrong | 200 | - |" in report.markdown(record)


def test_readme_gets_the_table(record, tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.update_readme(page, record, "bench/results")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| 512 | 300 / 200 | 100 / 200 |" in text and "| 2K | 500 / 400 | - |" in text
    report.update_readme(page, record, "bench/results")
    assert page.read_text() == text


def test_plot_is_well_formed_and_ordered(record):
    root = ElementTree.fromstring(report.roofline(record))
    circles = [node for node in root.iter("{http://www.w3.org/2000/svg}circle") if float(node.get("r")) > 0]
    assert len(circles) == 6 + 4  # the points, and two names in the legend of either panel
    axes = report.Axes(0, 0, (64, 8192), (100, 800))
    assert axes.x(64) == 0 and axes.x(8192) == report.PANEL_WIDTH and axes.y(800) == 0 and axes.y(400) < axes.y(200)


def test_a_table_of_memory_bound_operations_says_what_was_wrong_or_not_compiled():
    import memory_bound

    made_up = dict(group="causal", floor_ms=0.1, recorded_ms={"other": 0.9})
    record = dict(title="T", note="N", environment=ENVIRONMENT, roofs=dict(copy_gbps=4200.0), lines=[
        dict(made_up, label="fast", ms={"longwing": 0.2, "torch": 0.8}, error=1e-3),
        dict(made_up, label="bad", wrong=True, error=0.5),
        dict(made_up, label="missing", unsupported=True),
    ])
    rows = [row for row in memory_bound.markdown(record).splitlines() if row.startswith("| ")]
    assert rows[1:] == ["| fast | 0.2000 | 2.00 | 0.800 | 0.900 | 4.0× | 1.0e-03 |",
                        "| bad | wrong | - | - | 0.900 | - | 5.0e-01 |",
                        "| missing | not compiled | - | - | 0.900 | - | - |"]


def test_a_copy_of_as_many_bytes_stands_beside_lines_that_ask_for_it():
    import memory_bound

    line = dict(group="short", label="fast", floor_ms=0.1, recorded_ms={}, ms={"longwing": 0.2}, copy_ms=0.17, error=1e-3)
    bad = dict(group="short", label="bad", floor_ms=0.1, recorded_ms={}, wrong=True, error=0.5)
    text = memory_bound.markdown(dict(title="T", note="N", environment=ENVIRONMENT, roofs=dict(copy_gbps=4200.0), lines=[line, bad]))
    assert [row for row in text.splitlines() if row.startswith("|")] == [
        "| | Longwing, ms | × floor | copy of as many bytes, ms | share of its speed | faster than the best | relative error |",
        "|---|---:|---:|---:|---:|---:|---:|",
        "| fast | 0.2000 | 2.00 | 0.1700 | 85 % | - | 1.0e-03 |",
        "| bad | wrong | - | - | - | - | 5.0e-01 |"]


@pytest.fixture
def torch(monkeypatch):
    """As much of PyTorch as a copy takes, which counts what is copied of each buffer."""
    clones = collections.Counter()

    class Buffer:
        def __init__(self, size):
            self.size = size

        def clone(self):
            clones[self] += self.size

    stub = types.SimpleNamespace(uint8=1, zeros=lambda size, dtype, device: Buffer(size * dtype), clones=clones,
                                 cuda=types.SimpleNamespace(empty_cache=lambda: None))
    monkeypatch.setitem(sys.modules, "torch", stub)
    return stub


@pytest.mark.parametrize("moved, sets, graph", [(8 << 20, 12, True), (200 << 20, 2, True), (800 << 20, 2, False), (50000, 2, False)])
def test_a_call_and_its_copy_are_timed_alike_on_buffers_past_l2(torch, monkeypatch, moved, sets, graph):
    import memory_bound

    def take_turns(calls, its_sets, rounds, warmup, rep, graph):
        assert len(its_sets) == sets and list(calls) == ["longwing", "copy"]
        for turn in range(3 * sets):
            calls["copy"](*its_sets[turn % sets])
        timed.append(graph)
        return {"longwing": 2.0, "copy": 1.0}, {"longwing": 0.0, "copy": 0.0}

    timed = []
    monkeypatch.setattr(memory_bound, "take_turns", take_turns)
    case = memory_bound.Case("group", "label", "text", lambda seed: [seed], lambda tensors, result: 0.0, 1.0, moved, beside_copy=True)
    options = argparse.Namespace(buffers=2, rounds=1, warmup=1, rep=1)
    line = memory_bound.measure(case, types.SimpleNamespace(main=lambda seed: seed), options)
    assert timed == [graph] and line["ms"] == {"longwing": 2.0} and line["copy_ms"] == 1.0
    # Half of the bytes are read; the result is the other half.
    assert list(torch.clones.values()) == [3 * (moved // 2)] * sets


def test_short_filters_scans_and_steps_stand_beside_a_copy():
    # Tests have modules of these names, too.
    long_conv, scans = (bench_module(name) for name in ("long_conv", "scans"))
    beside = {case.group.split(",")[0] for module in (long_conv, scans) for case in module.cases() if case.beside_copy}
    assert beside == {"short filters", "scan", "one step of a scan", "one step of linear attention", "one step of a selective scan"}
    alone = {case.group.split(",")[0] for case in scans.cases() if not case.beside_copy}
    assert "selective scan" in alone and not beside & alone
