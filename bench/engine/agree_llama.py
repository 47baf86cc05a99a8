"""The same files in docassist and in llama.cpp: logits over teacher-forced positions.

    LLAMA_PEER=PROGRAM LOGITS=PROGRAM [LLAMA_QUANTIZE=PROGRAM] \\
        python bench/engine/agree_llama.py build/docassist [--positions 200] [--types q4_0,q8_0,q4_k_m]
            [--kl BOUND] NAME=MODEL.gguf...

LLAMA_PEER: bench/engine/llama_peer.c compiled against llama.cpp; LOGITS: tests/tools/token_logits of the
build. Each MODEL (F32 or F16) is turned into the types by `docassist model import`, and by
llama-quantize where LLAMA_QUANTIZE names it; every file is run by both programs on the same random
tokens with keys and values in F32. Needs numpy.

llama.cpp runs a file in four ways that its user may choose between, and that differ in the order
of sums or in what is rounded: as the file is, with weights repacked, one token at a time instead of
all in one batch, and with flash attention. How far the other three are from the first is how far it
is from itself. The exit status is the bar:

  - first tokens at positions where llama.cpp's two best differ by more than 0.01: the same, or at
    most twice as many others as the farthest of its own ways has;
  - log-probabilities of tokens with a probability over 1e-6: at most twice as far;
  - with --kl: the mean KL divergence from its first way is under BOUND.

Also printed: how far each program is (mean KL divergence) from the same file decoded to F32 and run
without rounding anything.
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

WAYS = {"as it is": "-", "repacked": "r", "one at a time": "1", "flash attention": "f"}
MARGIN, SEEN = 1e-2, np.log(1e-6)


def run(command, ids):
    out = subprocess.run(command, input=struct.pack(f"<{len(ids)}i", *ids), stdout=subprocess.PIPE,
                         check=True).stdout
    (n,) = struct.unpack_from("<I", out)
    x = np.frombuffer(out, dtype=np.float32, offset=4).reshape(len(ids), n)
    top = x.max(1, keepdims=True).astype(np.float64)
    return (x - top - np.log(np.sum(np.exp(x - top), 1, keepdims=True))).astype(np.float32)


def kl(p, q):
    return float(np.mean([np.sum(np.exp(a, dtype=np.float64) * (a.astype(np.float64) - b))
                          for a, b in zip(p, q)]))


def lead(x):
    """First tokens and by how much they lead."""
    top = np.partition(x, -2, axis=1)[:, -2:]
    return x.argmax(1), top[:, 1] - top[:, 0]


def exact_numbers(docassist, path, ids):
    exact = path + ".f32"
    subprocess.run([docassist, "model", "import", path, "--type", "f32", "-o", exact], check=True,
                   capture_output=True)
    try:
        return run([os.environ["LOGITS"], exact, "f32"], ids)
    finally:
        os.unlink(exact)


def compare(docassist, name, path, ids, bound):
    peer = os.environ["LLAMA_PEER"]
    ours = run([os.environ["LOGITS"], path, "f32"], ids)
    plain = run([peer, "logits", path, WAYS["as it is"]], ids)
    first, by = lead(plain)
    seen, clear, sure, itself, others = plain > SEEN, by > MARGIN, by > MARGIN, {}, {}
    for way, letters in list(WAYS.items())[1:]:
        other = run([peer, "logits", path, letters], ids)
        itself[way] = float(np.abs(other - plain)[seen].max())
        token, by = lead(other)
        others[way] = int(np.sum((token != first) & clear))
        sure = sure & (token == first) & (by > MARGIN)
    wrong = ours.argmax(1) != first
    differ = int(np.sum(wrong & clear))
    mine = float(np.abs(ours - plain)[seen].max())
    apart = kl(plain, ours)
    exact = exact_numbers(docassist, path, ids)
    bad = (differ > 2 * max(others.values()) or mine > 2 * max(itself.values()) or
           (bound and apart >= bound))
    print(f"{name}: {'NO' if bad else 'ok'}; other first token at {differ} of {int(clear.sum())} "
          f"(where all its ways agree: {int(np.sum(wrong & sure))} of {int(sure.sum())}; its own: " +
          ", ".join(f"{w} {v}" for w, v in others.items()) +
          f"); log-prob within {mine:.2e} (its own: " +
          ", ".join(f"{w} {v:.2e}" for w, v in itself.items()) +
          f"); KL {apart:.2e}; from the exact numbers: ours {kl(exact, ours):.2e}, llama.cpp "
          f"{kl(exact, plain):.2e}", flush=True)
    return bool(bad)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("docassist")
    p.add_argument("--positions", type=int, default=200)
    p.add_argument("--types", default="q4_0,q8_0,q4_k_m")
    p.add_argument("--kl", type=float)
    p.add_argument("models", nargs="+")
    a = p.parse_args()
    quantize = os.environ.get("LLAMA_QUANTIZE")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for item in a.models:
            name, path = item.split("=", 1)
            n = run([os.environ["LOGITS"], path, "f32"], [0]).shape[1]
            ids = np.random.default_rng(1).integers(0, n, a.positions).tolist()
            copy = f"{folder}/as-it-is.gguf"
            os.symlink(os.path.abspath(path), copy)
            bad += compare(a.docassist, f"{name} as it is", copy, ids, a.kl)
            os.unlink(copy)
            for kind in a.types.split(","):
                out = f"{folder}/m.gguf"
                subprocess.run([a.docassist, "model", "import", path, "--type", kind, "-o", out],
                               check=True, capture_output=True)
                bad += compare(a.docassist, f"{name} {kind}", out, ids, a.kl)
                if quantize:
                    subprocess.run([quantize, path, out, kind.upper()], check=True,
                                   capture_output=True)
                    bad += compare(a.docassist, f"{name} {kind} by llama-quantize", out, ids, a.kl)
    sys.exit(1 if bad else 0)


main()
