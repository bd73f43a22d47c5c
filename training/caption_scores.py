"""BLEU, METEOR, ROUGE-L and CIDEr of captions, for comparison with other people's tables.

    python caption_scores.py --data work/clips --encoder work/encoder.pt --language work/language.pt

Protocol: the whole scenes of songs-0 (unseen songs, 4 s each), greedy decoding, without findings in the facts; one reference a
scene, what `grammar.py` writes from its truth (every audible instrument, the render's own descriptors). Both are split into words
by pycocoevalcap's PTB tokenizer and scored by its BLEU, METEOR 1.5, ROUGE-L and CIDEr-D, which need Java. Such scores reward the
grammar's own turns of phrase; whether a caption is true is told by the precision and recall beside them.
"""

import argparse
from pathlib import Path

import torch
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from tokenizers import Tokenizer

import grammar
from encoder import CONFIG as ENCODER
from lm import Talker
from shards import Pool
from train_encoder import Listener
from train_language import greedy, listen_to_songs, named

FACTS = grammar.Facts(["lufs"])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "encoder", "language"):
        args.add_argument(f"--{name}", type=Path, required=True)
    a = args.parse_args()
    torch.set_num_threads(1)
    listener = Listener()
    listener.load_state_dict(torch.load(a.encoder, weights_only=False)["model"])
    saved = torch.load(a.language, weights_only=False)
    talker = Talker(saved["config"], ENCODER["hidden_size"]).eval()
    talker.load_state_dict(saved["model"])
    tokenizer = Tokenizer.from_file(str(a.language.with_suffix(".tokenizer.json")))
    scenes = [scene for song in listen_to_songs(listener.eval(), Pool(a.data, "songs-*.f16")) for scene in song]
    said, wanted, right, names, there = {}, {}, 0, 0, 0
    for number, scene in enumerate(scenes):
        text = greedy(talker, tokenizer, scene.means, f"caption. facts: {FACTS}{scene.sound()}")
        truth = grammar.sound(scene.truth["instruments"], [], scene.truth["descriptors"])
        said[number], wanted[number] = [{"caption": text}], [{"caption": grammar.caption(truth, FACTS)}]
        right += len(named(text) & set(truth.sure))
        names, there = names + len(named(text)), there + len(truth.sure)
    words = PTBTokenizer()
    said, wanted = words.tokenize(said), words.tokenize(wanted)
    print(f"{len(scenes)} captions; named instruments: precision {right / names:.2f}, recall {right / there:.2f}")
    for name, scorer in (("BLEU-1..4", Bleu(4)), ("METEOR", Meteor()), ("ROUGE-L", Rouge()), ("CIDEr-D", Cider())):
        score, _ = scorer.compute_score(wanted, said)
        print(name, " ".join(f"{x:.3f}" for x in (score if isinstance(score, list) else [score])))


if __name__ == "__main__":
    main()
