#!/bin/sh
# usage: PY=/path/to/python ./make.sh FULL      writes the full cases to FULL and the trimmed ones beside this folder
set -e
FULL=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PARITY_OUT="$FULL"
for f in gen_mert gen_adapter gen_llm gen_musilingo gen_dsp; do ${PY:-python3} $f.py; done
${PY:-python3} trim.py "$FULL" ..
