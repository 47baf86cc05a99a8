"""Speed of tiktoken and of `docassist tokenize --count` on the same text, one core each.

    python tools/vocab/bench_tiktoken.py --ranks package/encoders/o200k_base.json TEXT
"""
import argparse
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
sys.argv, argv = sys.argv[:1], sys.argv[1:]
from diff_tiktoken import encoding


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--ranks", required=True)
    p.add_argument("--docassist", default="build/docassist")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("file")
    a = p.parse_args(argv)
    name, enc = encoding(a.ranks)
    text = open(a.file, encoding="utf-8", newline="").read()
    mb = len(text.encode()) / 1e6
    parts = [text[i : i + 100000] for i in range(0, len(text), 100000)]
    theirs = ours = 1e9
    for _ in range(a.runs):
        t = time.process_time()
        n = sum(len(enc.encode_ordinary(x)) for x in parts)
        theirs = min(theirs, time.process_time() - t)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([a.docassist, "tokenize", "--tokenizer", name, "--count", a.file],
                       stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = min(ours, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"{name}, {mb:.1f} MB, about {n} tokens, best of {a.runs}: tiktoken {mb / theirs:.1f} MB/s, "
          f"docassist (whole process) {mb / ours:.1f} MB/s, {theirs / ours:.1f} times")


main()
