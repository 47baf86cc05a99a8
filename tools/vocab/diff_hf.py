"""Compares `docassist tokenize` with Hugging Face's tokenizers on real and random lines.

    pip install tokenizers==0.23.3
    python tools/vocab/diff_hf.py --json tokenizer.json --random 200000 [TEXT...]

--ours FILE gives docassist another source of the same vocabulary (a GGUF file).
--plain compares with special tokens read as plain text on both sides.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

sys.path.insert(0, os.path.dirname(__file__))
from lines import random_lines, real_lines


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--json", required=True)
    p.add_argument("--ours")
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--plain", action="store_true")
    p.add_argument("--add-special", action="store_true")
    p.add_argument("--docassist", default="build/docassist")
    p.add_argument("files", nargs="*")
    a = p.parse_args()
    tok = Tokenizer.from_file(a.json)
    if a.plain:
        tok.encode_special_tokens = True
    lines = list(real_lines(a.files)) + list(random_lines(a.random, a.seed))
    command = [a.docassist, "tokenize", "--tokenizer", a.ours or a.json]
    if not a.plain:
        command.append("--parse-special")
    if a.add_special:
        command.append("--add-special")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        for line in lines:
            f.write(json.dumps({"text": line}) + "\n")
        f.flush()
        out = subprocess.run(command + ["--jsonl", f.name], stdout=subprocess.PIPE,
                             check=True).stdout
    got_lines = out.decode().splitlines()
    assert len(got_lines) == len(lines), (len(got_lines), len(lines))
    bad = tokens = 0
    for i in range(0, len(lines), 1000):
        for line, want, got in zip(lines[i : i + 1000],
                                   tok.encode_batch(lines[i : i + 1000],
                                                    add_special_tokens=a.add_special),
                                   got_lines[i : i + 1000]):
            tokens += len(want.ids)
            if json.loads(got)["ids"] != want.ids:
                bad += 1
                if bad <= 10:
                    print(repr(line), "\n  got ", json.loads(got)["ids"], "\n  want", want.ids)
    print(f"{a.json}: {len(lines)} lines, {tokens} tokens: {bad} lines differ")
    return bad > 0


sys.exit(main())
