"""Writes DIR/goldens.jsonl: what the real libraries make of some texts with the small tokenizers in
DIR (see train_small.py).

    python tools/vocab/train_small.py tests/unit/data/tokenizers --vocab 330 TEXT
    python tools/vocab/small_goldens.py tests/unit/data/tokenizers
"""
import json
import os
import string
import sys

import sentencepiece
from tokenizers import Tokenizer

sys.path.insert(0, os.path.dirname(__file__))
from lines import WORDS, random_lines

folder = sys.argv[1]
texts = list(dict.fromkeys([" ".join(WORDS[:40]), "".join(WORDS), "  two  spaces ", "wörd swörd wörds",
                            "a <sep> b<|im_end|>c", "ꟕ꟔ \U00016ea0 \ua7ce\U0001df09",
                            " ".join(c * n for c in string.ascii_lowercase for n in (3, 5, 8)),
                            *random_lines(40, seed=77)]))
# Hugging Face's BertNormalizer knows the categories of Unicode 8 only; leave newer characters out.
texts = [t for t in texts if len(t) < 500 and not any(0x11C00 <= ord(c) < 0x12000 for c in t)]
names = sorted(n for n in os.listdir(folder) if n.endswith((".json", ".model")))
encoders = []
for n in names:
    if n.endswith(".model"):
        sp = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/{n}")
        encoders.append(sp.encode)
    else:
        tok = Tokenizer.from_file(f"{folder}/{n}")
        encoders.append(lambda text, tok=tok: tok.encode(text, add_special_tokens=False).ids)
with open(f"{folder}/goldens.jsonl", "w") as f:
    for text in texts:
        row = {"text": text, **{n: e(text) for n, e in zip(names, encoders)}}
        f.write(json.dumps(row, separators=(",", ":")) + "\n")
