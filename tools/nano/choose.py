#!/usr/bin/env python3
"""Chooses documents of the corpus, and copies them under other ids.

    choose.py IN.jsonl... -o OUT.jsonl [--per-package N] [--max N] [--min-tokens N]
              [--max-tokens N]
    choose.py UNIQUE.jsonl -o OUT.jsonl --copy K

The first form keeps English prose, at most N documents a package, in an order that a hash of the
id gives. The second writes every document again as ID~K: the extractive annotator draws requests
and the kind of its question from the id, so that a copy gets others. Both make all parts of a
source one cluster, so that a split never tears them apart.
"""
import argparse
import collections
import hashlib
import json
import re


def wrapped(text):
    """Share of the lines that end within a sentence: text that was set in lines, from <pre>."""
    lines = text.split("\n")
    n = sum(len(a) > 30 and a.rstrip()[-1:] not in (".", "!", "?", ":", ";") and
            re.match(r"\s*[a-z]", b) is not None for a, b in zip(lines, lines[1:]))
    return n / len(lines)


def good(d):
    """English prose with few symbols, no tables, some sentences, a line for a paragraph."""
    lang, q = d.get("language") or {}, d["quality"]
    return (lang.get("code") == "en" and lang.get("confidence", 0) >= 0.9 and
            q["alpha_words"] >= 0.9 and q["symbol_ratio"] <= 0.02 and q["garbage"] == 0 and
            q.get("table_rows", 0) <= 4 and q["words"] >= 50 and q["duplicate_lines"] <= 0.1 and
            q["bullet_lines"] <= 0.5 and d["text"].count(". ") + d["text"].count(".\n") >= 3 and
            wrapped(d["text"]) <= 0.1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("inputs", nargs="+")
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--per-package", type=int, default=0)
    ap.add_argument("--max", type=int, default=0)
    ap.add_argument("--min-tokens", type=int, default=0)
    ap.add_argument("--max-tokens", type=int, default=10**9)
    ap.add_argument("--copy", type=int, default=0)
    a = ap.parse_args()
    docs, seen = [], set()
    for path in a.inputs:
        for line in open(path, encoding="utf-8"):
            d = json.loads(line)
            if d["id"] not in seen and (a.copy or good(d)) and \
                    a.min_tokens <= d["n_tokens"] <= a.max_tokens:
                seen.add(d["id"])
                docs.append((hashlib.sha256(d["id"].encode()).hexdigest(), d))
    docs.sort(key=lambda x: x[0])
    count, n = collections.Counter(), 0
    with open(a.output, "w", encoding="utf-8") as out:
        for _, d in docs:
            package = d["meta"].get("package", "")
            if (a.per_package and count[package] == a.per_package) or (a.max and n == a.max):
                continue
            count[package] += 1
            n += 1
            d["cluster_id"] = d["id"].split("#")[0]
            if a.copy:
                d["id"] += f"~{a.copy}"
            out.write(json.dumps(d, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{n} documents of {len(docs)}, {len(count)} packages")


if __name__ == "__main__":
    main()
