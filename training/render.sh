#!/usr/bin/env bash
# Renders training and evaluation clips in resumable shards: render.sh OUT BANK SHARDS
# A shard is 4 096 clips of 4 s at 24 kHz (0.8 GB); a finished one has a .done file beside it.
set -euo pipefail
out=$1 bank=$2 shards=$3
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
cargo build --release --quiet --manifest-path "$here/../Cargo.toml" --package factory
factory="$here/../target/release/factory"

clips() { # NAME SEED COUNT SPLIT [OPTION...]
  [ -e "$out/$1.done" ] && return
  "$factory" clips --seed "$2" --count "$3" --seconds 4 --out "$out/$1.f16" \
    --bank "$bank" --holdout "$here/holdout.toml" --split "$4" "${@:5}"
  touch "$out/$1.done"
}

train() { clips "train-$1" "$1" 4096 train --procedural-share 0.5 --mix-share 0.5; }

train 0
clips eval-0 999999 2048 train --procedural-share 0.5 --mix-share 0.5    # an unseen seed: other phrases and patches, the same recordings
clips heldout-0 1000000 1024 heldout --procedural-share 0 --mix-share 0  # recordings never trained on
for ((i = 1; i < shards; i++)); do train "$i"; done
