"""The same files in docassist and in llama.cpp: logits over teacher-forced positions.

    LLAMA_PEER=PROGRAM LOGITS=PROGRAM [LLAMA_QUANTIZE=PROGRAM] \\
        python bench/engine/agree_llama.py build/docassist [--positions 200] NAME=MODEL.gguf...

LLAMA_PEER: bench/engine/llama_peer.c compiled against llama.cpp; LOGITS: tests/tools/token_logits of the
build. Each MODEL (F32 or F16) is turned into q4_0, q8_0 and q4_k_m by `docassist model import`, and
by llama-quantize where LLAMA_QUANTIZE names it; every file is run by both programs on the same
random tokens, llama.cpp with and without repacking. Needs numpy.

Printed for each file: positions where llama.cpp's two best differ by more than 0.01 and how many
first tokens differ there; the largest difference of log-probabilities (of tokens with a
probability over 1e-6) to llama.cpp without repacking, the same between llama.cpp's two ways, and
the mean KL divergence. Both programs round activations to 8 bits, so they differ by that noise;
which is nearer to the file's own numbers is shown by the KL divergence of each from the same file
decoded to F32 and run without rounding anything. Exit 1 when ours is farther away by half.
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np


def run(command, ids):
    out = subprocess.run(command, input=struct.pack(f"<{len(ids)}i", *ids), stdout=subprocess.PIPE,
                         check=True).stdout
    (n,) = struct.unpack_from("<I", out)
    x = np.frombuffer(out, dtype=np.float32, offset=4).reshape(len(ids), n).astype(np.float64)
    return x - np.log(np.sum(np.exp(x - x.max(1, keepdims=True)), 1, keepdims=True)) - x.max(
        1, keepdims=True)


def compare(docassist, name, path, ids):
    peer = os.environ["LLAMA_PEER"]
    ours = run([os.environ["LOGITS"], path, "f32"], ids)
    plain, packed = (run([peer, "logits", path, r], ids) for r in "01")
    top = np.sort(plain, axis=1)[:, -2:]
    clear = top[:, 1] - top[:, 0] > 1e-2
    other = int(np.sum((ours.argmax(1) != plain.argmax(1)) & clear))
    # log-probabilities of tokens that have any: below 1e-6 nothing is ever drawn
    seen = plain > np.log(1e-6)
    mine, itself = (np.abs(x - plain)[seen].max() for x in (ours, packed))
    exact_path = path + ".f32"
    subprocess.run([docassist, "model", "import", path, "--type", "f32", "-o", exact_path],
                   check=True, capture_output=True)
    exact = run([os.environ["LOGITS"], exact_path, "f32"], ids)
    os.unlink(exact_path)

    def kl(p, q):
        return float(np.mean(np.sum(np.exp(p) * (p - q), 1)))
    near, far = kl(exact, ours), kl(exact, plain)
    print(f"{name}: clear {int(clear.sum())} of {len(ids)}, other first token {other}, log-prob "
          f"within {mine:.2e} (llama.cpp with itself {itself:.2e}), KL {kl(plain, ours):.2e}; "
          f"from the exact numbers: ours {near:.2e}, llama.cpp {far:.2e}", flush=True)
    return near > 1.5 * far + 1e-9


def main():
    p = argparse.ArgumentParser()
    p.add_argument("docassist")
    p.add_argument("--positions", type=int, default=200)
    p.add_argument("models", nargs="+")
    a = p.parse_args()
    quantize = os.environ.get("LLAMA_QUANTIZE")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for item in a.models:
            name, path = item.split("=", 1)
            n = run([os.environ["LOGITS"], path, "f32"], [0]).shape[1]
            ids = np.random.default_rng(1).integers(0, n, a.positions).tolist()
            bad += compare(a.docassist, f"{name} as it is", path, ids)
            for kind in ("q4_0", "q8_0", "q4_k_m"):
                out = f"{folder}/m.gguf"
                subprocess.run([a.docassist, "model", "import", path, "--type", kind, "-o", out],
                               check=True, capture_output=True)
                bad += compare(a.docassist, f"{name} {kind}", out, ids)
                if quantize:
                    subprocess.run([quantize, path, out, kind.upper()], check=True,
                                   capture_output=True)
                    bad += compare(a.docassist, f"{name} {kind} by llama-quantize", out, ids)
    sys.exit(1 if bad else 0)


main()
