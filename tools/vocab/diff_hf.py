"""Compares `docassist tokenize` with Hugging Face's tokenizers, or sentencepiece, line by line.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    python tools/vocab/diff_hf.py --random 200000 [--text TEXT]... tokenizer.json... spiece.model...

--ours FILE gives docassist another source of the same vocabulary (a GGUF file).
--plain compares with special tokens read as plain text on both sides.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import sentencepiece
from tokenizers import Tokenizer

sys.path.insert(0, os.path.dirname(__file__))
from lines import random_lines, real_lines


def reference(path, plain, add_special):
    if path.endswith(".model"):
        sp = sentencepiece.SentencePieceProcessor(model_file=path)
        return lambda lines: sp.encode(lines)
    tok = Tokenizer.from_file(path)
    tok.encode_special_tokens = plain
    return lambda lines: [e.ids for e in tok.encode_batch(lines, add_special_tokens=add_special)]


def ours(a, path, rows):
    command = [a.docassist, "tokenize", "--tokenizer", a.ours or path, "--jsonl", rows]
    if not a.plain and not path.endswith(".model"):
        command.append("--parse-special")
    if a.add_special:
        command.append("--add-special")
    out = subprocess.run(command, stdout=subprocess.PIPE)
    if out.returncode:
        return None
    return [json.loads(x)["ids"] for x in out.stdout.decode().splitlines()]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--ours")
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--show", type=int, default=5)
    p.add_argument("--plain", action="store_true")
    p.add_argument("--add-special", action="store_true")
    p.add_argument("--docassist", default="build/docassist")
    p.add_argument("--text", action="append", default=[])
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    lines = list(real_lines(a.text)) + list(random_lines(a.random, a.seed))
    failed = False
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        for line in lines:
            f.write(json.dumps({"text": line}) + "\n")
        f.flush()
        for path in a.files:
            got = ours(a, path, f.name)
            if got is None or len(got) != len(lines):
                failed = True
                continue
            encode = reference(path, a.plain, a.add_special)
            bad = tokens = 0
            for i in range(0, len(lines), 1000):
                for line, want, g in zip(lines[i : i + 1000], encode(lines[i : i + 1000]),
                                         got[i : i + 1000]):
                    tokens += len(want)
                    if g != want:
                        bad += 1
                        if bad <= a.show:
                            print(repr(line), "\n  got ", g, "\n  want", want)
            print(f"{path}: {len(lines)} lines, {tokens} tokens: {bad} lines differ", flush=True)
            failed = failed or bad > 0
    return failed


sys.exit(main())
