#!/bin/bash
# Installs what is missing, builds everything and runs every test. Tests that need a card skip themselves without one.
# Usage: scripts/test.sh [PRESET], "release" if not given.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
scripts/setup.sh
cmake --preset "$preset" -DLONGWING_BUILD_TESTS=ON >/dev/null
cmake --build "build/$preset"
cmake --build "build/$preset" --target check-longwing
