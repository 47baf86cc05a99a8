#!/usr/bin/env python3
"""Damaged and numerous input: nothing kills a run, nothing is lost, results do not depend on workers.

    python3 bench/ingest/robust.py [--only PART] [--files N] [--million N] [--real N]

    damage   every shared PDF cut at 20 places and with 100 random byte flips: exit 0 or 3, each file
             exactly once, no record later than the limits, no child that outlives the run
    folder   10,000 generated files: nothing lost, --jobs 1 and --jobs 8 the same bytes, kill -9 and
             the same command again give the same file; memory of the program and of its helpers
             over the first 1,000 of them and over all
    million  memory of the program itself (its helpers apart) over a million inputs: below 64 MB

DOCASSIST_BUILD names the build to use, DOCASSIST_SHARED the folder of shared documents.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("DOCASSIST_BUILD", os.path.join(REPO, "build"))
SHARED = os.environ.get("DOCASSIST_SHARED", os.path.join(REPO, "..", "shared"))
PROGRAM = os.path.join(BUILD, "docassist")
WORDS = "the river ran past an old mill where three millers ground barley oats rye and wheat".split()
TIMEOUT_S = 10


def ingest(paths, out, *options):
    return [PROGRAM, "ingest", *paths, "-o", out, "--errors", out + ".errors", "-q", *options]


def rows(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def check(ok, what):
    print(("ok    " if ok else "FAIL  ") + what, flush=True)
    return not ok


def digest(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()[:16]


def damage(tmp, a):
    r = random.Random(1)
    bad = 0
    pdfs = sorted(f for f in os.listdir(os.path.join(SHARED, "docs", "files")) if f.endswith(".pdf"))
    statuses, slowest, n_files = collections.Counter(), 0, 0
    for name in pdfs:
        data = open(os.path.join(SHARED, "docs", "files", name), "rb").read()
        folder = os.path.join(tmp, "damage")
        os.mkdir(folder)
        for i in range(20):
            with open(os.path.join(folder, f"cut-{i:02}.pdf"), "wb") as f:
                f.write(data[: len(data) * (i + 1) // 21])
        for i in range(a.flips):
            flipped = bytearray(data)
            for _ in range(1 if i % 2 else 100):  # one byte, or a hundred of them
                flipped[r.randrange(len(flipped))] ^= 1 << r.randrange(8)
            with open(os.path.join(folder, f"flip-{i:03}.pdf"), "wb") as f:
                f.write(flipped)
        n = len(os.listdir(folder))
        out = os.path.join(tmp, "damage.jsonl")
        start = time.monotonic()
        rc = subprocess.run(ingest([folder], out, "--ocr", "off", "--timeout", str(TIMEOUT_S),
                                   "--restart", "-j", "2")).returncode
        wall = time.monotonic() - start
        seen = [x["source"]["path"] for x in rows(out)] + [x["path"] for x in rows(out + ".errors")]
        statuses["ok"] += len(rows(out))
        statuses.update(x["status"] for x in rows(out + ".errors"))
        n_files += n
        slowest = max(slowest, wall / n)
        if rc not in (0, 3) or len(seen) != n or len(set(seen)) != n:
            bad += check(False, f"{name}: exit {rc}, {len(seen)} of {n} files")
        for f in os.listdir(folder):
            os.unlink(os.path.join(folder, f))
        os.rmdir(folder)
    bad += check(bad == 0, f"damage: {n_files} files made of {len(pdfs)} PDFs, each once; "
                           f"{dict(statuses)}")
    return bad


def make_files(folder, n):
    """Text, Markdown, CSV, HTML, mail and DOCX; some copies, one in 97 broken."""
    r = random.Random(7)
    for i in range(n):
        text = " ".join(r.choice(WORDS) for _ in range(r.randrange(5, 300)))
        if i % 48 == 0:
            text = "the same text in many a file"
        kind = ("txt", "md", "csv", "html", "eml", "docx")[i % 6]
        path = os.path.join(folder, f"{i:07}.{kind}")
        if i % 97 == 96:
            kind, text = "bin", "\0\1\2" * 50
        if kind == "docx":
            with zipfile.ZipFile(path, "w") as z:
                z.writestr("[Content_Types].xml", "<Types/>")
                z.writestr("word/document.xml",
                           '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml'
                           f'/2006/main"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body>'
                           "</w:document>")
            continue
        body = {"html": f"<html><body><h1>Mill {i}</h1><p>{text}</p></body></html>",
                "eml": f"From: a@b.c\nSubject: Mill {i}\nContent-Type: text/plain\n\n{text}\n",
                "csv": "a,b\n" + text.replace(" ", ",\n")}.get(kind, text)
        with open(path, "w") as f:
            f.write(body)


def high_water(pid):
    """Peak resident memory of a process so far, MB; 0 when it has gone."""
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def below(pid):
    """The processes that descend from pid."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in open(f"/proc/{pid}/task/{task}/children").read().split():
                found += [child] + below(child)
    except OSError:
        pass
    return found


