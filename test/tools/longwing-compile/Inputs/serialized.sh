#!/bin/sh
# Stands for ptxas: it had to serialise wgmma, and to spill.
cat <<'LOG'
ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in function 'attention'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'attention' for 'sm_90a'
ptxas info    : Function properties for attention
    256 bytes stack frame, 240 bytes spill stores, 248 bytes spill loads
ptxas info    : Used 168 registers, used 3 barriers, 256 bytes cumulative stack size
LOG
while [ $# -gt 0 ]; do
  [ "$1" = -o ] && echo cubin > "$2"
  shift
done
