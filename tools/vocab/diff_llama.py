"""Compares `docassist tokenize` with llama.cpp's own tokenizer, line by line.

    LLAMA_PEER=PROGRAM python tools/vocab/diff_llama.py --random 5000 [--text TEXT]... VOCAB.gguf...

LLAMA_PEER: bench/engine/llama_peer.c, compiled against llama.cpp. Special tokens are plain text on
both sides. Where a vocabulary's original is a Hugging Face tokenizer whose rules are known, the
same vocabulary and merges are also put into the real `tokenizers`, and the lines that differ from
llama.cpp are compared with what it gives.

Needs tokenizers and gguf (PyPI). Exit 1 when a line differs from both.
"""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

sys.path.insert(0, os.path.dirname(__file__))
from lines import random_lines, real_lines


def theirs(path, lines):
    data = b"".join(struct.pack("<I", len(t)) + t for t in (x.encode() for x in lines))
    out = subprocess.run([os.environ["LLAMA_PEER"], "tokens", path], input=data,
                         stdout=subprocess.PIPE, check=True).stdout
    rows, at = [], 0
    for _ in lines:
        (n,) = struct.unpack_from("<I", out, at)
        rows.append(list(struct.unpack_from(f"<{n}i", out, at + 4)))
        at += 4 + 4 * n
    return rows


def ours(docassist, path, rows):
    out = subprocess.run([docassist, "tokenize", "--tokenizer", path, "--jsonl", rows],
                         stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(x)["ids"] for x in out.decode().splitlines()]


def original(path):
    """The vocabulary in the real tokenizers, or None where its rules are not listed here."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pres = {"falcon": pre_tokenizers.Sequence([
                pre_tokenizers.Punctuation("contiguous"), byte_level,
                pre_tokenizers.Digits(individual_digits=False),
                pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")]),
            "starcoder": pre_tokenizers.Sequence([
                pre_tokenizers.Digits(individual_digits=True), byte_level]),
            "gpt-neox": byte_level}
    kind = next((k for k in [*pres, "bert-bge"] if k in os.path.basename(path)), None)
    if kind is None:
        return None
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    if kind == "bert-bge":
        words = {t[1:] if t.startswith("\u2581") else t if t[0] == "[" and t[-1] == "]" and len(t) > 2 else "##" + t: i
                 for i, t in enumerate(tokens)}
        tok = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
        tok.normalizer = normalizers.BertNormalizer()
        tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return tok
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tok.pre_tokenizer = pres[kind]
    types = fields["tokenizer.ggml.token_type"].contents()
    tok.add_tokens([AddedToken(t, normalized=True)
                    for t, kind in zip(tokens, types) if kind == gguf.TokenType.USER_DEFINED])
    return tok


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--random", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--show", type=int, default=5)
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
            got, want = ours(a.docassist, path, f.name), theirs(path, lines)
            bad = [i for i in range(len(lines)) if got[i] != want[i]]
            tok = original(path)
            lone = bad
            if tok:
                ids = [e.ids for e in tok.encode_batch([lines[i] for i in bad],
                                                       add_special_tokens=False)]
                lone = [i for i, x in zip(bad, ids) if got[i] != x]
            for i in sorted(lone, key=lambda i: len(lines[i]))[: a.show]:
                print(repr(lines[i]), "\n  got ", got[i], "\n  want", want[i])
            print(f"{path}: {len(lines)} lines: {len(bad)} differ from llama.cpp"
                  + (f", {len(lone)} of them from the original" if tok else ""), flush=True)
            failed = failed or bool(lone)
    return failed


sys.exit(main())
