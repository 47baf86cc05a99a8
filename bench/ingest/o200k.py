#!/usr/bin/env python3
"""o200k_base: ids equal to tiktoken's, and the speed beside it, on one core each.

    PEER_PYTHON=.../bin/python; $PEER_PYTHON bench/ingest/o200k.py [--mb 100] [--speed-mb 20] DIR...

Needs tiktoken (PyPI) in the Python that runs it. Its Encoding is built from the ranks that docassist
carries (engine/data/o200k_base.bin, unpacked here), after these have been checked against the
SHA-256 that tiktoken asks of its own download. Text: every UTF-8 file below the folders, catalogues
of translations (.mo) for many scripts, and the shared documents; shuffled in pieces, read again when
there is not enough. Then lines of random Unicode and of random bytes (as both programs read them:
invalid bytes replaced by U+FFFD). The speed is CPU time: for tiktoken of encode_ordinary over
pieces of 100,000 characters, for docassist of the whole process.
"""
import argparse
import gettext
import hashlib
import base64
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import tiktoken
import tiktoken_ext.openai_public as public

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPO, "tools", "vocab"))
from lines import random_lines

BUILD = os.environ.get("DOCASSIST_BUILD", os.path.join(REPO, "build"))
SHARED = os.environ.get("DOCASSIST_SHARED", os.path.join(REPO, "..", "shared"))
PROGRAM = os.path.join(BUILD, "docassist")
PIECE = 100000


def unpack(path):
    """The ranks of a packed vocabulary; its format stands in tools/vocab/pack_ranks.py."""
    data = open(path, "rb").read()
    assert data[:8] == b"DARANKS1"
    n = int.from_bytes(data[8:12], "little")
    tokens = [data[12 + i : 13 + i] for i in range(256)]
    bits, have, at = 0, 0, 12 + 256
    for i in range(256, n):
        width = (i - 1).bit_length()
        pair = []
        for _ in range(2):
            while have < width:
                bits |= data[at] << have if at < len(data) else 0
                have += 8
                at += 1
            pair.append(bits & ((1 << width) - 1))
            bits >>= width
            have -= width
        tokens.append(tokens[pair[0]] + tokens[pair[1]])
    return tokens


def encoding():
    tokens = unpack(os.path.join(REPO, "engine", "data", "o200k_base.bin"))
    text = b"".join(base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(tokens))

    def load(url, expected_hash=None):
        assert hashlib.sha256(text).hexdigest() == expected_hash, "not tiktoken's ranks"
        return {t: i for i, t in enumerate(tokens)}

    public.load_tiktoken_bpe = load
    return tiktoken.Encoding(**public.o200k_base())


def texts_of(folder):
    for root, dirs, names in os.walk(folder):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(root, name)
            try:
                if os.path.islink(path) or os.path.getsize(path) > 4 << 20:
                    continue
                if name.endswith(".mo"):
                    with open(path, "rb") as f:
                        values = gettext.GNUTranslations(f)._catalog.values()
                    yield "\n".join(v for v in values if isinstance(v, str))
                    continue
                text = open(path, encoding="utf-8", newline="").read()
                if "\0" not in text:
                    yield text
            except (OSError, UnicodeError, ValueError, AttributeError, LookupError):
                continue


def mixed(folders, mb, seed=1):
    """Pieces of about PIECE characters, mb million bytes in all, of all folders alike."""
    r = random.Random(seed)
    pieces = []
    for folder in folders:
        mine, size, rest = [], 0, ""
        for text in texts_of(folder):
            rest += text + "\n"
            while len(rest) >= PIECE:
                mine.append(rest[:PIECE])
                rest = rest[PIECE:]
                size += PIECE
            if size > 4 * mb * 1000000:
                break
        mine.append(rest)
        r.shuffle(mine)
        pieces.append(mine)
    got, size, i = [], 0, 0
    while size < mb * 1000000:
        took = False
        for mine in pieces:
            if i < len(mine):
                got.append(mine[i])
                size += len(mine[i].encode())
                took = True
        i = i + 1 if took else 0
    return got


def ids_of(lines):
    """docassist's ids, line by line."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        for line in lines:
            f.write(json.dumps({"text": line}) + "\n")
        f.flush()
        p = subprocess.Popen([PROGRAM, "tokenize", "--tokenizer", "o200k_base", "--jsonl", f.name],
                             stdout=subprocess.PIPE)
        for row in p.stdout:
            yield json.loads(row)["ids"]
        assert p.wait() == 0


def differ(enc, lines, what):
    n = bad = tokens = size = 0
    for line, got in zip(lines, ids_of(lines)):
        want = enc.encode_ordinary(line)
        n, tokens, size = n + 1, tokens + len(want), size + len(line.encode())
        if got != want:
            bad += 1
            if bad <= 3:
                at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), -1)
                print("  differs at token", at, repr(enc.decode(want[max(0, at - 3) : at + 3])))
    assert n == len(lines)
    print(f"differential, {what}: {n} texts, {size / 1e6:.1f} MB, {tokens} tokens, {bad} differ",
          flush=True)
    return bad


def random_bytes(n, seed=2):
    r = random.Random(seed)
    for _ in range(n):
        raw = r.randbytes(r.randrange(60)).replace(b"\0", b"")
        yield raw.decode(errors="replace")


def speed(enc, pieces, rounds):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="") as f:
        f.write("".join(pieces))
        f.flush()
        mb = os.path.getsize(f.name) / 1e6
        theirs, ours = [], []
        for _ in range(rounds):
            t = time.process_time()
            for p in pieces:
                enc.encode_ordinary(p)
            theirs.append(time.process_time() - t)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([PROGRAM, "tokenize", "--tokenizer", "o200k_base", "--count", f.name],
                           stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            ours.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    x, y = statistics.median(ours), statistics.median(theirs)
    ratios = sorted(b / a for a, b in zip(ours, theirs))
    print(f"speed, {mb:.1f} MB: tiktoken {tiktoken.__version__} {mb / y:.1f} MB/s, docassist "
          f"{mb / x:.1f} MB/s: {y / x:.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f} in "
          f"{rounds} rounds)", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--mb", type=float, default=100)
    p.add_argument("--speed-mb", type=float, default=20)
    p.add_argument("--random", type=int, default=200000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("folders", nargs="*")
    a = p.parse_args()
    enc = encoding()
    folders = a.folders + [os.path.join(SHARED, "docs")]
    if a.speed_mb:
        speed(enc, mixed(folders, a.speed_mb), a.rounds)
    bad = 0
    if a.mb:
        bad += differ(enc, mixed(folders, a.mb), "mixed text")
    if a.random:
        bad += differ(enc, list(random_lines(a.random)), "random Unicode")
        bad += differ(enc, list(random_bytes(a.random)), "random bytes")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
