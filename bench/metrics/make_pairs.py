"""Writes the bench's input: N pairs of about 90 words, hypotheses a noisy copy of the references.

    python make_pairs.py DIR [N]

Words come from the manual pages and package descriptions of the machine (any English text will
do); the choice is seeded. DIR/hyp.txt and DIR/hyp2.txt are two systems, DIR/ref.txt the references.
"""
import glob
import gzip
import random
import re
import sys

out, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20000
rnd = random.Random(7)
text = []
for path in sorted(glob.glob("/usr/share/man/man*/*.gz") + glob.glob("/usr/share/doc/*/*")):
    try:
        data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read(1 << 20)
        data = data.decode("utf-8")
    except (OSError, UnicodeDecodeError, EOFError):
        continue
    data = re.sub(r"^[.'].*$|\\[a-zA-Z(*][^ ]{0,2}|\\.", " ", data, flags=re.M)
    text += data.split()
    if len(text) > 3_000_000:
        break
if len(text) < 20000:
    sys.exit("make_pairs.py: not enough text on this machine")


def noisy(words, rate):
    kept = []
    for w in words:
        x = rnd.random()
        if x < rate * 0.5:
            continue
        kept.append(rnd.choice(text) if x < rate * 0.8 else w)
        if x > 1 - rate * 0.2:
            kept.append(w)
    for _ in range(int(rate * 10)):
        if len(kept) > 12:
            i, j = rnd.randrange(len(kept) - 6), rnd.randrange(len(kept) - 6)
            piece = kept[i:i + 5]
            del kept[i:i + 5]
            kept[j:j] = piece
    return kept


files = [open(f"{out}/{name}.txt", "w", encoding="utf-8") for name in ("ref", "hyp", "hyp2")]
for _ in range(n):
    at = rnd.randrange(len(text) - 130)
    ref = text[at:at + rnd.randint(60, 120)]
    for f, words in zip(files, (ref, noisy(ref, 0.25), noisy(ref, 0.26))):
        f.write(" ".join(words) + "\n")
