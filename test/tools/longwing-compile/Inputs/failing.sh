#!/bin/sh
# Stands for ptxas: it does not like line 12.
echo "ptxas /tmp/a.ptx, line 12; error   : Unknown modifier '.frobnicate'"
echo "ptxas fatal   : Ptx assembly aborted due to errors"
exit 255
