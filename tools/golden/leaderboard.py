#!/usr/bin/env python3
"""The leaderboard's test fixture (tests/golden/board) and the statistics expected of it.

    leaderboard.py fixture DIR    writes examples, predictions and bench rows (CC0, written for this)
    leaderboard.py expect DIR     reads the logs that `docassist eval` made of them there (see
                                  tests/golden/board/README.md) and prints expected.tsv

The statistics are computed here with numpy's generator, not by docassist: intervals of the ranking
scores (bootstrap, 1,000 resamples) and p values of their differences (paired approximate
randomization, 10,000 trials, two-sided, Holm), intents by an exact McNemar test. Made with
CPython 3.11, numpy 2.4.
"""
import json
import math
import os
import sys

docs = [
("a1",70,"The ferry timetable for spring adds a late boat on Fridays and drops the Sunday noon crossing.","1. When does the late boat run?\n2. Which crossing is dropped?\n3. From when is the timetable valid?","Which crossing is dropped on Sundays?","The noon crossing is dropped."),
("a2",120,"The museum reports 41,200 visitors, a tenth more than the year before, most of them school classes.","1. How many visitors came?\n2. Who came most?\n3. How much did the number grow?","How many visitors came to the museum?","There were 41,200 visitors."),
("a3",210,"The survey finds that two of five bridges need new bearings before the winter.","1. Which bridges need work?\n2. What must be replaced?\n3. By when is it needed?","What do two of the bridges need?","They need new bearings."),
("a4",260,"The manual explains how to clean the filter, when to change the seal and whom to call for spare parts.","1. How is the filter cleaned?\n2. When is the seal changed?\n3. Where do spare parts come from?","What is said about the seal?","The manual says when to change it."),
("a5",330,"The letter asks the council to keep the library open on Saturdays and offers two volunteers.","1. Who wrote the letter?\n2. What is asked of the council?\n3. How many volunteers are offered?","What does the letter offer?","It offers two volunteers."),
("a6",400,"Rainfall was the highest since 1954, the report says, and the lower meadows stayed wet until June.","1. When was rainfall higher?\n2. How long were the meadows wet?\n3. Which meadows were affected?","Until when were the meadows wet?","They stayed wet until June."),
("a7",520,"The bakery's plan is to replace the oven, hire one apprentice and sell at two more markets.","1. Why is the oven replaced?\n2. Who will be hired?\n3. At which markets will it sell?","What will be replaced?","The oven will be replaced."),
("a8",610,"The minutes record that the budget was accepted with one vote against and that the noise study is postponed.","1. Was the budget accepted?\n2. Who voted against it?\n3. Why is the noise study postponed?","What happened to the noise study?","It was postponed."),
]
T = [("summ","summarization"),("qs","question_suggestion"),("qa","question_answering")]
REQ = {"summ":"Summarize this document.","qs":"Suggest questions about it."}


def examples():
    out = []
    for d, n, s, q, qa, a in docs:
        for suf, t in T:
            out.append({"schema": "docassist.example/1", "id": f"{d}/{suf}", "doc_id": d, "task": t,
                        "document": " ".join(["word"] * n), "request": REQ.get(suf, qa),
                        "response": {"summ": s, "qs": q, "qa": a}[suf], "messages": [],
                        "split": "test"})
    return out


def cut(text, k):
    words = text.split(" ")
    return " ".join(words[:max(1, len(words) - k)])


