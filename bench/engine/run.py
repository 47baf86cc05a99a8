#!/usr/bin/env python3
"""docassist beside llama.cpp: the same models, the same work, interleaved, medians, one table.

    run.py [--reps 5] [--shapes smollm-135m,slimlm-125m,qwen2-0.5b] [--tests prefill,decode,streams,job]
           [--threads 2] [--peer-isa native|avx2] [--raw FILE] [--json FILE]

The peer is the library in $LLAMA_DIR (a llama.cpp source tree built in its folder build/) or,
without that, the source archive of the package llama-cpp-python, unpacked and built once in
build/peer-native/ or build/peer-avx2/ (ten minutes on two processors). --peer-isa avx2 builds it
for AVX2 only and sets DOCASSIST_CPU=avx2 for us.

Where the user may, both sides run under real-time priority (chrt -f 1), because other work on the
machine otherwise decides the figures. Each test runs `reps` times, ours and the peer's in turn; the
peer's figure is its best way of doing the test (flash attention on or off, one buffer of keys and
values or several, one document at a time or six). Every line the peer printed is kept in the raw
file. A run is void when the peer stays under 90 % of its known figures on this class of machine
(reference.json): then something else was measured.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
PROGRAM = REPO / "build" / "docassist"
TESTS = ["prefill", "decode", "streams", "job"]
TITLES = {"prefill": "prefill, 1,000 tokens (tok/s)",
          "decode": "one stream behind 1,000 (tok/s)",
          "streams": "16 streams, 3 a document (tok/s)",
          "job": "whole job (documents a minute)"}


def run(cmd, **kw):
    return subprocess.run([str(c) for c in cmd], check=True, stdout=subprocess.PIPE, text=True,
                          **kw).stdout


def real_time():
    """chrt, if this user may use it."""
    cmd = ["chrt", "-f", "1"]
    ok = shutil.which("chrt") and subprocess.run(cmd + ["true"], stderr=subprocess.DEVNULL)
    return cmd if ok and ok.returncode == 0 else []


def build_peer(isa):
    """The llama.cpp folder of llama-cpp-python's source archive, built unless an earlier run did."""
    top = REPO / "build" / ("peer-" + isa)
    pattern = "llama_cpp_python-*/vendor/llama.cpp"
    src = next(top.glob(pattern), None)
    if src and (src / "build" / "bin" / "libllama.so").exists():
        return src
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary",
         "llama-cpp-python", "-d", top, "llama-cpp-python"])
    archive = next(top.glob("llama_cpp_python-*.tar.gz"))
    with tarfile.open(archive) as t:
        t.extractall(top, filter="data")
    archive.unlink()
    src = next(top.glob(pattern))
    flags = ["-DGGML_NATIVE=ON"] if isa == "native" else [
        "-DGGML_NATIVE=OFF", "-DGGML_AVX=ON", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON",
        "-DGGML_BMI2=ON", "-DGGML_AVX512=OFF"]
    run(["cmake", "-S", src, "-B", src / "build", "-DCMAKE_BUILD_TYPE=Release",
         "-DBUILD_SHARED_LIBS=ON", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF",
         "-DLLAMA_BUILD_TOOLS=OFF", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_CURL=OFF"] + flags)
    run(["cmake", "--build", src / "build", "-j", str(os.cpu_count()), "--target", "llama"])
    return src


def build_driver(src, tmp):
    out = pathlib.Path(tmp) / "llama_speed"
    lib = src / "build" / "bin"
    run(["cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-I", src / "include", "-I",
         src / "ggml" / "include", HERE / "llama_speed.c", "-o", out, "-L", lib, "-lllama", "-lggml",
         "-lggml-base", "-Wl,-rpath," + str(lib)])
    return out


def ours(a, chrt, model, test):
    """One figure of ours: docassist bench with its default settings."""
    rows, more = {"prefill": ("1000", ["--new-tokens", "2"]),
                  "decode": ("1000", ["--new-tokens", "65"]),
                  "streams": ("streams", []),
                  "job": ("scoring", ["--documents", "12"])}[test]
    cmd = chrt + [PROGRAM, "bench", "-m", model, "--threads", a.threads, "--rows", rows, "--reps", 1,
                  "--json"] + more
    row = json.loads(run(cmd, env=a.env))[0]
    return {"prefill": row["itps"], "decode": row["otps"], "streams": row["otps"],
            "job": row.get("documents_per_minute")}[test]


def peer(a, chrt, driver, model, test, keep, raw):
    """The peer's rates, by the way it was done; keep: only these ways, or None."""
    names = ["job1", "job6"] if test == "job" else [test]
    asked = [n + ":" + str(w) for n in names for w in range(2 if n in ("prefill", "decode") else 4)]
    if keep is not None:
        asked = []
        for way in keep:
            name, flash, buffers = way.split()
            asked.append(name + ":" + str((flash == "flash") + 2 * (buffers == "unified")))
    text = "".join(run(chrt + [driver, model, a.threads, 1, w], env=a.env) for w in asked)
    rates = {}
    for line in text.splitlines():
        row = json.loads(line)
        raw.write(json.dumps({"model": model.name, "asked": test, **row}) + "\n")
        if "seconds" in row:
            way = " ".join([row["test"], "flash" if row["flash"] else "plain",
                            "unified" if row["unified"] else "separate"])
            rates[way] = row["worth"] / statistics.median(row["seconds"])
    raw.flush()
    return rates


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        info = dict(line.split(":", 1) for line in f if ":" in line)
    info = {k.strip(): v.strip() for k, v in info.items()}
    return "%s family %s model %s" % (info.get("vendor_id", "?"), info.get("cpu family", "?"),
                                      info.get("model", "?")), info.get("model name", "?")


def reference(a):
    """Known rates of the peer on this class of machine, or None."""
    with open(HERE / "reference.json", encoding="utf-8") as f:
        table = json.load(f)
    ident, _ = cpu_model()
    for c in table["classes"]:
        if ident.startswith(c["cpu"]) and a.isa == c["isa"] and a.threads == c["threads"]:
            return c
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--reps", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--shapes", default="smollm-135m,slimlm-125m,qwen2-0.5b")
    p.add_argument("--tests", default=",".join(TESTS))
    p.add_argument("--peer-isa", dest="isa", choices=["native", "avx2"], default="native")
    p.add_argument("--raw", default="peer.raw.jsonl")
    p.add_argument("--json", help="write the figures here too")
    a = p.parse_args()
    a.env = dict(os.environ, **({"DOCASSIST_CPU": "avx2"} if a.isa == "avx2" else {}))
    chrt = real_time()
    shapes, tests = a.shapes.split(","), a.tests.split(",")
    result = {}
    with tempfile.TemporaryDirectory(prefix="docassist-bench.") as tmp, \
            open(a.raw, "a", encoding="utf-8") as raw:
        src = pathlib.Path(os.environ["LLAMA_DIR"]) if "LLAMA_DIR" in os.environ \
            else build_peer(a.isa)
        driver = build_driver(src, tmp)
        for shape in shapes:
            model = pathlib.Path(tmp) / (shape + ".gguf")
            run([PROGRAM, "model", "random", "--shape", shape, "--type", "q4_0", "-o", model])
            for test in tests:
                mine, theirs, keep = [], {}, None
                for _ in range(a.reps):
                    mine.append(ours(a, chrt, model, test))
                    for way, rate in peer(a, chrt, driver, model, test, keep, raw).items():
                        theirs.setdefault(way, []).append(rate)
                    # the first round tries every way, the others the two best ones
                    keep = keep or sorted(theirs, key=lambda w: -theirs[w][0])[:2]
                theirs = {w: theirs[w] for w in keep}
                best = max(theirs, key=lambda w: statistics.median(theirs[w]))
                result[shape, test] = (statistics.median(mine), statistics.median(theirs[best]), best,
                                       mine, theirs[best])
                m, t = result[shape, test][:2]
                print("%-12s %-8s ours %9.1f  peer %9.1f (%s)  ratio %.2f" %
                      (shape, test, m, t, best, m / t), flush=True)
            model.unlink()
    return report(a, chrt, shapes, tests, result)


def report(a, chrt, shapes, tests, result):
    ident, name = cpu_model()
    print("\nCPU: %s (%s); threads %d; peer built for %s; %s; medians of %d" %
          (name, ident, a.threads, a.isa, "real-time priority" if chrt else "ordinary priority",
           a.reps))
    print("\n| | " + " | ".join(shapes) + " |\n| --- |" + " --- |" * len(shapes))
    for t in tests:
        cells = []
        for s in shapes:
            m, q, _, mine, theirs = result[s, t]
            spread = max((max(v) - min(v)) / statistics.median(v) for v in (mine, theirs))
            cells.append("%.2fx (%.1f : %.1f, spread %.0f %%)" % (m / q, m, q, 100 * spread))
        print("| %s | %s |" % (TITLES[t], " | ".join(cells)))
    ref, void = reference(a), []
    if ref:
        for (s, t), (_, q, _, _, _) in result.items():
            known = ref["rates"].get(s, {}).get(t)
            if known and q < 0.9 * known:
                void.append("%s %s: peer %.1f, known %.1f" % (s, t, q, known))
        print("\n" + ("VOID: the peer stays under 90 % of what it is known to reach here\n  " +
                      "\n  ".join(void) if void else
                      "The peer reaches at least 90 % of its known figures (" + ref["source"] + ")."))
    else:
        print("\nNo known figures of the peer on this class of machine: the run cannot be judged void.")
    if a.json:
        rows = [{"shape": s, "test": t, "ours": v[0], "peer": v[1], "peer_way": v[2],
                 "ratio": v[0] / v[1], "ours_all": v[3], "peer_all": v[4]}
                for (s, t), v in result.items()]
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump({"cpu": name, "threads": a.threads, "isa": a.isa, "void": void, "rows": rows}, f,
                      indent=1)
            f.write("\n")
    return 1 if void else 0


if __name__ == "__main__":
    sys.exit(main())
