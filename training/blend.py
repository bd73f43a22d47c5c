"""Writes weights between those that a schedule began with and those that it ended with: they keep more of both than either.

    python blend.py --start ../model-assets --end work/encoder.pt --share 0.7 --out work/blended.pt

Fine-tuned weights and their start, averaged, are often better than both where the data is like neither's (Wortsman et al., 2022,
"Robust fine-tuning of zero-shot models"). Heads that the start lacks are the end's.
"""

import argparse

import torch

from train_encoder import Listener, begin


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("start", "end", "out"):
        args.add_argument(f"--{name}", required=True)
    args.add_argument("--share", type=float, required=True, help="of the end")
    a = args.parse_args()
    end = torch.load(a.end, weights_only=False)["model"]
    listener = Listener()
    listener.load_state_dict(end)
    begin(listener, a.start)
    start = listener.state_dict()
    torch.save({"model": {name: torch.lerp(start[name], end[name], a.share) for name in end}}, a.out)


if __name__ == "__main__":
    main()
