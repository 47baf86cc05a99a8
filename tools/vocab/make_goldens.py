"""Writes tests/unit/data/tokenizer_goldens.jsonl: texts and the ids the real libraries give.

    pip install tiktoken==0.14.0 tokenizers==0.23.3; npm pack tiktoken@1.0.22 (unpacked to package/)
    python tools/vocab/make_goldens.py package/encoders ../shared/slimlm-125m/tokenizer.json \\
        > tests/unit/data/tokenizer_goldens.jsonl
"""
import json
import os
import sys

from tokenizers import Tokenizer

sys.path.insert(0, os.path.dirname(__file__))
from diff_tiktoken import encoding
from lines import WORDS, random_lines

encoders = [encoding(f"{sys.argv[1]}/{n}.json") for n in ("o200k_base", "cl100k_base")]
slimlm = Tokenizer.from_file(sys.argv[2])
plain = Tokenizer.from_file(sys.argv[2])
plain.encode_special_tokens = True
texts = list(dict.fromkeys(WORDS + list(random_lines(150, seed=20))))
for text in texts:
    row = {"text": text}
    for name, enc in encoders:
        row[name] = enc.encode_ordinary(text)
    row["slimlm"] = plain.encode(text, add_special_tokens=False).ids
    row["slimlm_special"] = slimlm.encode(text, add_special_tokens=False).ids
    print(json.dumps(row, separators=(",", ":")))
