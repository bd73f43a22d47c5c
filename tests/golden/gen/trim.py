"""Cuts the full reference cases down to what the tests compare: trim.py FULL GOLDEN (standard library only)."""
import json, os, re, shutil, struct, sys

full, golden = sys.argv[1:3]
MERT = [f"mert-{kind}-tiny/s0" for kind in ("postln", "preln", "layernorm")]
LM = ["llama-tiny/gqa-theta1e4-untied-s0", "llama-tiny/llama3-theta5e5-orig64-untied-s0",
      "llama-tiny/llama3-theta5e5-orig8192-tied-s0", "qwen2-tiny/gqa-tied-s0",
      "qwen3-tiny/headdim24-untied-s0"]


def read(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__", None)
    return {k: (v["dtype"], v["shape"], data[slice(*v["data_offsets"])]) for k, v in header.items()}


def keep(name, *patterns):
    """Copies a safetensors file with only the tensors that match one of the patterns."""
    header, data = {}, b""
    for k, (dtype, shape, raw) in sorted(read(f"{full}/{name}").items(), key=lambda kv: (kv[1][0] != "I64", kv[0])):
        if any(re.fullmatch(p, k) for p in patterns):
            header[k] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(os.path.dirname(f"{golden}/{name}"), exist_ok=True)
    with open(f"{golden}/{name}", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def copy(*names):
    for name in names:
        os.makedirs(os.path.dirname(f"{golden}/{name}"), exist_ok=True)
        shutil.copy(f"{full}/{name}", f"{golden}/{name}")


for case in MERT:
    copy(f"{case}/config.json")
    keep(f"{case}/expected.safetensors", r"hidden_states\.[03]", "mean_hidden_states", r"batch\.hidden_states\.[03]",
         r"batch\.mean_hidden_states", r"(normalized|quiet)\.last_hidden_state")
    for shared in ("inputs.safetensors", "model.safetensors"):  # the first case's serve the others too where they are equal
        if case == MERT[0] or read(f"{full}/{case}/{shared}") != read(f"{full}/{MERT[0]}/{shared}"):
            copy(f"{case}/{shared}")
for case in LM:
    copy(f"{case}/config.json", f"{case}/config.v5.json", f"{case}/inputs.safetensors", f"{case}/model.safetensors")
    keep(f"{case}/expected.safetensors", r"rope\.inv_freq", "logits", "greedy_.*")
copy("adapter/s0/config.json", "adapter/s0/model.safetensors")
keep("adapter/s0/inputs.safetensors", r"hidden_stack\.T(1|49|326)")
keep("adapter/s0/expected.safetensors", r"(mean_states|tokens\.t\d+)\.T(1|49|326)")
keep("log-mel/expected.safetensors", r"filters\.\d+")
copy("sampling/inputs.safetensors", "sampling/expected.safetensors", "musilingo-tiny/postprocess.json")
for name in ("mert/config.json", "mert/model.safetensors", "llm/config.json", "llm/model.safetensors", "llm/tokenizer.json",
             "adapter.safetensors", "expected_text.json"):
    copy(f"musilingo-tiny/s0/{name}")
keep("musilingo-tiny/s0/inputs.safetensors", r"0\..*")
keep("musilingo-tiny/s0/expected.safetensors", r"0\.(?!greedy_logits).*")
