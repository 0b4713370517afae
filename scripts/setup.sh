#!/bin/bash
# Installs what Longwing needs on Debian 12, and only what is missing.
set -euo pipefail

packages=(
  # building
  ca-certificates clang-22 lld-22 llvm-22-dev libmlir-22-dev mlir-22-tools cmake ninja-build ccache
  libzstd-dev zlib1g-dev libedit-dev libxml2-dev nlohmann-json3-dev
  # testing
  llvm-22-tools libclang-rt-22-dev libgtest-dev libgmock-dev libopenblas0-pthread python3 python3-numpy python3-psutil python3-pytest
  python3-pytest-xdist
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: these packages are missing, and there is no sudo: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
