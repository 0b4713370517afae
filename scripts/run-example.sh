#!/bin/bash
# Installs what is missing, builds the compiler and the runtime, and reads a text with a causal attention layer:
# see examples/read_text. Arguments go to read_text.py.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "Building (the first time takes some minutes)"
cmake --preset release >/dev/null
cmake --build build/release --target longwing-compile longwing longwing-runtime
# Debian's Python has the numpy that setup.sh installs; another python3 in PATH may not.
python=python3
"$python" -c "import numpy" 2>/dev/null || python=/usr/bin/python3
exec "$python" examples/read_text/read_text.py "$@"
