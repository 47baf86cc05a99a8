"""Speed of `docassist score` side by side with sacrebleu and rouge_score on the same files.

    python compare.py PROGRAM DIR [JOB...]      DIR: written by make_pairs.py

The peers are timed inside their process, after their imports and with the lines in memory; the
program is timed whole, with start, reading and printing. Rates are pairs a second, so that the slow
peers can be given fewer pairs. Both wall and CPU time are shown: on a busy machine only the second
says something.
"""
import subprocess
import sys

PEER = r"""
import sys, time
job, base, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
read = lambda name: open(base + "/" + name + ".txt", encoding="utf-8").read().split("\n")[:n]
H, R, H2 = read("hyp"), read("ref"), read("hyp2")
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest, _bootstrap_resample
from rouge_score import rouge_scorer
stats = None
if job == "resample":
    m = BLEU(); stats = m._extract_corpus_statistics(H, [R])
w, c = time.perf_counter(), time.process_time()
if job == "bleu": BLEU().corpus_score(H, [R])
elif job == "bleu-ci": BLEU().corpus_score(H, [R], n_bootstrap=1000)
elif job == "resample": _bootstrap_resample(stats, m, 1000)
elif job == "chrf": CHRF().corpus_score(H, [R])
elif job == "chrf++": CHRF(word_order=2).corpus_score(H, [R])
elif job == "ter": TER().corpus_score(H, [R])
elif job == "paired-bs": PairedTest([("a", H), ("b", H2)], {"BLEU": BLEU()}, [R], test_type="bs")()
elif job == "paired-ar": PairedTest([("a", H), ("b", H2)], {"BLEU": BLEU()}, [R], test_type="ar")()
else:
    s = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=job == "rouge-stem")
    for h, r in zip(H, R): s.score(r, h)
print(time.perf_counter() - w, time.process_time() - c)
"""

# A small process of its own, since a child's peak memory counts what it was forked from.
LAUNCH = r"""
import os, sys, time
t = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, use = os.wait4(pid, 0)
print(status, time.perf_counter() - t, use.ru_utime + use.ru_stime, use.ru_maxrss)
"""

ROUGE = ["-m", "rouge1,rouge2,rougeL,rougeLsum"]
# job: peer's pairs, our arguments, bar
JOBS = {
    "bleu": (20000, ["-m", "bleu"], 40),
    "bleu-ci": (20000, ["-m", "bleu", "--confidence"], 40),
    "resample": (20000, ["-m", "bleu", "--confidence"], 5),
    "paired-bs": (20000, ["-m", "bleu", "--paired-bs"], 40),
    "paired-ar": (2000, ["-m", "bleu", "--paired-ar"], None),
    "chrf": (4000, ["-m", "chrf"], 40),
    "chrf++": (4000, ["-m", "chrf++"], None),
    "ter": (300, ["-m", "ter"], 40),
    "rouge-stem": (2000, [*ROUGE, "--stem"], 150),
    "rouge": (2000, ROUGE, None),
}


def ours(program, base, args, n):
    hyps = ["--hyp", f"{base}/hyp.{n}.txt"]
    if "--paired-bs" in args or "--paired-ar" in args:
        hyps += ["--hyp", f"{base}/hyp2.{n}.txt"]
    cmd = [program, "score", *hyps, "--ref", f"{base}/ref.{n}.txt", *args]
    best = None
    for _ in range(5):
        out = subprocess.run([sys.executable, "-S", "-c", LAUNCH, *cmd], check=True,
                             capture_output=True, text=True).stdout.split()
        status, wall, cpu, rss = int(out[0]), float(out[1]), float(out[2]), int(out[3])
        assert status == 0, cmd
        best = (wall, cpu, rss) if best is None else (
            min(best[0], wall), min(best[1], cpu), max(best[2], rss))
    return best


def main():
    program, base = sys.argv[1], sys.argv[2]
    for name in ("hyp", "hyp2", "ref"):
        lines = open(f"{base}/{name}.txt", encoding="utf-8").read().split("\n")[:-1]
        for n in {j[0] for j in JOBS.values()} | {len(lines)}:
            open(f"{base}/{name}.{n}.txt", "w", encoding="utf-8").write("\n".join(lines[:n]) + "\n")
    total = len(lines)
    print("| job | peer pairs/s (CPU) | ours (CPU) | times (CPU) | times (wall) | asked | MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for job in sys.argv[3:] or JOBS:
        n, args, bar = JOBS[job]
        out = subprocess.run([sys.executable, "-c", PEER, job, base, str(n)], check=True,
                             capture_output=True, text=True).stdout.split()
        peer_wall, peer_cpu = map(float, out)
        own = n if job == "ter" or job.startswith("paired-ar") else total
        wall, cpu, rss = ours(program, base, args, own)
        if job == "resample":  # what the intervals add to plain scoring
            wall0, cpu0, _ = ours(program, base, ["-m", "bleu"], own)
            wall, cpu = wall - wall0, max(cpu - cpu0, 1e-3)
            wall = max(wall, 1e-3)
        rate = lambda t, k: k / t
        print(f"| {job} | {rate(peer_cpu, n):.0f} | {rate(cpu, own):.0f} | "
              f"{rate(cpu, own) / rate(peer_cpu, n):.0f} | {rate(wall, own) / rate(peer_wall, n):.0f} | "
              f"{bar or '-'} | {rss / 1024:.0f} |", flush=True)


main()
