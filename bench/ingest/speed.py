#!/usr/bin/env python3
"""Speed of ingest beside pdftotext and pandoc, in CPU seconds (user + system, children too).

    python3 bench/ingest/speed.py [--rounds N] [--only ROW] [--pdfs DIR]

Documents are the shared ones, and the PDFs of --pdfs DIR (for the rows about long documents: the
-doc packages of a distribution have many). A peer runs once a file, as it must; ingest runs once
over all of them, with one worker, OCR off, cleaning and tokenizing included. Rounds alternate; the
medians are compared. Rows:

    whole    PDF pages a CPU second on whole documents      asked: 0.75 times pdftotext
    books    the same, of 50 pages or more only
    first    1,000 tokens of PDFs of 50 pages or more       asked: 5 times pdftotext
    office   DOCX, ODT, EPUB, RTF, as ingest does it        asked: 20 times pandoc
    whole-office  the same, read and kept to the end
    single   the same, one ingest process a file
    workers  wall time, one worker on one core against two  asked: 1.7 times

DOCASSIST_BUILD names the build to use, DOCASSIST_SHARED the folder of shared documents.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("DOCASSIST_BUILD", os.path.join(REPO, "build"))
SHARED = os.environ.get("DOCASSIST_SHARED", os.path.join(REPO, "..", "shared"))
PROGRAM = os.path.join(BUILD, "docassist")
PATIENCE_S = 30
OFFICE = (".docx", ".odt", ".epub", ".rtf")


def cpu_of(argv, cores=None):
    """CPU and wall seconds of a command and all it starts; the exit status is not looked at."""
    if cores:
        argv = ["taskset", "-c", cores] + argv
    start = time.monotonic()
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    usage = os.wait4(p.pid, 0)[2]
    p.returncode = 0
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def ingest(files, whole, jobs=1, cores=None):
    argv = [PROGRAM, "ingest", "-q", "--ocr", "off", "-j", str(jobs), *files]
    if whole:
        argv[2:2] = ["--count-source", "--max-tokens", "10000000"]
    return cpu_of(argv, cores)


def peer(files, command):
    return sum(cpu_of([x.replace("FILE", f) for x in command])[0] for f in files)


def count_pages(path):
    out = subprocess.run(["pdfinfo", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in out.stdout.decode(errors="replace").splitlines():
        if line.startswith("Pages:"):
            return int(line.split()[1])
    return 0


def reads(command, path):
    """Whether the peer makes text of the file: what it cannot read is compared with nobody."""
    try:
        out = subprocess.run([x.replace("FILE", path) for x in command], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, timeout=PATIENCE_S)
        return len(out.stdout.strip()) > 100
    except subprocess.TimeoutExpired:
        print(f"{command[0]} does not end on {os.path.basename(path)}: left out")
        return False


def listing(folder):
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder))] if folder else []


def compare(name, what, ours, theirs, rounds, pages=0):
    a, b = [], []
    for _ in range(rounds):
        a.append(ours())
        b.append(theirs())
    x, y = statistics.median(a), statistics.median(b)
    rate = f"; {pages / x:.0f} against {pages / y:.0f} pages a CPU second" if pages else ""
    print(f"{name:8} {what}: ingest {x:.3f} s, peer {y:.3f} s{rate}: {y / x:.2f} times",
          flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", action="append")
    p.add_argument("--pdfs")
    a = p.parse_args()
    shared = listing(os.path.join(SHARED, "docs", "files"))
    to_text = ["pdftotext", "FILE", "-"]
    to_plain = ["pandoc", "--wrap=none", "-t", "plain", "FILE"]
    wanted = lambda row: not a.only or row in a.only

    pdfs = {}
    if shutil.which("pdftotext") and any(map(wanted, ("whole", "books", "first", "workers"))):
        for f in shared + listing(a.pdfs):
            if f.endswith(".pdf") and reads(to_text, f):
                pdfs[f] = count_pages(f)
    long_pdfs = {f: n for f, n in pdfs.items() if n >= 50}
    for row, some in (("whole", pdfs), ("books", long_pdfs)):
        if wanted(row) and some:
            files, n = list(some), sum(some.values())
            compare(row, f"{len(files)} PDFs, {n} pages", lambda: ingest(files, True)[0],
                    lambda: peer(files, to_text), a.rounds, n)
    if wanted("first") and long_pdfs:
        files = list(long_pdfs)
        compare("first", f"1,000 tokens of {len(files)} PDFs of 50 pages or more",
                lambda: ingest(files, False)[0], lambda: peer(files, to_text), a.rounds)
    office = []
    if shutil.which("pandoc") and any(map(wanted, ("office", "whole-office", "single"))):
        office = [f for f in shared if f.endswith(OFFICE) and reads(to_plain, f)]
    if wanted("office") and office:
        compare("office", f"{len(office)} office files", lambda: ingest(office, False)[0],
                lambda: peer(office, to_plain), a.rounds)
    if wanted("whole-office") and office:
        compare("whole-office", f"{len(office)} office files", lambda: ingest(office, True)[0],
                lambda: peer(office, to_plain), a.rounds)
    if wanted("single") and office:
        compare("single", f"{len(office)} office files, a process each",
                lambda: sum(ingest([f], False)[0] for f in office),
                lambda: peer(office, to_plain), a.rounds)
    if wanted("workers") and pdfs:
        with tempfile.TemporaryDirectory() as tmp:  # enough work of even size
            files = []
            for i in range(4):
                for f, n in pdfs.items():
                    if n <= 100:
                        files.append(os.path.join(tmp, f"{i}-{os.path.basename(f)}"))
                        shutil.copy(f, files[-1])
            one, two = [], []
            for _ in range(a.rounds):
                one.append(ingest(files, True, 1, "0")[1])
                two.append(ingest(files, True, 2)[1])
            x, y = statistics.median(one), statistics.median(two)
            print(f"workers  {len(files)} PDFs: one worker on one core {x:.3f} s, two workers "
                  f"{y:.3f} s of wall time: {x / y:.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
