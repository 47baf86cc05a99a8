"""Compares `docassist score` with the real sacrebleu and rouge_score on random and adversarial pairs.

    python3.11 -m venv v
    v/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2 'numpy<2' regex==2022.10.31 nltk==3.8
    v/bin/python bench/metrics/differential.py build/docassist [PAIRS] [SEED]

Pairs come in batches of 2,000; every batch draws its own options. Prints one line a batch and the
number of figures that differ (beyond 1e-12 relative; counts, edits: at all); exit 1 when any does.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

PROGRAM = sys.argv[1]
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
BATCH = 2000
REL = 1e-12
rnd = random.Random(SEED)

WORDS = ("the a an of report budget Budget BUDGET policies policy running runs ran dying news skies "
         "relational conditional hopefully generalli sky's don't cat cats 3.5 1,000 2023. 10-12 3-D "
         "x.y .5 5. -1 a-b e.g. U.S.A. &amp; &quot;hi&quot; &amp;lt; <skipped> (see) [1] {x} ~ ^ _u_ "
         "50% $9.99 \u20ac5 \u00a35,000 \u201cquote\u201d \u2014 \u2013 \u2026 \u00e9t\u00e9 \u00c9T\u00c9 \u039f\u0394\u039f\u03a3 "
         "\u03a3\u03a3 \u0130stanbul \u212a Stra\u00dfe \u4e2d\u6587 \u65e5\u672c\u8a9e\u3002 \u304b\u306a \uff21\uff11 \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947 "
         "\U0001f600 \U00020000 \u0660\u0661 \u00bd \u2460 a\u0301 \ufb01 \u200b \ufeff \u00ad \u1e9e oes ies aies").split()
GLUE = [" "] * 30 + ["", "", "\t", "  ", "\n", "\n-", "-\n", "\u00a0", "\u3000", "\u2028", "\x1c", "\u200b",
                     ".", ",", "..", ".,", "- ", "'s ", "' "]
CHARS = "aAbyY eé.,-'0123456789!?;:()[]{}<>&/\\\"#$%*+=@^_`|~\n\t \u00a0\u3001\u3002\uff0c\u4e00\u9fff\u3400\u30a2\u0301\u03a3\u0130"


def random_text():
    x = rnd.random()
    if x < 0.03:
        return ""
    if x < 0.06:
        return rnd.choice([" ", "\n", "\t \u3000", ".", "..", "-", "the", "&", "&amp;lt;", "\u03a3"])
    if x < 0.25:
        return "".join(rnd.choice(CHARS) for _ in range(rnd.randint(1, 30)))
    words = [rnd.choice(WORDS) for _ in range(rnd.randint(1, 14 if x < 0.95 else 60))]
    return "".join(w + rnd.choice(GLUE) for w in words)[: None if x < 0.6 else -1]


def variant(text):
    words = text.split(" ")
    for _ in range(rnd.randint(0, 4)):
        k = rnd.randrange(5)
        i = rnd.randrange(len(words)) if words else 0
        if k == 0 and words:
            del words[i]
        elif k == 1:
            words.insert(i, rnd.choice(WORDS))
        elif k == 2 and len(words) > 3:
            j = rnd.randrange(len(words))
            piece = words[i:i + 3]
            del words[i:i + 3]
            words[j:j] = piece
        elif k == 3 and words:
            words[i] = words[i].swapcase()
        elif words:
            words[i] = words[i] + rnd.choice(".,!-?")
    return " ".join(words)


def pair():
    hyp = random_text()
    n = 1 if rnd.random() < 0.8 else rnd.randint(2, 4)
    refs = [variant(hyp) if rnd.random() < 0.7 else random_text() for _ in range(n)]
    return hyp, refs


def options():
    o = {"tok": rnd.choice(["13a", "13a", "intl", "zh", "char", "none"]),
         "smooth": rnd.choice(["exp", "exp", "floor", "add-k", "none"]),
         "order": rnd.choice([4, 4, 2, 6]), "lc": rnd.random() < 0.3, "stem": rnd.random() < 0.5,
         "nc": rnd.choice([6, 6, 3, 10]), "nw": rnd.choice([0, 2, 1]), "beta": rnd.choice([2, 1, 3]),
         "clc": rnd.random() < 0.3, "cws": rnd.random() < 0.3, "eps": rnd.random() < 0.2,
         "tn": rnd.random() < 0.4, "tp": rnd.random() < 0.3, "ta": rnd.random() < 0.4,
         "tc": rnd.random() < 0.3}
    args = ["--tokenize", o["tok"], "--smooth", o["smooth"], "--max-order", str(o["order"]),
            "--chrf-char-order", str(o["nc"]), "--chrf-word-order", str(o["nw"]),
            "--chrf-beta", str(o["beta"])]
    for key, flag in (("lc", "--lowercase"), ("stem", "--stem"), ("clc", "--chrf-lowercase"),
                      ("cws", "--chrf-whitespace"), ("eps", "--chrf-eps-smoothing"),
                      ("tn", "--ter-normalized"), ("tp", "--ter-no-punct"),
                      ("ta", "--ter-asian-support"), ("tc", "--ter-case-sensitive")):
        if o[key]:
            args.append(flag)
    return o, args


bad = equal = total = 0


def check(what, got, want, exact, context):
    global bad, equal, total
    total += 1
    if got == want:
        equal += 1
    elif exact or abs(got - want) > REL * abs(want):
        bad += 1
        if bad <= 20:
            print("DIFFERS", what, repr(got), repr(want), json.dumps(context))


def run(batch):
    pairs = [pair() for _ in range(BATCH)]
    o, args = options()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as f:
        for h, r in pairs:
            f.write(json.dumps({"hyp": h, "refs": r}) + "\n")
    out = subprocess.run([PROGRAM, "score", "--jsonl", f.name, "--sentence-level", "--json", "-m",
                          "bleu,chrf,ter,rouge1,rouge2,rougeL,rougeLsum", *args],
                         check=True, capture_output=True).stdout
    os.unlink(f.name)
    bleu = BLEU(tokenize=o["tok"], smooth_method=o["smooth"], max_ngram_order=o["order"],
                lowercase=o["lc"], effective_order=True)
    chrf = CHRF(char_order=o["nc"], word_order=o["nw"], beta=o["beta"], lowercase=o["clc"],
                whitespace=o["cws"], eps_smoothing=o["eps"])
    ter = TER(normalized=o["tn"], no_punct=o["tp"], asian_support=o["ta"], case_sensitive=o["tc"])
    types = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    rouge = rouge_scorer.RougeScorer(types, use_stemmer=o["stem"])
    for (h, r), line in zip(pairs, out.decode().splitlines()):
        got, ctx = json.loads(line), [h, r, o]
        b = bleu.sentence_score(h, r)
        check("bleu", got["bleu"]["score"], b.score, False, ctx)
        for key, want in (("counts", b.counts), ("totals", b.totals), ("sys_len", b.sys_len),
                          ("ref_len", b.ref_len)):
            check("bleu " + key, got["bleu"][key], want, True, ctx)
        check("chrf", got["chrf"]["score"], chrf.sentence_score(h, r).score, False, ctx)
        t = ter.sentence_score(h, r)
        check("ter", got["ter"]["score"], t.score, False, ctx)
        check("ter edits", got["ter"]["num_edits"], t.num_edits, True, ctx)
        s = rouge.score_multi(r, h)
        for key in types:
            for k in ("precision", "recall", "fmeasure"):
                check(key, got[key][k], getattr(s[key], k), False, ctx)
    print("batch", batch, "figures", total, "bit for bit", equal, "different", bad, flush=True)


for i in range((PAIRS + BATCH - 1) // BATCH):
    run(i)
sys.exit(bad > 0)
