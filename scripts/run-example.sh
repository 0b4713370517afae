#!/bin/bash
# Installs what is missing, builds the compiler and the runtime, and reads a text with a causal attention layer:
# see examples/read_text. Arguments go to read_text.py.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "Building (the first time takes some minutes)"
cmake --preset release >/dev/null
cmake --build build/release --target longwing-compile longwing-run longwing longwing-runtime
exec /usr/bin/env python3 examples/read_text/read_text.py "$@"
