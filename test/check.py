#!/usr/bin/env python3
# ===- check.py - Runs every test and counts the results -------------------=== #
#
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Runs lit, the C++ unit tests and pytest, all of them even if one fails.

The last line is the sum: "N passed, N failed, N skipped".
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent


class Counts:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def banner(title):
    print(f"\n=== {title} ===", flush=True)


def or_failed(counts, returncode):
    """A runner that failed without a failed test (a crash, no test found) is one failure."""
    if returncode != 0 and counts.failed == 0:
        counts.failed = 1
    return counts


def run_lit(arguments, results):
    banner("lit")
    report = results / "lit.json"
    report.unlink(missing_ok=True)
    command = [arguments.lit, "-v", "-j", str(os.cpu_count() or 2), "-o", str(report), str(arguments.build / "test")]
    if importlib.util.find_spec("psutil"):  # lit needs it to stop a test
        command += ["--timeout", "300"]
    if arguments.filter:
        command += ["--filter", arguments.filter]
    returncode = subprocess.call(command)
    counts = Counts()
    if report.exists():
        for test in json.loads(report.read_text())["tests"]:
            if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
                counts.passed += 1
            elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
                counts.skipped += 1
            else:
                counts.failed += 1
    return or_failed(counts, returncode)


def run_unit_tests(arguments, results):
    program = arguments.build / "bin" / "LongwingUnitTests"
    if not program.exists():
        return Counts()
    banner("unit tests")
    report = results / "unit.json"
    report.unlink(missing_ok=True)
    returncode = subprocess.call([str(program), f"--gtest_output=json:{report}", "--gtest_brief=1"])
    counts = Counts()
    if report.exists():
        for suite in json.loads(report.read_text())["testsuites"]:
            for test in suite["testsuite"]:
                if test.get("failures"):
                    counts.failed += 1
                elif test.get("result") == "SKIPPED":
                    counts.skipped += 1
                else:
                    counts.passed += 1
    return or_failed(counts, returncode)


def run_pytest(arguments, results):
    banner("pytest")
    report = results / "pytest.xml"
    report.unlink(missing_ok=True)
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT.parent / "python"), environment.get("PYTHONPATH")]))
    environment["LONGWING_LIBRARY_DIR"] = str(arguments.build / "lib")
    environment["LONGWING_BIN_DIR"] = str(arguments.build / "bin")
    folders = [str(ROOT / name) for name in ("python", "fuzz", "gpu") if any((ROOT / name).glob("test_*.py"))]
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", f"--rootdir={ROOT}",
               f"--junitxml={report}", *folders]
    if importlib.util.find_spec("xdist"):  # most tests compile or run on one core
        command += ["-n", str(os.cpu_count() or 2), "--dist", "loadgroup"]
    if arguments.filter:
        command += ["-k", arguments.filter]
    returncode = subprocess.call(command, env=environment, cwd=ROOT.parent)
    counts = Counts()
    if report.exists():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            total, failed, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
            counts += Counts(total - failed - errors - skipped, failed + errors, skipped)
    # 5: nothing was collected, which is right when a filter chose lit tests only.
    return or_failed(counts, 0 if returncode == 5 and arguments.filter else returncode)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build folder")
    parser.add_argument("--lit", default="lit", help="LLVM's lit")
    parser.add_argument("--sanitized", action="store_true",
                        help="the build has sanitizers: Python cannot load its libraries")
    parser.add_argument("--filter", default=os.environ.get("LONGWING_TEST_FILTER"),
                        help="run only tests whose name matches (also: LONGWING_TEST_FILTER)")
    arguments = parser.parse_args()
    if arguments.sanitized:
        os.environ["LONGWING_SANITIZED"] = "1"
        # LLVM's headers poison the arenas that its libraries, built without sanitizers, then fill.
        os.environ.setdefault("ASAN_OPTIONS", "allow_user_poisoning=0")
    arguments.build = arguments.build.resolve()
    results = arguments.build / "test" / "results"
    results.mkdir(parents=True, exist_ok=True)
    total = Counts()
    for runner in (run_lit, run_unit_tests, run_pytest):
        total += runner(arguments, results)
    banner("all tests")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
