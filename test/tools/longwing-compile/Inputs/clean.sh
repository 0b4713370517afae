#!/bin/sh
# Stands for ptxas: all is well.
cat <<'LOG'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'attention' for 'sm_90a'
ptxas info    : Function properties for attention
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 168 registers, used 3 barriers, 1024 bytes smem
LOG
while [ $# -gt 0 ]; do
  [ "$1" = -o ] && echo cubin > "$2"
  shift
done
