"""Writes model-assets/ from the trained checkpoints, and the vectors that hold crates/models equal to these scripts.

python export.py --data work/clips --encoder work/encoder.pt --language work/language.pt --assets ../model-assets --golden ../tests/golden/default
"""

import argparse
import hashlib
import json
import random
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

import grammar
from calibrate import instrument_limits, label_limits
from encoder import CONFIG as ENCODER
from encoder import Heads
from features import log_mel
from lm import CHUNK_FRAMES, Talker, chunk_means
from shards import INSTRUMENTS, LABELS, QUALITIES, Pool, samples
from train_encoder import Listener
from batches import AFTER, BEFORE, END
from train_language import greedy

MANIFEST = {
    "format": 1,
    "name": "barline-default-9",
    "licence": "CC-BY-4.0",
    "encoder": "encoder/",
    "lm": "lm/",
    "adapter": {"kind": "linear", "weights": "adapter.safetensors", "layers": "mean", "chunk_frames": CHUNK_FRAMES},
    "normalize_input": False,
    "heads": "heads.safetensors",
    "prompt": {"bos": True, "before": BEFORE, "after": AFTER, "stop": [END], "answer_after": grammar.SAY},
}


def half(state):
    return {k: v.detach().half().contiguous() for k, v in state.items()}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_assets(assets, listener, talker, tokenizer_path, calibration):
    """The model folder of DESIGN.md with f16 weights and a manifest of hashes."""
    (assets / "encoder").mkdir(parents=True, exist_ok=True)
    (assets / "lm").mkdir(exist_ok=True)
    write_json(assets / "barline.json", MANIFEST)
    write_json(assets / "encoder/config.json", ENCODER)
    save_file(half(listener.encoder.state_dict()), assets / "encoder/model.safetensors")
    write_json(assets / "lm/config.json", talker.lm.config)
    save_file(half(talker.lm.state_dict()), assets / "lm/model.safetensors")
    shutil.copy(tokenizer_path, assets / "lm/tokenizer.json")
    save_file(half({f"llama_proj.{k}": v for k, v in talker.llama_proj.state_dict().items()}), assets / "adapter.safetensors")
    temperature, abstain, sure, doubt = calibration
    about = {
        "label": json.dumps(LABELS),
        "instruments": json.dumps(INSTRUMENTS),
        "descriptors": json.dumps(QUALITIES),
        "label_temperature": f"{temperature:.3f}",
        "label_abstain": f"{abstain:.3f}",
        "instruments_threshold": f"{sure:.3f}",
        "instruments_doubt": f"{doubt:.3f}",
    }
    save_file(half(listener.heads.state_dict()), assets / "heads.safetensors", metadata=about)
    for path in assets.rglob("*.safetensors"):
        path.chmod(0o644)
    rows = ["# Every file of the embedded model. `cargo xtask models` verifies it.", ""]
    for path in sorted(p for p in assets.rglob("*") if p.suffix in {".json", ".safetensors"}):
        data = path.read_bytes()
        rows += ["[[file]]", f'path = "{path.relative_to(assets).as_posix()}"', f"bytes = {len(data)}"]
        rows += [f'sha256 = "{hashlib.sha256(data).hexdigest()}"', 'licence = "CC-BY-4.0"', 'provenance = "trained by training/, see MODEL_CARD.md"', ""]
    (assets / "manifest.toml").write_text("\n".join(rows))


@torch.no_grad()
def write_golden(golden, assets, clip, truth, temperature):
    """Runs the *exported* f16 weights in f32, stage by stage, on one evaluation clip."""
    listener = Listener().eval()
    listener.encoder.load_state_dict({k: v.float() for k, v in load_file(assets / "encoder/model.safetensors").items()})
    listener.heads.load_state_dict({k: v.float() for k, v in load_file(assets / "heads.safetensors").items()})
    talker = Talker(json.loads((assets / "lm/config.json").read_text()), ENCODER["hidden_size"]).eval()
    talker.lm.load_state_dict({k: v.float() for k, v in load_file(assets / "lm/model.safetensors").items()})
    adapter = load_file(assets / "adapter.safetensors")
    talker.llama_proj.load_state_dict({k.removeprefix("llama_proj."): v.float() for k, v in adapter.items()})
    tokenizer = Tokenizer.from_file(str(assets / "lm/tokenizer.json"))

    wave = torch.from_numpy(clip.astype(np.float32)).unsqueeze(0)
    mel = log_mel(wave)
    states = listener.encoder.hidden_states(mel)
    mean = torch.stack(states).mean(0)
    heads = listener.heads(mean)
    chunks = chunk_means(mean)
    instruction = f"caption. facts: {grammar.draw_facts(random.Random(5))}{grammar.Sound(['drums', 'bass'], ['organ'], ['dark'])}"
    text = greedy(talker, tokenizer, chunks[0], instruction)
    classes = {"label": LABELS, "instruments": INSTRUMENTS, "descriptors": QUALITIES}
    golden.mkdir(parents=True, exist_ok=True)
    tensors = {"samples": wave, "log_mel": mel[0].T[:50], "mean_hidden_states": mean, "pooled": Heads.pool(mean)}
    tensors |= {"hidden_states.0": states[0], f"hidden_states.{len(states) - 1}": states[-1]}
    odds = {"label": torch.softmax(heads["label"] / temperature, -1)}
    odds |= {name: torch.sigmoid(heads[name]) for name in ("instruments", "descriptors")}
    tensors |= {f"heads.{k}": v for k, v in odds.items()} | {"soft_tokens": talker.llama_proj(chunks)}
    save_file({k: v.float().contiguous() for k, v in tensors.items()}, golden / "expected.safetensors")
    (golden / "expected.safetensors").chmod(0o644)
    write_json(golden / "expected.json", {"instruction": instruction, "text": text, "truth": truth, "classes": classes})
    print(f"{text}  <-  {truth['instruments']}")


def main():
    args = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "encoder", "language", "assets", "golden"):
        args.add_argument(f"--{name}", required=True, type=Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    listener = Listener()
    listener.load_state_dict(torch.load(a.encoder, weights_only=False)["model"])
    listener.eval()
    saved = torch.load(a.language, weights_only=False)
    talker = Talker(saved["config"], ENCODER["hidden_size"])
    talker.load_state_dict(saved["model"])
    pool = Pool(a.data, "eval-*.f16")
    heldout = Pool(a.data, "heldout-*.f16")
    songs = [Pool(a.data, name) for name in ("songs-*.f16", "valid-f*.f16")]
    music = Pool(a.data, "valid-music-*.f16")
    calibration = (*label_limits(listener, heldout), *instrument_limits(listener, songs, heldout, music))
    write_assets(a.assets, listener, talker.eval(), a.language.with_suffix(".tokenizer.json"), calibration)
    clip = next(i for i, t in enumerate(pool.truths) if t["kind"] == "mix" and len(t["instruments"]) >= 3)
    wave = samples(a.data / "eval-0.f16", len(pool.truths))[clip]
    write_golden(a.golden, a.assets, wave[: 24000 * 5 // 2], pool.truths[clip], round(calibration[0], 3))


if __name__ == "__main__":
    main()