def fixture(folder):
    ex = examples()
    first = {e["doc_id"]: e["response"] for e in ex if e["task"] == "summarization"}

    def write(name, lines):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)

    def predictions(model, answer, origin, intent=lambda e, i: e["task"]):
        return [json.dumps({"schema": "docassist.prediction/1", "id": e["id"], "task": e["task"],
                            "model": model, "intent": intent(e, i), "response": answer(e, i),
                            "origin": dict(origin, version="docassist 0.1.0")})
                for i, e in enumerate(ex)]

    write("examples.jsonl", [json.dumps(e) for e in ex])
    write("good.jsonl", predictions(
        "tall & <b>bold</b> Q4_0",
        lambda e, i: e["response"] if i % 3 else cut(e["response"], 2),
        {"quant": "q4_0", "model_sha256": "ab" * 32}))
    write("near.jsonl", predictions(
        "near|twin",
        lambda e, i: cut(e["response"], 2) if i % 3 == 1 or i in (0, 5) else e["response"],
        {"quant": "q8_0"}, lambda e, i: "question_answering" if i == 4 else e["task"]))
    write("lead3.jsonl", predictions("lead3", lambda e, i: first[e["doc_id"]], {}))
    write("noise.jsonl", predictions(
        "noise",
        lambda e, i: ["<script>alert('x')</script> the", "zz =\"q\" of", "",
                      "ein Wort = & Wort"][i % 4],
        {"decoding": {"temperature": 0}},
        lambda e, i: ["summarization", "", "who knows"][i % 3]))
    rows = [{"model": m, "prompt_tokens": p, "new_tokens": 64, "itps": i, "otps": o,
             "ttft_s": p / i, "runtime_s": p / i + 64 / o, "peak_rss_bytes": r, "threads": 2}
            for m, i, o, r in (("tall & <b>bold</b> Q4_0", 600.0, 140.5, 150 << 20),
                               ("near|twin", 300.0, 80.5, 310 << 20)) for p in (12, 1000)]
    with open(os.path.join(folder, "bench.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps(rows, indent=1) + "\n")


METRICS = ["bleu", "rouge1", "rouge2", "rougeL"]
TASKS = ["summarization", "question_answering", "question_suggestion"]


def bleu(s):
    """sacrebleu 2.6.0: exponential smoothing, no effective order; 0..1."""
    correct, total = s[2:6], s[6:10]
    if not any(correct):
        return 0.0
    bp = 1.0 if s[0] >= s[1] else (math.exp(1 - s[1] / s[0]) if s[0] else 0.0)
    smooth, logs = 1.0, 0.0
    for c, t in zip(correct, total):
        if t == 0:
            return 0.0
        if c == 0:
            smooth *= 2
            p = 100 / (smooth * t)
        else:
            p = 100 * c / t
        logs += math.log(p)
    return bp * math.exp(logs / 4) / 100


class System:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        self.name = rows[0]["model"]
        self.metrics = {t: {m["name"]: m for m in ms} for t, ms in rows[0]["tasks"].items()}
        self.samples = rows[1:]

    def matrix(self, task):
        """Rows of a task's samples in the order of ids, and the score of their sum."""
        import numpy
        rows = numpy.array([s["stats"] for s in self.samples if s["task"] == task])

        def score(total):
            values = []
            for name in METRICS:
                m = self.metrics[task][name]
                x = total[m["from"]:m["from"] + m["n"]]
                values.append(bleu(x) if name == "bleu" else x[0] / x[1])
            return sum(values) / len(values)

        return rows, score


def holm(ps):
    order, least = sorted(range(len(ps)), key=lambda i: ps[i]), 0.0
    out = list(ps)
    for k, i in enumerate(order):
        least = max(least, min(1.0, ps[i] * (len(ps) - k)))
        out[i] = least
    return out


def mcnemar(a, b):
    n, few = a + b, min(a, b)
    p = sum(math.comb(n, i) for i in range(few + 1)) / 2 ** n
    return 1.0 if n == 0 else min(1.0, 2 * p)


def expect(folder):
    import numpy
    logs = ["score.json.1.samples.jsonl", "score.json.2.samples.jsonl",
            "score.json.3.samples.jsonl", "noise.json.samples.jsonl"]
    systems = [System(os.path.join(folder, x)) for x in logs]
    pairs = [(i, j) for i in range(len(systems)) for j in range(i + 1, len(systems))]
    data = {t: [s.matrix(t) for s in systems] for t in TASKS}
    seen = {t: [score(x.sum(0)) for x, score in data[t]] for t in TASKS}
    seen["average"] = [sum(seen[t][i] for t in TASKS) / len(TASKS) for i in range(len(systems))]

    # Each task is resampled from a seed of its own; a trial of the mean is one of each task.
    boot, swap = {}, {}
    for k, t in enumerate(TASKS):
        boot[t], swap[t] = [], []
        for x, score in data[t]:
            draws = numpy.random.default_rng(12345 + k).choice(len(x), size=(1000, len(x)))
            boot[t].append(numpy.array([score(x[d].sum(0)) for d in draws]))
        for i, j in pairs:
            (a, score), (b, _) = data[t][i], data[t][j]
            coins = numpy.random.default_rng(12345 + k).integers(2, size=(10000, len(a)), dtype=bool)
            moved = [((b - a)[c]).sum(0) for c in coins]
            swap[t].append(numpy.array([score(a.sum(0) + m) - score(b.sum(0) - m) for m in moved]))
    boot["average"] = [sum(boot[t][i] for t in TASKS) / len(TASKS) for i in range(len(systems))]
    swap["average"] = [sum(swap[t][i] for t in TASKS) / len(TASKS) for i in range(len(pairs))]

    for table in ["average"] + TASKS:
        for i, s in enumerate(systems):
            b = sorted(boot[table][i])
            print("score", table, s.name, repr(float(seen[table][i])), repr(float(b[25])),
                  repr(float(b[974])), sep="\t")
        ps = []
        for (i, j), d in zip(pairs, swap[table]):
            diff = seen[table][i] - seen[table][j]
            ps.append((int((abs(d) >= abs(diff) - 1e-12).sum()) + 1) / 10001)
        for (i, j), p in zip(pairs, holm(ps)):
            print("pair", table, systems[i].name, systems[j].name, repr(float(p)), sep="\t")
    right = [[s["intent"]["predicted"] == s["task"] for s in x.samples] for x in systems]
    ps = [mcnemar(sum(a and not b for a, b in zip(right[i], right[j])),
                  sum(b and not a for a, b in zip(right[i], right[j]))) for i, j in pairs]
    for (i, j), p in zip(pairs, holm(ps)):
        print("pair", "intent", systems[i].name, systems[j].name, repr(float(p)), sep="\t")


if __name__ == "__main__":
    {"fixture": fixture, "expect": expect}[sys.argv[1]](sys.argv[2])
