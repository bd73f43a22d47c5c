#!/usr/bin/env bash
# Renders training and evaluation clips in resumable shards: render.sh OUT BANK [BANK...]
# What training is checked on comes from the first bank alone, whose folder also has midi/ and ir/.
# FONTS are the SoundFonts, from Debian's fluid-soundfont-gm and musescore-general-soundfont (both MIT).
# A shard holds about 2 000 to 4 000 clips of 4 s at 24 kHz (0.4 to 0.8 GB); a finished one has a .done file beside it.
set -euo pipefail
out=$1 first=$2 last=${!#}
banks=()
for bank in "${@:2}"; do banks+=(--bank "$bank"); done
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
cargo build --release --quiet --manifest-path "$here/../Cargo.toml" --package factory
factory="$here/../target/release/factory"
read -ra fonts <<< "${FONTS:-/usr/share/sounds/sf2/FluidR3_GM.sf2 /usr/share/sounds/sf3/MuseScore_General.sf3}"

render() { # KIND NAME SPLIT [OPTION...]
  [ -e "$out/$2.done" ] && return
  local from=("${banks[@]}")
  [ "$3" = heldout ] && from=(--bank "$first")
  "$factory" "$1" --out "$out/$2" "${from[@]}" --holdout "$here/holdout.toml" --split "$3" "${@:4}"
  touch "$out/$2.done"
}

# Single voices and finished mixes: recordings, with a third of procedural voices.
train() { render clips "train-$1" train --seed "$1" --count 4096 --procedural-share 0.35 --mix-share 0.2; }
# Recordings alone, which is what the trainer's single clips mostly are. The last bank has those that are performed.
recorded() { render clips "train-r$1" train --seed $((20 + $1)) --count 4096 --procedural-share 0 --mix-share 0; }
# The same with some computed voices, since it is known how a voice is played.
played() { render clips "train-r$1" train --seed $((20 + $1)) --count 4096 --procedural-share 0.15 --mix-share 0; }
# What is performed alone: sung speech, legato lines.
performed() { local banks=(--bank "$last"); render clips "train-p$1" train --seed $((40 + $1)) --count 3072 --procedural-share 0 --mix-share 0; }
# Stems of songs at the same moments, for mixes made while training.
scenes() { render scenes "train-s$1" train --seeds $((500000 + $1 * 40))..$((500040 + $1 * 40)) --count 10 --procedural-share 0.75; }
# The same with mostly recorded voices.
recorded_scenes() { render scenes "train-n$1" train --seeds $((520000 + $1 * 40))..$((520040 + $1 * 40)) --count 6 --procedural-share 0.25; }
# The same of other arrangements, through SoundFonts.
soundfont() { # NAME FIRST END
  [ -e "$out/$1.done" ] || "$here/work/venv/bin/python" "$here/soundfont.py" --midi "$first/midi" --rooms "$first/ir" \
    --soundfont "${fonts[@]}" --out "$out/$1" --songs "$2..$3"
}
# The same of many more songs, a few moments of each: what mixes of unseen songs need.
songs() { render scenes "train-m$1" train --seeds $((510000 + $1 * 50))..$((510050 + $1 * 50)) --count 5 --procedural-share 0.8; }

# What training is checked on: recordings never trained on; unseen phrases and patches; unseen songs.
render clips heldout-0 heldout --seed 1000000 --count 1024 --procedural-share 0 --mix-share 0
render clips playing-0 heldout --seed 1000001 --count 2048 --procedural-share 0 --mix-share 0
render clips eval-0 train --seed 999999 --count 2048 --procedural-share 0.5 --mix-share 0.5
render scenes songs-0 train --seeds 990000..990030 --count 5 --procedural-share 1 --treated-share 0
soundfont valid-f0 900000 900020 # what the odds are calibrated on: arrangements that training never hears, through the same fonts
for ((i = 0; i < 10; i++)); do soundfont "train-f$i" $((i * 50)) $((i * 50 + 50)); done
for ((i = 0; i < 12; i++)); do recorded "$i"; done
for ((i = 20; i < 24; i++)); do played "$i"; done
for ((i = 0; i < 5; i++)); do performed "$i"; done
for ((i = 0; i < 4; i++)); do recorded_scenes "$i"; done
for i in 0 1 2; do train "$i"; done
for ((i = 0; i < 11; i++)); do scenes "$i"; done
for ((i = 0; i < 24; i++)); do songs "$i"; done