def watched(command):
    """Runs a command; exit status, peak MB of the program, and of the largest process it started."""
    p = subprocess.Popen(command)
    program = helper = 0
    while p.poll() is None:
        program = max(program, high_water(p.pid))
        helper = max([helper, *map(high_water, below(p.pid))])
        time.sleep(0.01)
    return p.returncode, program, helper


def folder(tmp, a):
    src, some = os.path.join(tmp, "many"), os.path.join(tmp, "some")
    os.mkdir(src)
    os.mkdir(some)
    make_files(src, a.files)
    make_files(some, a.files // 10)
    few, one, eight, killed = (os.path.join(tmp, x) for x in ("few", "one", "eight", "killed"))
    bad = 0
    for jobs in ("1", "8"):
        out = one if jobs == "1" else eight
        _, program1, helper1 = watched(ingest([some], few, "-j", jobs))
        rc, program2, helper2 = watched(ingest([src], out, "-j", jobs))
        n = len(rows(out)) + len(rows(out + ".errors"))
        bad += check(rc == 3 and n == a.files, f"folder: --jobs {jobs}: exit {rc}, {n} of {a.files} "
                                               f"files, {len(rows(out))} records, {digest(out)}")
        bad += check(program2 < 1.1 * program1 + 2 and helper2 < 1.1 * helper1 + 2,
                     f"folder: --jobs {jobs}: peak memory over {a.files // 10} and {a.files} files: "
                     f"program {program1:.1f} and {program2:.1f} MB, largest helper "
                     f"{helper1:.1f} and {helper2:.1f} MB")
    bad += check(digest(one) == digest(eight) and digest(one + ".errors") ==
                 digest(eight + ".errors"), "folder: --jobs 1 and --jobs 8 give the same bytes")
    order = [x["source"]["path"] for x in rows(one)]
    bad += check(order == sorted(order), "folder: in the order of the names")
    kills = 0
    while True:
        p = subprocess.Popen(ingest([src], killed, "-j", "2"))
        try:
            p.wait(timeout=0.4 + 0.3 * kills)
            break
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.wait()
            kills += 1
    bad += check(digest(killed) == digest(one) and digest(killed + ".errors") ==
                 digest(one + ".errors"), f"folder: the same file after {kills} times kill -9")
    return bad


def million(tmp, a):
    """A thousand small files in a folder. All but the last --real of them stand in the journal as
    finished, each with a text of its own: the program takes up its state from there, as after
    kill -9, and goes on. --real 1000000 does them all."""
    src, out = os.path.join(tmp, "million"), os.path.join(tmp, "million.jsonl")
    os.mkdir(src)
    names = []
    for i in range(a.million):
        if i % 1000 == 0:
            os.mkdir(os.path.join(src, f"{i // 1000:04}"))
        names.append(f"{i // 1000:04}/{i % 1000:03}.txt")
        with open(os.path.join(src, names[-1]), "w") as f:
            if i >= a.million - a.real or i < 1000:
                f.write(f"Note {i}: " + WORDS[i % len(WORDS)])
    command = ingest([src], out, "-j", "2")
    if a.real < a.million:
        p = subprocess.Popen(command)
        while not os.path.exists(out + ".journal") or os.path.getsize(out + ".journal") < 200:
            time.sleep(0.01)
        p.kill()
        p.wait()
        with open(out + ".journal") as f:
            head, first = f.readline(), f.readline()
        lengths = " ".join(first.split(" ")[:3])
        r = random.Random(3)
        with open(out + ".journal", "w") as f:
            f.write(head)
            for name in names[: a.million - a.real]:
                f.write(f"{lengths} {r.getrandbits(64):x} {r.getrandbits(64):x} 9 9 1 text\t{name}\n")
    rc, peak, _ = watched(command)
    n = sum(1 for _ in open(out)) + sum(1 for _ in open(out + ".errors"))
    want = a.million if a.real >= a.million else a.real + 1
    return check(rc in (0, 3) and n == want and peak < 64,
                 f"million: {a.million} inputs, {a.real} of them after a restart, exit "
                 f"{rc}, {n} records, peak {peak:.1f} MB of the program itself")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--only", choices=("damage", "folder", "million"))
    p.add_argument("--files", type=int, default=10000)
    p.add_argument("--flips", type=int, default=100)
    p.add_argument("--million", type=int, default=1000000)
    p.add_argument("--real", type=int, default=10000)
    a = p.parse_args()
    bad = 0
    for part in (damage, folder, million):
        if a.only in (None, part.__name__):
            with tempfile.TemporaryDirectory() as tmp:
                bad += part(tmp, a)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
