"""Compares `docassist tokenize` with tiktoken on real and random lines.

    pip install tiktoken==0.14.0; npm pack tiktoken@1.0.22 && tar xzf tiktoken-1.0.22.tgz
    python tools/vocab/diff_tiktoken.py --ranks package/encoders/o200k_base.json \\
        --random 200000 [--docassist build/docassist] [TEXT...]
"""
import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile

import tiktoken
import tiktoken_ext.openai_public as public

sys.path.insert(0, os.path.dirname(__file__))
from lines import random_lines, real_lines


def encoding(path):
    """tiktoken's own definition of the encoding, its ranks from the npm package."""
    ranks = {}
    for line in json.load(open(path))["bpe_ranks"].split("\n"):
        if line:
            _, _, *tokens = line.split(" ")
            for t in tokens:
                ranks[base64.b64decode(t)] = len(ranks)
    public.load_tiktoken_bpe = lambda *a, **k: ranks
    name = os.path.basename(path).split(".")[0]
    return name, tiktoken.Encoding(**getattr(public, name)())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--ranks", required=True)
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--docassist", default="build/docassist")
    p.add_argument("files", nargs="*")
    a = p.parse_args()
    name, enc = encoding(a.ranks)
    lines = list(real_lines(a.files)) + list(random_lines(a.random, a.seed))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        for line in lines:
            f.write(json.dumps({"text": line}) + "\n")
        f.flush()
        out = subprocess.run([a.docassist, "tokenize", "--tokenizer", name, "--jsonl", f.name],
                             stdout=subprocess.PIPE, check=True).stdout
    bad = tokens = 0
    got_lines = out.decode().splitlines()
    assert len(got_lines) == len(lines)
    for line, got in zip(lines, got_lines):
        want = enc.encode_ordinary(line)
        tokens += len(want)
        if json.loads(got)["ids"] != want:
            bad += 1
            if bad <= 10:
                print(repr(line), "\n  got ", json.loads(got)["ids"], "\n  want", want)
    print(f"{name}: {len(lines)} lines, {sum(map(len, lines))} characters, {tokens} tokens: "
          f"{bad} lines differ")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
